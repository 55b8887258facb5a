/**
 * Log records as a push request. PushRequest{streams=1: StreamAdapter{labels=1, entries=2: EntryAdapter{timestamp=1:
 * Timestamp{seconds=1, nanos=2}, line=2, structuredMetadata=3: LabelPairAdapter{name=1, value=2}}}}, as Loki's
 * pkg/push/push.proto has it.
 */
import { uint32 } from '../../otlp/cursor.ts'
import { Output, varintSize } from '../../otlp/output.ts'
import * as values from '../../telemetry/any_value.ts'
import type { LogBatch } from '../../telemetry/batch.ts'
import { ITEM } from '../../telemetry/layout.ts'
import type { LabelSets, StreamsInUse } from './label_sets.ts'
import { cutAt, MARK } from './lines/cut.ts'
import { LineMetadata, type MetadataLimits } from './lines/line_metadata.ts'
import { LineRecord } from './lines/line_record.ts'
import { isText, writeValue } from './lines/value_text.ts'
import { type Stream, StreamTargets, type Target } from './stream_targets.ts'

export interface PushLimits {
  readonly line_bytes_max: number
  readonly label_value_bytes_max: number
  readonly request_bytes_max: number
  readonly metadata: MetadataLimits
}

/** A stream of a request: where it is in the request's bytes, how many lines it has. */
export interface PushedStream {
  readonly entries: number
  readonly start: number
  readonly end: number
  /** Times of its first and last line, in seconds since 1970. */
  readonly oldest_s: number
  readonly newest_s: number
}

/** What did not fit. */
export interface Losses {
  cutLines: number
  cutValues: number
  cutLabels: number
  droppedEntries: number
  /** Lines that went to a stream for what found no place. */
  overflowLines: number
}

export interface Push {
  /** A PushRequest; valid until the next conversion. */
  readonly bytes: Buffer
  readonly streams: readonly PushedStream[]
  readonly losses: Losses
}

const STREAM_TAG = 0x0a
const LABELS_TAG = 0x0a
const ENTRIES = 2
const TIMESTAMP_TAG = 0x0a
const SECONDS_TAG = 0x08
const NANOS_TAG = 0x10
const LINE_TAG = 0x12
const NANOS_PER_SECOND = 1_000_000_000

/** One for an exporter: everything that it works with is used again for the next batch. */
export class PushConverter {
  readonly #limits: PushLimits
  readonly #heads: StreamTargets
  readonly #metadata: LineMetadata
  readonly #record = new LineRecord()
  readonly #text = new Output()
  readonly #entries = new Output(64 * 1024)
  readonly #request = new Output(64 * 1024)
  /** By row: where the entry is in `#entries`, and its time. */
  #ends: number[] = []
  #seconds: number[] = []
  #nanos: number[] = []
  #cutLines = 0
  #overflowLines = 0

  constructor(limits: PushLimits, labels: LabelSets, streams: StreamsInUse) {
    this.#limits = limits
    this.#metadata = new LineMetadata(limits.metadata)
    this.#heads = new StreamTargets(labels, streams, this.#metadata, limits.label_value_bytes_max)
  }

  /** Undefined if the request would be over `request_bytes_max`, or has too many names. Records without any time get `now_ms`. */
  convert(batch: LogBatch, now_ms: number): Push | undefined {
    try {
      return this.#convert(batch, now_ms)
    } finally {
      this.#metadata.end()
      this.#text.reset()
      this.#entries.reset()
      // What was written stays where it is: a large one is not written over, but left to whoever has it.
      this.#request.reset()
    }
  }

  #convert(batch: LogBatch, now_ms: number): Push | undefined {
    const { bytes, layout } = batch
    this.#begin(batch)
    let scope = -1
    for (let item = 0; item < layout.items; item++) {
      const row = item * ITEM.width
      if (layout.itemRows[row + ITEM.scope] !== scope) {
        scope = layout.itemRows[row + ITEM.scope]!
        this.#heads.read(batch, scope)
      }
      this.#record.read(bytes, layout.itemRows[row + ITEM.start]!, layout.itemRows[row + ITEM.end]!)
      const target = this.#collect(bytes)
      this.#setTime(bytes, item, now_ms)
      this.#file(target, item)
      this.#writeEntry(bytes, target)
      this.#ends.push(this.#entries.end)
      if (this.#entries.end > this.#limits.request_bytes_max) return undefined
      if (this.#metadata.isFull && layout.items > 1) return undefined
    }
    const streams = this.#assemble()
    if (this.#request.end > this.#limits.request_bytes_max) return undefined
    return { bytes: this.#request.bytes.subarray(0, this.#request.end), streams, losses: this.#losses() }
  }

  #begin(batch: LogBatch): void {
    this.#metadata.begin(batch.bytes)
    this.#heads.begin()
    this.#entries.reset()
    this.#ends.length = this.#seconds.length = this.#nanos.length = 0
    this.#cutLines = this.#overflowLines = 0
  }

  /** Collects the metadata of the record, the ones that must not be lost first, and says where its line goes. */
  #collect(bytes: Buffer): Target {
    const record = this.#record
    const metadata = this.#metadata
    const { names } = metadata
    metadata.beginRecord()
    if (record.traceId >= 0) metadata.addText('trace_id', bytes.toString('hex', record.traceId, record.traceId + 16))
    if (record.spanId >= 0) metadata.addText('span_id', bytes.toString('hex', record.spanId, record.spanId + 8))
    metadata.addRange(names.of('severity_text'), record.severityTextStart, record.severityTextEnd)
    if (record.severityNumber !== 0) metadata.addText('severity_number', String(record.severityNumber))
    metadata.addRange(names.of('event_name'), record.eventNameStart, record.eventNameEnd)
    if (record.flags >= 0) metadata.addText('flags', String(uint32(bytes, record.flags)))
    if (record.observedTime >= 0)
      metadata.addText('observed_timestamp', String(bytes.readBigUInt64LE(record.observedTime)))
    if (record.droppedAttributes !== 0) metadata.addText('dropped_attributes_count', String(record.droppedAttributes))
    return this.#heads.addAttributes(bytes, record.attributes)
  }

  /** The record's time, else the observed one, else now. */
  #setTime(bytes: Buffer, item: number, now_ms: number): void {
    const at = this.#record.time >= 0 ? this.#record.time : this.#record.observedTime
    if (at < 0) {
      this.#seconds[item] = Math.floor(now_ms / 1000)
      this.#nanos[item] = Math.floor((now_ms % 1000) * 1_000_000)
      return
    }
    // Long division in steps of 16 bits, since 64 do not fit a double.
    let seconds = 0
    let rest = 0
    for (let digit = 6; digit >= 0; digit -= 2) {
      const part = rest * 65536 + bytes[at + digit]! + bytes[at + digit + 1]! * 256
      seconds = seconds * 65536 + Math.floor(part / NANOS_PER_SECOND)
      rest = part % NANOS_PER_SECOND
    }
    this.#seconds[item] = seconds
    this.#nanos[item] = rest
  }

  #file({ stream, isOverflow }: Target, item: number): void {
    if (isOverflow) this.#overflowLines++
    const last = stream.rows.at(-1)
    if (last !== undefined && this.#compare(last, item) > 0) stream.isSorted = false
    stream.rows.push(item)
  }

  #compare(one: number, other: number): number {
    return this.#seconds[one]! - this.#seconds[other]! || this.#nanos[one]! - this.#nanos[other]!
  }

  #writeEntry(bytes: Buffer, { stream, isOverflow }: Target): void {
    const out = this.#entries
    const record = this.#record
    const expected = Math.max(0, record.bodyEnd - record.bodyStart) + record.attributes.count * 32
    const mark = out.open(ENTRIES, expected)
    const seconds = this.#seconds.at(-1)!
    const nanos = this.#nanos.at(-1)!
    out.byte(TIMESTAMP_TAG)
    out.byte(2 + varintSize(seconds) + varintSize(nanos))
    out.byte(SECONDS_TAG)
    out.varint(seconds)
    out.byte(NANOS_TAG)
    out.varint(nanos)
    this.#writeLine(bytes)
    this.#metadata.write(out, stream, isOverflow)
    out.close(mark, expected)
  }

  /** The body; where there is none, the event's name: better than an empty line. */
  #writeLine(bytes: Buffer): void {
    const { bodyStart, bodyEnd } = this.#record
    const start = values.textStart(bytes, bodyStart, bodyEnd)
    if (start >= 0 && start < bodyEnd && isText(bytes, start, bodyEnd)) return this.#cutLine(bytes, start, bodyEnd)
    const text = this.#text
    text.reset()
    if (bodyStart < bodyEnd) writeValue(bytes, bodyStart, bodyEnd, text)
    if (text.end === 0) text.text(this.#record.eventName(bytes))
    this.#cutLine(text.bytes, 0, text.end)
  }

  #cutLine(bytes: Buffer, start: number, end: number): void {
    const cut = cutAt(bytes, start, end, this.#limits.line_bytes_max)
    const mark = cut < end ? MARK.length : 0
    if (cut < end) this.#cutLines++
    this.#entries.byte(LINE_TAG)
    this.#entries.varint(cut - start + mark)
    this.#entries.copy(bytes, start, cut)
    this.#entries.copy(MARK, 0, mark)
  }

  #assemble(): PushedStream[] {
    const out = this.#request
    out.reset()
    return this.#heads.streams().map((stream) => {
      const start = out.end
      this.#writeStream(stream)
      const { rows } = stream
      const [oldest_s, newest_s] = [this.#seconds[rows[0]!]!, this.#seconds[rows.at(-1)!]!]
      return { entries: rows.length, start, end: out.end, oldest_s, newest_s }
    })
  }

  #writeStream({ labels, rows, isSorted }: Stream): void {
    const out = this.#request
    if (!isSorted) rows.sort((one, other) => this.#compare(one, other))
    const labelBytes = Buffer.from(labels)
    const startOf = (row: number) => (row === 0 ? 0 : this.#ends[row - 1]!)
    const entries_bytes = rows.reduce((total, row) => total + this.#ends[row]! - startOf(row), 0)
    out.byte(STREAM_TAG)
    out.varint(1 + varintSize(labelBytes.length) + labelBytes.length + entries_bytes)
    out.byte(LABELS_TAG)
    out.varint(labelBytes.length)
    out.copy(labelBytes, 0, labelBytes.length)
    for (const row of rows) out.copy(this.#entries.bytes, startOf(row), this.#ends[row]!)
  }

  #losses(): Losses {
    return {
      cutLines: this.#cutLines,
      cutValues: this.#metadata.cutValues,
      cutLabels: this.#heads.cutLabels,
      droppedEntries: this.#metadata.droppedEntries,
      overflowLines: this.#overflowLines,
    }
  }
}
