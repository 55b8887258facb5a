/**
 * OTLP/JSON to protobuf bytes, by the table and without a tree in between. The names are lowerCamelCase only, ids are
 * hexadecimal, 64-bit integers strings or numbers (exact either way), enums numbers; unknown keys are skipped.
 * Source: OTLP specification 1.11, "JSON Protobuf Encoding"; protobuf's ProtoJSON format.
 */
import { VALUE_DEPTH_MAX } from './check.ts'
import { type Int64, readDouble, readInteger } from './json_number.ts'
import { JsonReader } from './json_reader.ts'
import { jsonStringOf, writeJsonString } from './json_text.ts'
import {
  Allowance,
  ATTRIBUTE,
  countsAs,
  DEFAULT_LIMITS,
  GROUP,
  LimitError,
  POINT,
  type RequestLimits,
} from './limits.ts'
import { Output } from './output.ts'
import { regular } from './regular.ts'
import {
  FIELDS_PER_MESSAGE,
  FIXED32,
  FIXED64,
  type Field,
  fieldOnce,
  fieldsOf,
  isMessage,
  LENGTH,
  type MessageName,
  messageId,
  wireTypeOf,
} from './schema.ts'

/** A field as this codec needs it. */
interface Row {
  readonly name: string
  readonly key: Buffer
  readonly number: number
  readonly wire: number
  readonly type: Field['type']
  readonly message: MessageName | undefined
  /** As `limits.ts` has it; 0 for scalars. */
  readonly countsAs: number
  readonly repeated: boolean
  readonly once: number
  /** Presence means something although the value is the default: members of a oneof, and doubles (`optional` ones). */
  readonly keepsDefault: boolean
  /** For ids: bytes. */
  readonly length: number
}

const rowsOf = Object.fromEntries(
  (Object.keys(fieldsOf) as MessageName[]).map((name) => [name, fieldsOf[name].map((field) => rowOf(name, field))]),
) as unknown as Record<MessageName, readonly Row[]>

/**
 * The same message as protobuf in regular form: of a key that occurs twice in an object the last counts, objects are
 * merged and lists joined. Throws WireError with the field's path and the byte offset, never with content; LimitError
 * for a request that holds more than it may, as the check of protobuf counts it.
 */
export function jsonToProtobuf(name: MessageName, body: Buffer, limits: RequestLimits = DEFAULT_LIMITS): Buffer {
  const transcoding = new Transcoding(body, limits)
  transcoding.run(name)
  const bytes = transcoding.out.take()
  return transcoding.irregular ? regular(name, bytes) : bytes
}

class Transcoding {
  readonly out: Output
  irregular = false
  readonly #reader: JsonReader
  readonly #allowance: Allowance
  /** The integer that was read last. */
  readonly #integer: Int64 = { high: 0, low: 0 }
  /** The last content length per message: a good guess of how long the next one's length is. */
  readonly #lengths = new Uint32Array(256)

  constructor(body: Buffer, limits: RequestLimits) {
    this.#allowance = new Allowance(limits)
    this.#reader = new JsonReader(body)
    this.out = new Output(body.length)
  }

  run(name: MessageName): void {
    try {
      this.#message(name, 0)
    } catch (error) {
      if (!(error instanceof LimitError)) throw error
      throw new LimitError(error.limit, error.max, error.offset, this.#reader.path())
    }
    this.#reader.finish()
  }

  #message(name: MessageName, depth: number): void {
    const reader = this.#reader
    const rows = rowsOf[name]
    const inner = name === 'AnyValue' ? depth + 1 : depth
    if (inner > VALUE_DEPTH_MAX) reader.fail('attribute value is nested too deeply')
    if (!reader.openObject()) return
    let seen = 0
    let at = -1
    do {
      reader.name()
      at = this.#find(rows, at + 1)
      if (at < 0) {
        this.#allowance.countFields(1, reader.at)
        reader.skip()
        continue
      }
      if (reader.takeNull()) continue
      const row = rows[at]!
      const again = (seen & row.once) !== 0
      if (again) this.irregular = true
      if (again) this.#allowance.countFields(1, reader.at)
      seen |= row.once
      reader.enter(row.name)
      if (row.repeated) this.#list(row, inner)
      else if (row.message !== undefined) this.#inner(row, inner)
      else this.#scalar(row, row.keepsDefault || again)
      reader.leave()
    } while (reader.moreMembers())
  }

  /** The row whose name the reader has just read, or -1. Members mostly come in a fixed order: `hint` is tried first. */
  #find(rows: readonly Row[], hint: number): number {
    const reader = this.#reader
    let { bytes, start, stop } = reader
    if (reader.escaped) {
      bytes = Buffer.from(jsonStringOf(reader, this.out), 'latin1')
      start = 0
      stop = bytes.length
    }
    for (let tried = 0, at = hint; tried < rows.length; tried++, at++) {
      if (at >= rows.length) at = 0
      if (isSame(rows[at]!.key, bytes, start, stop)) return at
    }
    return -1
  }

  #list(row: Row, depth: number): void {
    const reader = this.#reader
    if (!reader.openList()) return
    const isPacked = row.wire !== LENGTH
    if (isPacked) this.#allowance.countFields(1, reader.at)
    const mark = isPacked ? this.out.open(row.number) : 0
    let position = 0
    do {
      reader.element(position++)
      if (row.countsAs === 0 || row.countsAs === ATTRIBUTE) this.#allowance.countFields(1, reader.at)
      if (row.message !== undefined) this.#inner(row, depth)
      else if (isPacked) this.#number(row, true, false)
      else this.#scalar(row, true)
    } while (reader.moreElements())
    if (isPacked) this.out.close(mark)
  }

  #inner(row: Row, depth: number): void {
    const name = row.message!
    const guess = this.#lengths[messageId[name]]!
    const mark = this.out.open(row.number, guess)
    const start = this.out.end
    // An empty place in a list of values is an empty value; no other list has room for null.
    if (name !== 'AnyValue' || !this.#reader.takeNull()) this.#counted(row, name, depth)
    this.#lengths[messageId[name]] = this.out.end - start
    this.out.close(mark, guess)
  }

  /** Items, data points and heads have limits of their own. */
  #counted(row: Row, name: MessageName, depth: number): void {
    const { at } = this.#reader
    if (row.countsAs === ATTRIBUTE) this.#allowance.countAttributes(1, at)
    if (row.countsAs === GROUP) this.#allowance.countGroup(at)
    if (row.countsAs === POINT) this.#allowance.countPoint(at)
    if (row.countsAs < POINT || row.countsAs === ATTRIBUTE) return this.#message(name, depth)
    const allowance = this.#allowance
    const { fields, attributes } = allowance
    allowance.beginItem()
    this.#message(name, depth)
    allowance.fields = fields
    allowance.attributes = attributes
  }

  #scalar(row: Row, keepsDefault: boolean): void {
    if (row.wire !== LENGTH) return this.#number(row, keepsDefault, true)
    const reader = this.#reader
    reader.string()
    if (reader.start === reader.stop && !keepsDefault) return
    if (row.type === 'string') {
      const guess = reader.stop - reader.start
      const mark = this.out.open(row.number, guess)
      writeJsonString(reader, this.out)
      this.out.close(mark, guess)
      return
    }
    if (row.type === 'id') return this.#id(row)
    const content = this.#base64()
    this.out.tag(row.number, LENGTH)
    this.out.varint(content.length)
    this.out.copy(content, 0, content.length)
  }

  #id(row: Row): void {
    const { bytes, start, stop } = this.#reader
    if (stop - start !== row.length * 2 && stop !== start) this.#failId(row)
    this.out.tag(row.number, LENGTH)
    this.out.varint((stop - start) / 2)
    for (let at = start; at < stop; at += 2) {
      const byte = (nibbles[bytes[at]!]! << 4) | nibbles[bytes[at + 1]!]!
      if (byte < 0) this.#failId(row)
      this.out.byte(byte)
    }
  }

  #failId(row: Row): never {
    this.#reader.fail(`expected ${row.length * 2} hexadecimal digits`, this.#reader.start)
  }

  #base64(): Buffer {
    const text = jsonStringOf(this.#reader, this.out)
    const digits = text.replace(/={0,2}$/, '')
    if (digits.length % 4 === 1 || !/^[-_+/A-Za-z0-9]*$/.test(digits)) {
      this.#reader.fail('expected base64', this.#reader.start)
    }
    return Buffer.from(digits, 'base64')
  }

  #number(row: Row, keepsDefault: boolean, tagged: boolean): void {
    if (row.type === 'bool') {
      const value = this.#reader.boolean()
      if (value || keepsDefault) this.#varint(row, value ? 1 : 0, tagged)
      return
    }
    if (row.type === 'double') {
      const value = this.#double()
      if (tagged) this.out.tag(row.number, FIXED64)
      return this.out.double(value)
    }
    this.#readInteger(row)
    const { high, low } = this.#integer
    if (high === 0 && low === 0 && !keepsDefault) return
    if (row.wire === FIXED32 || row.wire === FIXED64) {
      if (tagged) this.out.tag(row.number, row.wire)
      this.out.fixed32(low)
      if (row.wire === FIXED64) this.out.fixed32(high)
    } else if (row.type === 'sint32') this.#varint(row, ((low << 1) ^ (low >> 31)) >>> 0, tagged)
    else if (high < 0x200000) this.#varint(row, high * 4294967296 + low, tagged)
    else {
      if (tagged) this.out.tag(row.number, row.wire)
      this.out.bigVarint((BigInt(high) << 32n) | BigInt(low))
    }
  }

  #varint(row: Row, value: number, tagged: boolean): void {
    if (tagged) this.out.tag(row.number, row.wire)
    this.out.varint(value)
  }

  #readInteger(row: Row): void {
    const reader = this.#reader
    const isQuoted = reader.atString()
    if (isQuoted && row.type === 'enum') reader.failExpected('the number of an enum value')
    if (isQuoted) reader.string()
    else reader.number()
    const signed = row.type !== 'uint64' && row.type !== 'fixed64' && row.type !== 'uint32' && row.type !== 'fixed32'
    const problem =
      readInteger(reader.bytes, reader.start, reader.stop, signed, this.#integer) ??
      rangeProblem(row.type, this.#integer)
    if (problem !== undefined) reader.fail(`number is ${problem}`, reader.start)
  }

  #double(): number {
    const reader = this.#reader
    const isQuoted = reader.atString()
    if (isQuoted) reader.string()
    else reader.number()
    const value = readDouble(reader.bytes, reader.start, reader.stop, isQuoted)
    return value ?? reader.fail('expected a number that a double can hold', reader.start)
  }
}

/** Values of the hexadecimal digits by character, -1 for all others. */
const nibbles = new Int8Array(256).map((_, code) =>
  /[0-9a-fA-F]/.test(String.fromCharCode(code)) ? Number.parseInt(String.fromCharCode(code), 16) : -1,
)

/** Beyond the 64 bits that `readInteger` checks. */
function rangeProblem(type: Field['type'], { high, low }: Int64): 'out of range' | undefined {
  if (type === 'uint32' || type === 'fixed32') return high > 0 ? 'out of range' : undefined
  if (type !== 'int32' && type !== 'sint32' && type !== 'enum') return undefined
  const fits = (high === 0 && low <= 0x7fffffff) || (high === 0xffffffff && low >= 0x80000000)
  return fits ? undefined : 'out of range'
}

function isSame(key: Buffer, bytes: Buffer, start: number, end: number): boolean {
  if (end - start !== key.length) return false
  for (let at = 0; at < key.length; at++) if (key[at] !== bytes[start + at]) return false
  return true
}

function rowOf(message: MessageName, field: Field): Row {
  return {
    name: field.name,
    key: Buffer.from(field.name),
    number: field.number,
    wire: wireTypeOf(field),
    type: field.type,
    message: isMessage(field.type) ? field.type : undefined,
    countsAs: isMessage(field.type) ? countsAs[messageId[field.type]]! : 0,
    repeated: field.repeated,
    once: fieldOnce[messageId[message] * FIELDS_PER_MESSAGE + field.number]!,
    keepsDefault: field.oneof !== undefined || field.type === 'double',
    length: field.name === 'traceId' ? 16 : 8,
  }
}
