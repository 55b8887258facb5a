import { next, readLength, readUint32, skipValue } from '../../../otlp/cursor.ts'
import { Output } from '../../../otlp/output.ts'
import { LENGTH } from '../../../otlp/schema.ts'
import { type Batches, type Signal, trusted } from '../../../telemetry/batch.ts'
import { ITEM, RESOURCE, SCOPE } from '../../../telemetry/layout.ts'
import type { RedactionTally } from '../redaction_tally.ts'

/**
 * The batch without length-delimited fields that OTLP does not have in requests, resource groups and scope groups: they
 * may hold anything (the deprecated ones hold whole spans), and nothing judges them. All three levels have the fields 1
 * to 3 of `layout.ts`.
 */
export function withoutUnknownFields<S extends Signal>(batch: Batches[S], tally: RedactionTally): Batches[S] {
  if (!hasUnknownFields(batch)) return batch
  const out = new Output(batch.bytes.length)
  const before = tally.unknownFields
  copyKnown(batch.bytes, 0, batch.bytes.length, 0, out, tally)
  return tally.unknownFields === before ? batch : trusted(batch.signal as S, out.take())
}

/** Whether bytes are left at any of the three levels that the index does not list. */
function hasUnknownFields(batch: Batches[Signal]): boolean {
  const { resources, scopes, itemRows } = batch.layout
  let requestBytes = batch.bytes.length
  for (let row = 0; row < resources.length; row += RESOURCE.width)
    requestBytes -= resources[row + RESOURCE.end]! - resources[row]!
  let inner = 0
  for (let row = 0; row < resources.length; row += RESOURCE.width) inner += rest(resources, row)
  for (let row = 0; row < scopes.length; row += SCOPE.width)
    inner += rest(scopes, row) - (scopes[row + SCOPE.end]! - scopes[row]!)
  for (let row = 0; row < itemRows.length; row += ITEM.width) inner -= itemRows[row + ITEM.end]! - itemRows[row]!
  return requestBytes !== 0 || inner !== 0
}

/** Bytes of a group's content beside its head and its schema URL. */
function rest(rows: Int32Array, row: number): number {
  const heads = rows[row + RESOURCE.headEnd]! - rows[row + RESOURCE.headTag]!
  const schema = rows[row + RESOURCE.schemaEnd]! - rows[row + RESOURCE.schemaTag]!
  return rows[row + RESOURCE.end]! - rows[row + RESOURCE.start]! - heads - schema
}

/** The field that is walked into, and the highest known field, by level: request, resource group, scope group. */
const levels = [
  { inner: 1, known: 1 },
  { inner: 2, known: 3 },
  { inner: -1, known: 3 },
] as const

function copyKnown(bytes: Buffer, start: number, end: number, level: number, out: Output, tally: RedactionTally): void {
  const { inner, known } = levels[level]!
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    const field = tag >>> 3
    if (field === inner) {
      readLength(bytes, value, end)
      const content = next
      const mark = out.open(field, behind - content)
      copyKnown(bytes, content, behind, level + 1, out, tally)
      out.close(mark, behind - content)
    } else if (field <= known || (tag & 7) !== LENGTH) out.copy(bytes, at, behind)
    else tally.addUnknownField()
    at = behind
  }
}
