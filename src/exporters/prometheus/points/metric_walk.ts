/**
 * A metric without turning all its data points into objects at once: ten thousand of them in one metric would hold up
 * the event loop. Field numbers come from the table of the messages.
 */
import { decode } from '../../../otlp/codec.ts'
import { next, readLength, readUint32, skipValue } from '../../../otlp/cursor.ts'
import { type Field, fieldsOf, isMessage, type MessageName } from '../../../otlp/schema.ts'
import type { Metric, Point } from './point.ts'

export interface WalkedMetric {
  /** Its data has no points. */
  readonly metric: Metric
  /** Decodes one point after the other. */
  readonly points: Iterable<Point>
}

/** Throws WireError, as does walking the points. */
export function walkMetric(bytes: Buffer, start: number, end: number): WalkedMetric {
  const data = find('Metric', bytes, start, end, (field) => field.oneof === 'data')
  if (data === undefined || !isMessage(data.field.type))
    return { metric: decode('Metric', bytes, start, end) as Metric, points: [] }
  // The fields before and after the data; those of the data itself follow, without its points.
  const rest = Buffer.concat([bytes.subarray(start, data.tag), bytes.subarray(data.end, end)])
  const kind = data.field.type
  const metric = { ...decode('Metric', rest), [data.field.name]: withoutPoints(kind, bytes, data.start, data.end) }
  return { metric: metric as Metric, points: pointsOf(kind, bytes, data.start, data.end) }
}

interface Found {
  readonly field: Field
  /** Where its tag begins, and where its content begins and ends. */
  readonly tag: number
  readonly start: number
  readonly end: number
}

function* fields(name: MessageName, bytes: Buffer, start: number, end: number): Generator<Found> {
  for (let at = start; at < end; ) {
    const tag = at
    const key = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(key & 7, bytes, value, end)
    if ((key & 7) === 2) readLength(bytes, value, end)
    const content = (key & 7) === 2 ? next : value
    const field = fieldsOf[name].find(({ number }) => number === key >>> 3)
    at = behind
    if (field !== undefined) yield { field, tag, start: content, end: behind }
  }
}

function find(
  name: MessageName,
  bytes: Buffer,
  start: number,
  end: number,
  is: (field: Field) => boolean,
): Found | undefined {
  for (const found of fields(name, bytes, start, end)) if (is(found.field)) return found
  return undefined
}

function withoutPoints(kind: MessageName, bytes: Buffer, start: number, end: number): object {
  const parts: Buffer[] = []
  for (const { field, tag, end: behind } of fields(kind, bytes, start, end)) {
    if (field.name !== 'dataPoints') parts.push(bytes.subarray(tag, behind))
  }
  return decode(kind, Buffer.concat(parts))
}

function* pointsOf(kind: MessageName, bytes: Buffer, start: number, end: number): Generator<Point> {
  for (const found of fields(kind, bytes, start, end)) {
    const { field } = found
    if (field.name === 'dataPoints' && isMessage(field.type))
      yield decode(field.type, bytes, found.start, found.end) as Point
  }
}
