/**
 * The receiver's check of a message: every tag, wire type and length, all the way down, in one pass without objects.
 * It also notices two things that need another form before anything may read the bytes: `irregular`, `sluiceAttributes`.
 */
import { next, readLength, readUint32, skipValue, skipVarint } from './cursor.ts'
import { type Allowance, countsAs, POINT } from './limits.ts'
import {
  FIELDS_PER_MESSAGE,
  FIXED64,
  fieldKind,
  fieldMessage,
  fieldOnce,
  KNOWN,
  LENGTH,
  messageId,
  PACKABLE,
  REPEATED,
  VARINT,
} from './schema.ts'
import { WireError } from './wire_error.ts'

/** An AnyValue may hold AnyValues to this depth (the attribute value depth limit of the OpenTelemetry specification). */
export const VALUE_DEPTH_MAX = 64

const KEY_VALUE = messageId.KeyValue
const ANY_VALUE = messageId.AnyValue

/**
 * The table of `schema.ts` in the form that the walk needs: by message id times 256 plus tag, for tags below 256, what
 * to do (bits 0 to 2), the once bit of the field (bits 3 to 19) and the message inside (from bit 20). 0: see `checkRare`.
 */
const VARINT_STEP = 1
const FIXED32_STEP = 2
const FIXED64_STEP = 3
const TEXT_STEP = 4
const KEY_VALUE_STEP = 5
const MESSAGE_STEP = 6
const POINT_STEP = 7
const ONCE_MASK = 0xffff8
const steps = new Int32Array((fieldKind.length / FIELDS_PER_MESSAGE) * 256)
for (let row = 0; row < fieldKind.length; row++) {
  const tag = (row % FIELDS_PER_MESSAGE) * 8 + (fieldKind[row]! & 7)
  if (fieldKind[row] !== 0 && tag < 256) steps[Math.floor(row / FIELDS_PER_MESSAGE) * 256 + tag] = stepOf(row)
}

/** The check of one request, message by message. */
export class Check {
  /** What the request may still hold (`limits.ts`). */
  readonly allowance: Allowance
  /**
   * A message is not in regular form (`regular.ts`): a singular field occurred twice, a tag is longer than it need
   * be, or an AnyValue goes on behind its member. Readers that do not expect it would disagree.
   */
  irregular = false
  /** Attributes whose key begins with `sluice.`: only this program may write them. */
  sluiceAttributes = 0

  constructor(allowance: Allowance) {
    this.allowance = allowance
  }

  /** Checks the fields of a message in [start, end), and counts them. Throws WireError, and LimitError. */
  check(message: number, bytes: Uint8Array, start: number, end: number, depth = 0): void {
    if (message === ANY_VALUE && depth > VALUE_DEPTH_MAX)
      throw new WireError('attribute value is nested too deeply', start)
    // Counted in local variables and booked at the end of the message: this loop is the hottest of all.
    const { fields: fieldsMax, attributes: attributesMax } = this.allowance
    let fields = 0
    let attributes = 0
    let seen = 0
    let at = start
    while (at < end) {
      const tag = bytes[at]!
      const step = tag < 128 || bytes[at + 1] === 1 ? steps[(message << 8) | tag]! : 0
      if (step === 0) {
        at = this.#rare(message, bytes, at, end, depth, seen)
        continue
      }
      const once = step & ONCE_MASK
      if ((seen & once) !== 0) {
        this.irregular = true
        if (++fields > fieldsMax) this.allowance.countFields(fields, at)
      }
      seen |= once
      at += tag < 128 ? 1 : 2
      const kind = step & 7
      if (kind < TEXT_STEP) {
        if (kind === FIXED64_STEP) at += 8
        else if (kind === FIXED32_STEP) at += 4
        else at = bytes[at]! < 128 ? at + 1 : skipVarint(bytes, at, end)
        continue
      }
      let length = bytes[at]!
      if (length < 128) at++
      else {
        length = readUint32(bytes, at, end)
        at = next
      }
      const behind = at + length
      if (behind > end) throw new WireError('length points past the end of its message', at)
      if (kind === KEY_VALUE_STEP) {
        if (++attributes > attributesMax) this.allowance.countAttributes(attributes, at)
        this.#keyValue(bytes, at, behind, depth)
      } else if (kind === MESSAGE_STEP) {
        if (once === 0 && ++fields > fieldsMax) this.allowance.countFields(fields, at)
        this.#inner(step >> 20, bytes, at, behind, depth)
      } else if (kind === POINT_STEP) this.#point(step >> 20, bytes, at, behind)
      at = behind
    }
    if (at > end) throw new WireError('value is cut off', end)
    if (attributes > 0) this.allowance.countAttributes(attributes, end)
    if (fields + attributes > 0) this.allowance.countFields(fields + attributes, end)
  }

  #inner(message: number, bytes: Uint8Array, start: number, end: number, depth: number): void {
    this.check(message, bytes, start, end, message === ANY_VALUE ? depth + 1 : depth)
  }

  /** A data point has its own limits, as a span has: a metric may have very many. The field of its list is no field. */
  #point(message: number, bytes: Uint8Array, start: number, end: number): void {
    const { fields, attributes } = this.allowance
    this.allowance.countPoint(start)
    this.allowance.beginItem()
    this.check(message, bytes, start, end)
    this.allowance.fields = fields
    this.allowance.attributes = attributes
  }

  /**
   * A field that `steps` does not know: unknown, packed, wrong, or with a long tag (irregular in any case, so that it need
   * not be remembered as seen). Returns the offset behind it.
   */
  #rare(message: number, bytes: Uint8Array, start: number, end: number, depth: number, seen: number): number {
    this.allowance.countFields(1, start)
    const tag = readUint32(bytes, start, end)
    const at = next
    if (at > start + 1 && bytes[at - 1] === 0) this.irregular = true
    const field = tag >>> 3
    const wire = tag & 7
    const row = message * FIELDS_PER_MESSAGE + field
    const kind = field < FIELDS_PER_MESSAGE ? fieldKind[row]! : 0
    if (kind === 0) {
      if (field === 0) throw new WireError('field number 0', at)
      if (message === ANY_VALUE && seen !== 0) this.irregular = true
      return skipValue(wire, bytes, at, end)
    }
    if (wire === LENGTH) return this.#lengthDelimited(kind, fieldMessage[row]!, bytes, at, end, depth)
    if ((kind & 7) !== wire) throw new WireError(`field ${field} has the wrong wire type`, at)
    return skipValue(wire, bytes, at, end)
  }

  #lengthDelimited(kind: number, message: number, bytes: Uint8Array, at: number, end: number, depth: number): number {
    const length = readLength(bytes, at, end)
    const start = next
    const behind = start + length
    if (message === KEY_VALUE) {
      this.allowance.countAttributes(1, start)
      this.#keyValue(bytes, start, behind, depth)
    } else if (countsAs[message] === POINT) this.#point(message, bytes, start, behind)
    else if (message !== 0) this.#inner(message, bytes, start, behind, depth)
    else if ((kind & 7) !== LENGTH) this.#packed(kind, bytes, start, behind)
    return behind
  }

  /** The commonest form, a short key and one plain value, is checked with a few reads; everything else by the table. */
  #keyValue(bytes: Uint8Array, start: number, end: number, depth: number): void {
    const keyLength = bytes[start + 1]!
    const value = start + 2 + keyLength
    if (bytes[start] !== 0x0a || keyLength > 127 || value + 4 > end) return this.#anyKeyValue(bytes, start, end, depth)
    if (bytes[start + 2] === 0x73 && isSluice(bytes, start + 2, value)) this.sluiceAttributes++
    const rest = end - value
    if (bytes[value] === 0x12 && depth < VALUE_DEPTH_MAX) {
      const tag = bytes[value + 2]!
      if (rest < 130 && bytes[value + 1] === rest - 2) {
        if (tag === 0x0a && bytes[value + 3] === rest - 4) return
      }
      if (isPlainValue(bytes, value + 1, end)) return
    }
    this.check(KEY_VALUE, bytes, start, end, depth)
  }

  #anyKeyValue(bytes: Uint8Array, start: number, end: number, depth: number): void {
    this.#noticeKey(bytes, start, end)
    this.check(KEY_VALUE, bytes, start, end, depth)
  }

  /** Looks at the key of an attribute in an unusual form. */
  #noticeKey(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const content = next
      if (tag === 10) {
        const length = readLength(bytes, content, end)
        if (isSluice(bytes, next, next + length)) this.sluiceAttributes++
        at = next + length
      } else at = skipValue(tag & 7, bytes, content, end)
    }
  }

  #packed(kind: number, bytes: Uint8Array, at: number, end: number): void {
    if ((kind & PACKABLE) === 0) throw new WireError('field has the wrong wire type', at)
    const wire = kind & ~KNOWN & 7
    if (wire === FIXED64) this.allowance.countFields((end - at) >> 3, at)
    while (at < end) {
      if (wire === VARINT) this.allowance.countFields(1, at)
      at = skipValue(wire, bytes, at, end)
    }
  }
}

/** True if the AnyValue at `at` (its length first) fills the message exactly and is one string, bool or number. */
function isPlainValue(bytes: Uint8Array, at: number, end: number): boolean {
  let length = bytes[at++]!
  if (length > 127) {
    const second = bytes[at++]!
    if (second > 127) return false
    length = (length & 127) | (second << 7)
  }
  if (at + length !== end) return false
  if (length < 2) return length === 0
  const tag = bytes[at]!
  if (tag === 0x0a) {
    let text = bytes[at + 1]!
    let head = 2
    if (text > 127) {
      const second = bytes[at + 2]!
      if (second > 127) return false
      text = (text & 127) | (second << 7)
      head = 3
    }
    return text + head === length
  }
  if (tag === 0x18 || tag === 0x10) return length === 2 && bytes[at + 1]! < 128
  return tag === 0x21 && length === 9
}

/** Does the key begin with `sluice.`? */
export function isSluice(bytes: Uint8Array, at: number, end: number): boolean {
  return (
    end - at >= 7 &&
    bytes[at] === 0x73 &&
    bytes[at + 1] === 0x6c &&
    bytes[at + 2] === 0x75 &&
    bytes[at + 3] === 0x69 &&
    bytes[at + 4] === 0x63 &&
    bytes[at + 5] === 0x65 &&
    bytes[at + 6] === 0x2e
  )
}

function stepOf(row: number): number {
  if (kindOf(row) === 0) return 0
  return kindOf(row) | (fieldOnce[row]! << 3) | (fieldMessage[row]! << 20)
}

function kindOf(row: number): number {
  // Lists of numbers that are not packed, and of texts, are rare, and counted there.
  if (fieldMessage[row] === 0 && (fieldKind[row]! & REPEATED) !== 0) return 0
  if (fieldMessage[row] === KEY_VALUE) return KEY_VALUE_STEP
  if (countsAs[fieldMessage[row]!] === POINT) return POINT_STEP
  if (fieldMessage[row] !== 0) return MESSAGE_STEP
  const wire = fieldKind[row]! & 7
  if (wire === LENGTH) return TEXT_STEP
  return wire === VARINT ? VARINT_STEP : wire === FIXED64 ? FIXED64_STEP : FIXED32_STEP
}
