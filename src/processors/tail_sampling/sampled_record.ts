/** A window on one log record, with what the sampler asks for. Source: opentelemetry/proto/logs/v1/logs.proto. */
import { next, readLength, readUint32, skipValue } from '../../otlp/cursor.ts'
import { numberOf, textStart } from '../../telemetry/any_value.ts'
import { Attributes } from '../../telemetry/attributes.ts'
import type { LogBatch } from '../../telemetry/batch.ts'
import { isEqual, KeySet } from '../../telemetry/key_set.ts'
import { ITEM } from '../../telemetry/layout.ts'
import { isTraceId } from '../../traces/trace_id.ts'
import { SCORE_KEY } from './policies/features.ts'

const TRACE_ID = 0x4a
const ATTRIBUTES = 0x32
const EVENT_NAME = 0x62
/** Records that tell of a model call in short, which pass whatever becomes of the trace. */
const SUMMARY = Buffer.from('sluice.gen_ai.summary')
const KEYS = new KeySet(['event_name', SCORE_KEY])

const NOTHING = Buffer.alloc(0)

export class SampledRecord {
  bytes: Buffer = NOTHING
  /** Content of the LogRecord. */
  start = 0
  end = 0
  /** 16 bytes that are not all zero; -1 if absent or invalid. */
  traceId = -1
  /** Is it the summary of a model call, by field or by attribute? */
  isSummary = false
  /** Quality of the model call that it tells of; NaN if it says nothing. */
  score = Number.NaN
  readonly #attributes = new Attributes()
  readonly #found = new Int32Array(KEYS.names.length)

  /** Nothing of a batch is needed any more: its memory is not held until the next one. */
  forget(): void {
    this.bytes = NOTHING
    this.#attributes.clear()
  }

  read(batch: LogBatch, item: number): void {
    const rows = batch.layout.itemRows
    const at = item * ITEM.width
    this.readAt(batch.bytes, rows[at + ITEM.start]!, rows[at + ITEM.end]!)
  }

  readAt(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.traceId = -1
    this.isSummary = false
    this.#attributes.clear()
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const value = next
      const behind = skipValue(tag & 7, bytes, value, end)
      if ((tag & 7) === 2) this.#range(tag, at, value, behind)
      at = behind
    }
    this.#ask()
  }

  #range(tag: number, at: number, value: number, end: number): void {
    const { bytes } = this
    readLength(bytes, value, end)
    if (tag === ATTRIBUTES) this.#attributes.add(bytes, at, next, end)
    else if (tag === TRACE_ID && end - next === 16 && isTraceId(bytes, next)) this.traceId = next
    else if (tag === EVENT_NAME) this.isSummary = isEqual(SUMMARY, bytes, next, end)
  }

  #ask(): void {
    const attributes = this.#attributes
    attributes.find(this.bytes, KEYS, this.#found)
    const name = this.#found[0]!
    const score = this.#found[1]!
    if (name >= 0) {
      const end = attributes.valueEnd(name)
      const text = textStart(this.bytes, attributes.valueStart(name), end)
      if (text >= 0 && isEqual(SUMMARY, this.bytes, text, end)) this.isSummary = true
    }
    this.score = score < 0 ? Number.NaN : numberOf(this.bytes, attributes.valueStart(score), attributes.valueEnd(score))
  }
}
