/**
 * A window on one span of a batch. One view is moved from span to span (`read`), so it allocates nothing; its fields
 * are offsets into the batch's bytes, -1 for what is absent. Source: opentelemetry/proto/trace/v1/trace.proto.
 */
import { next, readInt64, readLength, readUint32, skipValue, uint32 } from '../otlp/cursor.ts'
import { LOG_ATTRIBUTES, SPAN_ATTRIBUTES } from './attribute_writer.ts'
import { Attributes } from './attributes.ts'
import type { LogBatch, TraceBatch } from './batch.ts'
import { isEqual, type KeySet } from './key_set.ts'
import { ITEM } from './layout.ts'

/** Span kinds and status codes as OTLP numbers them. */
export const STATUS_ERROR = 2

/** Tag of Span.flags = 16, fixed32. */
const FLAGS = 0x85

const NOTHING = Buffer.alloc(0)

export class SpanView {
  /** True: this is a log record (`record_view.ts`). */
  readonly isRecord: boolean = false
  bytes: Buffer = NOTHING
  /** Content of the Span message. */
  start = 0
  end = 0
  /** Row in the layout's scopes. */
  scope = 0
  /** 16 and 8 bytes; -1 if absent or of another length. */
  traceId = -1
  spanId = -1
  /** 8 bytes; -1 for a root. */
  parentId = -1
  nameStart = -1
  nameEnd = -1
  kind = 0
  /** Fixed64 nanoseconds; -1 if absent. */
  startTime = -1
  endTime = -1
  statusCode = 0
  /** As the item has them; the lower eight bits are those of the W3C trace context. */
  flags = 0
  /** Content of the Status message. */
  statusStart = -1
  statusEnd = -1
  /** Number of events, and where the first one's tag is: for those who read on. */
  events = 0
  firstEvent = -1
  links = 0
  /** False: `attributes` stays empty, for readers that need only the rest. */
  wantsAttributes = true
  /** Where they are not wanted: 1 for the two bytes, `first << 8 | second`, with which a key begins that is looked for … */
  pairs: Uint8Array | undefined
  /** … and whether there is one. */
  hasPair = false
  readonly attributes = new Attributes()

  /** Nothing of a batch is needed any more: its memory is not held until the next one. */
  forget(): void {
    this.bytes = NOTHING
    this.attributes.clear()
  }

  /** Moves to span `item` of the batch. */
  read(batch: TraceBatch, item: number): void {
    const rows = batch.layout.itemRows
    const at = item * ITEM.width
    this.readAt(batch.bytes, rows[at + ITEM.start]!, rows[at + ITEM.end]!)
    this.scope = rows[at + ITEM.scope]!
  }

  /** Moves to the Span message in [start, end). */
  readAt(bytes: Buffer, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    this.traceId = this.spanId = this.parentId = -1
    this.nameStart = this.nameEnd = this.startTime = this.endTime = -1
    this.statusStart = this.statusEnd = this.firstEvent = -1
    this.kind = this.statusCode = this.flags = this.events = this.links = 0
    this.hasPair = false
    this.attributes.clear()
    for (let at = start; at < end; ) at = this.#field(bytes, at, end)
  }

  #field(bytes: Buffer, at: number, end: number): number {
    const tag = bytes[at]!
    if (tag > 127 || (tag & 7) !== 2) return this.#scalar(tag, bytes, at, end)
    let length = bytes[at + 1]!
    let start = at + 2
    if (length > 127) {
      length = readLength(bytes, at + 1, end)
      start = next
    }
    const behind = start + length
    switch (tag) {
      case 0x4a:
        if (this.wantsAttributes) this.attributes.add(bytes, at, start, behind)
        else if (this.pairs !== undefined) this.#look(bytes, start, this.pairs)
        break
      case 0x0a:
        if (length === 16) this.traceId = start
        break
      case 0x12:
        if (length === 8) this.spanId = start
        break
      case 0x22:
        if (length === 8 && !isZero(bytes, start, behind)) this.parentId = start
        break
      case 0x2a:
        this.nameStart = start
        this.nameEnd = behind
        break
      case 0x5a:
        if (this.events++ === 0) this.firstEvent = at
        break
      case 0x6a:
        this.links++
        break
      case 0x7a:
        this.#status(bytes, start, behind)
        break
    }
    return behind
  }

  /** The key stands first as a rule; where it does not, the attribute is to be looked at. */
  #look(bytes: Buffer, start: number, pairs: Uint8Array): void {
    if (bytes[start] !== 0x0a || pairs[(bytes[start + 2]! << 8) | bytes[start + 3]!] === 1) this.hasPair = true
  }

  #scalar(tag: number, bytes: Buffer, at: number, end: number): number {
    if (tag === 0x39) {
      this.startTime = at + 1
      return at + 9
    }
    if (tag === 0x41) {
      this.endTime = at + 1
      return at + 9
    }
    if (tag === 0x30 && bytes[at + 1]! < 128) {
      this.kind = bytes[at + 1]!
      return at + 2
    }
    const long = readUint32(bytes, at, end)
    if (long === FLAGS) this.flags = uint32(bytes, next)
    if (long !== 0x30) return skipValue(long & 7, bytes, next, end)
    this.kind = readInt64(bytes, next, end)
    return next
  }

  #status(bytes: Buffer, start: number, end: number): void {
    this.statusStart = start
    this.statusEnd = end
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      at = next
      if (tag === 0x18) this.statusCode = readInt64(bytes, at, end)
      at = skipValue(tag & 7, bytes, at, end)
    }
  }
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] !== 0) return false
  return true
}

/** Does the first attribute of a span or log record have this key? Reads no further than that attribute. */
export function beginsWithAttribute(batch: TraceBatch | LogBatch, item: number, key: Uint8Array): boolean {
  return isFirstFound(batch, item) && isEqual(key, batch.bytes, firstAttribute.keyStart(0), firstAttribute.keyEnd(0))
}

/** Which of these keys the first attribute has; -1: none of them. */
export function firstAttributeAmong(batch: TraceBatch | LogBatch, item: number, keys: KeySet): number {
  return isFirstFound(batch, item) ? keys.find(batch.bytes, firstAttribute.keyStart(0), firstAttribute.keyEnd(0)) : -1
}

const firstAttribute = new Attributes()

function isFirstFound(batch: TraceBatch | LogBatch, item: number): boolean {
  const { bytes } = batch
  const attributes = batch.signal === 'traces' ? SPAN_ATTRIBUTES : LOG_ATTRIBUTES
  const row = item * ITEM.width
  const end = batch.layout.itemRows[row + ITEM.end]!
  for (let at = batch.layout.itemRows[row + ITEM.start]!; at < end; ) {
    const tag = readUint32(bytes, at, end)
    if (tag !== attributes) at = skipValue(tag & 7, bytes, next, end)
    else {
      const behind = readLength(bytes, next, end) + next
      firstAttribute.clear()
      firstAttribute.add(bytes, at, next, behind)
      return true
    }
  }
  return false
}
