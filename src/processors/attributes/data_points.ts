/** The attributes of a metric's data points: two levels below the metric. */
import type { Context } from '../../component.ts'
import type { AttributeEditor } from '../../items/attribute_editor.ts'
import { fieldNumber } from '../../items/fields.ts'
import { next, readLength, readUint32, skipValue } from '../../otlp/cursor.ts'
import type { Output } from '../../otlp/output.ts'
import type { MessageName } from '../../otlp/schema.ts'

const kinds: readonly (readonly [field: string, point: MessageName])[] = [
  ['gauge', 'NumberDataPoint'],
  ['sum', 'NumberDataPoint'],
  ['histogram', 'HistogramDataPoint'],
  ['exponentialHistogram', 'ExponentialHistogramDataPoint'],
  ['summary', 'SummaryDataPoint'],
]
/** By the tag of a metric's data: field number of its points' attributes. */
const attributesField = new Map(
  kinds.map(([field, point]) => [fieldNumber('Metric', field) * 8 + 2, fieldNumber(point, 'attributes')]),
)
/** All kinds have their points in the same field. */
const POINTS = fieldNumber('Sum', 'dataPoints')

/** Writes the Metric in [start, end) with its points' attributes edited. Returns false if nothing changes; then what it wrote is worthless. */
export function editDataPoints(
  editor: AttributeEditor,
  bytes: Buffer,
  start: number,
  end: number,
  out: Output,
  context: Context,
): boolean {
  let isChanged = false
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    const field = attributesField.get(tag)
    if (field === undefined) out.copy(bytes, at, behind)
    else {
      readLength(bytes, value, end)
      const from = next
      const mark = out.open(tag >>> 3, behind - from)
      if (editPoints(editor, bytes, from, behind, field, out, context)) isChanged = true
      out.close(mark, behind - from)
    }
    at = behind
  }
  return isChanged
}

function editPoints(
  editor: AttributeEditor,
  bytes: Buffer,
  start: number,
  end: number,
  field: number,
  out: Output,
  context: Context,
): boolean {
  let isChanged = false
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    if (tag !== POINTS * 8 + 2) out.copy(bytes, at, behind)
    else {
      readLength(bytes, value, end)
      const from = next
      const mark = out.open(POINTS, behind - from)
      if (editor.edit(bytes, from, behind, field, out, context)) isChanged = true
      else out.copy(bytes, from, behind)
      out.close(mark, behind - from)
    }
    at = behind
  }
  return isChanged
}
