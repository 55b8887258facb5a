/**
 * What is kept of a call's span, or log record, until its trace has settled: its times, its place, and those of its
 * normalised attributes that the summary shows or that reports are compared by. Place and attributes are written as the
 * fields of a LogRecord that they become, those that a summary copies in one run.
 *
 * Layout: start and end (8 bytes each, as in the span); which of them there are; length of the place; number of
 * attributes that a summary copies, and of all; key of each attribute, with room for all keys; place; attributes.
 */
import { NEWEST, SLUICE } from '../../gen_ai/call_fields.ts'
import { normalisedKeys } from '../../gen_ai/normalised.ts'
import { next, readLength } from '../../otlp/cursor.ts'
import type { Output } from '../../otlp/output.ts'
import { contentStart, EMPTY, STRING, valueKind } from '../../telemetry/any_value.ts'
import { ATTRIBUTE, Attributes } from '../../telemetry/attributes.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import type { ItemKeys } from './item_keys.ts'
import { ATTRIBUTES, writePlace } from './records/log_record.ts'

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
const ofNumber = [KEY.costSource, KEY.qualitySignals]
/** What reports are compared by, and how long a call took that has no start. */
const compared = [KEY.cost, KEY.qualityScore, KEY.latency]

/** For each of `normalisedKeys`, whether a digest has it. */
const COPIED = 1
const COMPARED = 2
const part = new Uint8Array(normalisedKeys.names.length)
for (const key of [...fromOutside, ...fromInside, ...ofNumber]) part[key] = COPIED
for (const key of compared) part[key] = COMPARED

const AT = { start: 0, end: 8, times: 16, place: 17, copied: 18, count: 19, keys: 20 } as const
const HEAD_BYTES = AT.keys + part.filter((one) => one > 0).length
const HAS_START = 1
const HAS_END = 2

/** A longer text is left out but for its beginning, any other longer value altogether. */
const VALUE_BYTES_MAX = 1024
const ATTRIBUTE_TAG = (ATTRIBUTES << 3) | 2

/** Writes the digest of a normalised item with those keys. */
export function writeDigest(out: Output, span: SpanView, keys: ItemKeys): void {
  const { bytes, startTime, endTime } = span
  const head = out.end
  out.reserve(HEAD_BYTES)
  if (startTime >= 0) copyTime(bytes, startTime, out.bytes, head + AT.start)
  if (endTime >= 0) copyTime(bytes, endTime, out.bytes, head + AT.end)
  out.bytes[head + AT.times] = (startTime >= 0 ? HAS_START : 0) | (endTime >= 0 ? HAS_END : 0)
  out.end += HEAD_BYTES
  writePlace(out, span)
  out.bytes[head + AT.place] = out.end - head - HEAD_BYTES
  const copies = writeAttributes(out, span, keys, COPIED, head + AT.keys)
  out.bytes[head + AT.copied] = copies
  out.bytes[head + AT.count] = copies + writeAttributes(out, span, keys, COMPARED, head + AT.keys + copies)
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

/** Writes the attributes of that part, and their keys from `keysAt` on. Returns how many. */
function writeAttributes(out: Output, span: SpanView, keys: ItemKeys, wanted: number, keysAt: number): number {
  const { bytes, attributes } = span
  let count = 0
  // Those that stand together are copied together.
  let [start, end] = [0, 0]
  for (let at = 0; at < keys.count; at++) {
    if (part[keys.keys[at]!] !== wanted) continue
    const row = keys.rows[at]!
    const kind = valueKind(bytes, attributes.valueStart(row), attributes.valueEnd(row))
    const isLong = attributes.valueEnd(row) - attributes.valueStart(row) > VALUE_BYTES_MAX
    if (kind === EMPTY || (isLong && kind !== STRING)) continue
    out.bytes[keysAt + count++] = keys.keys[at]!
    const tag = attributes.rows[row * ATTRIBUTE.width + ATTRIBUTE.tag]!
    if (tag !== end || isLong) {
      copyRun(out, bytes, start, end)
      start = tag
    }
    end = attributes.rows[row * ATTRIBUTE.width + ATTRIBUTE.end]!
    if (!isLong) continue
    writeShortened(
      out,
      bytes,
      attributes,
      row,
      contentStart(bytes, attributes.valueStart(row), attributes.valueEnd(row)),
    )
    start = end
  }
  copyRun(out, bytes, start, end)
  return count
}

/** Copies attributes of a span, or log record, as those of a log record. */
function copyRun(out: Output, bytes: Uint8Array, start: number, end: number): void {
  if (start === end) return
  let at = out.end
  out.copy(bytes, start, end)
  // Spans have them under another number, whose tag is one byte too.
  while (at < out.end) {
    out.bytes[at] = ATTRIBUTE_TAG
    at = readLength(out.bytes, at + 1, out.end) + next
  }
}

/** The attribute with the beginning of its text. */
function writeShortened(out: Output, bytes: Uint8Array, attributes: Attributes, row: number, text: number): void {
  let stop = text + VALUE_BYTES_MAX
  while ((bytes[stop]! & 0xc0) === 0x80) stop--
  const attribute = out.open(ATTRIBUTES, VALUE_BYTES_MAX)
  writeField(out, bytes, attributes.keyStart(row), attributes.keyEnd(row))
  const value = out.open(2, VALUE_BYTES_MAX)
  writeField(out, bytes, text, stop)
  out.close(value, VALUE_BYTES_MAX)
  out.close(attribute, VALUE_BYTES_MAX)
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
