/**
 * What is kept of a call's span, or log record, until its trace has settled: its times, its place, and those of its
 * normalised attributes that the summary shows or that reports are compared by. Place and attributes are written as the
 * fields of a LogRecord that they become, those that a summary copies in one run.
 *
 * Layout: start and end (8 bytes each, as in the span); which of them there are; length of the place; number of
 * attributes that a summary copies, and of all; key of each attribute, with room for all keys; place; attributes.
 */
import { NEWEST, SLUICE } from '../../gen_ai/field.ts'
import { normalisedKeys } from '../../gen_ai/normalised.ts'
import { next, readLength } from '../../otlp/cursor.ts'
import type { Output } from '../../otlp/output.ts'
import { contentStart, EMPTY, STRING, valueKind } from '../../telemetry/any_value.ts'
import { ATTRIBUTE, Attributes } from '../../telemetry/attributes.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { ATTRIBUTES, writePlace } from './log_record.ts'

const keyOf = (name: string) => normalisedKeys.names.indexOf(name)

/** Position of each name, for the methods of `Digest`. */
export const KEY = Object.fromEntries(
  [...Object.entries(NEWEST), ...Object.entries(SLUICE), ['taskType', 'llm.task_type'] as const].map(([name, key]) => [
    name,
    keyOf(key),
  ]),
) as Record<keyof typeof NEWEST | keyof typeof SLUICE | 'taskType', number>

/** What a summary copies from the outermost report that tells it … */
export const fromOutside: readonly number[] = [
  KEY.dialect,
  KEY.operation,
  KEY.responseId,
  KEY.conversationId,
  KEY.agentName,
  KEY.taskType,
  KEY.errorType,
  KEY.finishReasons,
  KEY.stream,
]
/** … from the innermost, as in the call's row … */
export const fromInside: readonly number[] = [KEY.provider, KEY.requestModel, KEY.responseModel]
/** … or from the one whose number counts. */
const ofNumbers = [KEY.costSource, KEY.qualitySignals]
const copied = fromOutside.length + fromInside.length + ofNumbers.length
const keys = [...fromOutside, ...fromInside, ...ofNumbers, KEY.cost, KEY.qualityScore, KEY.latency]

const AT = { start: 0, end: 8, times: 16, place: 17, copied: 18, count: 19, keys: 20 } as const
const HEAD_BYTES = AT.keys + keys.length
const HAS_START = 1
const HAS_END = 2

/** A longer text is left out but for its beginning, any other longer value altogether. */
const VALUE_BYTES_MAX = 1024

/** Writes the digest of a normalised item, whose `normalisedKeys` stand in these rows. */
export function writeDigest(out: Output, span: SpanView, rows: Int32Array): void {
  const { bytes, startTime, endTime } = span
  const head = out.end
  out.reserve(HEAD_BYTES)
  if (startTime >= 0) copyTime(bytes, startTime, out.bytes, head + AT.start)
  if (endTime >= 0) copyTime(bytes, endTime, out.bytes, head + AT.end)
  out.bytes[head + AT.times] = (startTime >= 0 ? HAS_START : 0) | (endTime >= 0 ? HAS_END : 0)
  out.end += HEAD_BYTES
  writePlace(out, span)
  out.bytes[head + AT.place] = out.end - head - HEAD_BYTES
  let count = 0
  let copies = 0
  for (let at = 0; at < keys.length; at++) {
    const row = rows[keys[at]!]!
    if (row < 0 || !writeAttribute(out, span, row)) continue
    out.bytes[head + AT.keys + count++] = keys[at]!
    if (at < copied) copies = count
  }
  out.bytes[head + AT.copied] = copies
  out.bytes[head + AT.count] = count
}

/** A digest that is read. */
export class Digest {
  bytes: Buffer = NOTHING
  /** Fixed64 nanoseconds; -1 if absent. */
  startTime = -1
  endTime = -1
  readonly #attributes = new Attributes()
  /** Row of each of `normalisedKeys` among the attributes, -1 for none. */
  readonly #rows = new Int32Array(normalisedKeys.names.length)
  #place = 0
  #copied = 0
  #copiedEnd = 0

  read(bytes: Buffer, start: number, end: number): this {
    this.bytes = bytes
    this.startTime = (bytes[start + AT.times]! & HAS_START) === 0 ? -1 : start + AT.start
    this.endTime = (bytes[start + AT.times]! & HAS_END) === 0 ? -1 : start + AT.end
    this.#place = start + HEAD_BYTES
    this.#copied = this.#place + bytes[start + AT.place]!
    this.#copiedEnd = this.#readAttributes(bytes, start, end)
    return this
  }

  /** Time, flags, trace id and span id. */
  writePlace(out: Output): void {
    out.copy(this.bytes, this.#place, this.#copied)
  }

  /** Everything that a summary copies of the only report of a call. */
  writeCopied(out: Output): void {
    out.copy(this.bytes, this.#copied, this.#copiedEnd)
  }

  /** The attribute with that key, which the digest has. */
  writeAttribute(out: Output, key: number): void {
    const { rows } = this.#attributes
    const row = this.#rows[key]! * ATTRIBUTE.width
    out.copy(this.bytes, rows[row + ATTRIBUTE.tag]!, rows[row + ATTRIBUTE.end]!)
  }

  has(key: number): boolean {
    return this.#rows[key]! >= 0
  }

  /** The AnyValue under that key, which the digest has. */
  valueStart(key: number): number {
    return this.#attributes.valueStart(this.#rows[key]!)
  }

  valueEnd(key: number): number {
    return this.#attributes.valueEnd(this.#rows[key]!)
  }

  /** Returns where those end that a summary copies. */
  #readAttributes(bytes: Buffer, start: number, end: number): number {
    const copies = bytes[start + AT.copied]!
    const count = bytes[start + AT.count]!
    this.#attributes.clear()
    this.#rows.fill(-1)
    let copiedEnd = this.#copied
    for (let row = 0, at = copiedEnd; row < count; row++) {
      const behind = readLength(bytes, at + 1, end) + next
      this.#attributes.add(bytes, at, next, behind)
      this.#rows[bytes[start + AT.keys + row]!] = row
      at = behind
      if (row < copies) copiedEnd = at
    }
    return copiedEnd
  }
}

const NOTHING = Buffer.alloc(0)

/** False, and nothing is written, if the value is empty, or too long. */
function writeAttribute(out: Output, { bytes, attributes }: SpanView, row: number): boolean {
  const start = attributes.valueStart(row)
  const end = attributes.valueEnd(row)
  const kind = valueKind(bytes, start, end)
  if (kind === EMPTY) return false
  if (end - start <= VALUE_BYTES_MAX) {
    const tag = attributes.rows[row * ATTRIBUTE.width + ATTRIBUTE.tag]!
    const at = out.end
    out.copy(bytes, tag, attributes.rows[row * ATTRIBUTE.width + ATTRIBUTE.end]!)
    // Spans have their attributes under another number, of one byte too.
    out.bytes[at] = (ATTRIBUTES << 3) | 2
    return true
  }
  if (kind !== STRING) return false
  let stop = contentStart + VALUE_BYTES_MAX
  while ((bytes[stop]! & 0xc0) === 0x80) stop--
  const attribute = out.open(ATTRIBUTES, VALUE_BYTES_MAX)
  writeField(out, bytes, attributes.keyStart(row), attributes.keyEnd(row))
  const value = out.open(2, VALUE_BYTES_MAX)
  writeField(out, bytes, contentStart, stop)
  out.close(value, VALUE_BYTES_MAX)
  out.close(attribute, VALUE_BYTES_MAX)
  return true
}

/** A text under number 1, as in keys and values. */
function writeField(out: Output, bytes: Uint8Array, start: number, end: number): void {
  out.byte(0x0a)
  out.varint(end - start)
  out.copy(bytes, start, end)
}

function copyTime(bytes: Uint8Array, time: number, target: Uint8Array, at: number): void {
  for (let byte = 0; byte < 8; byte++) target[at + byte] = bytes[time + byte]!
}
