/**
 * Entries of a map value, up to a number of bytes: what is more is cut off and marked. Grammar: KeyValueList { values = 1:
 * KeyValue { key = 1, value = 2: AnyValue } }, ArrayValue { values = 1: AnyValue }.
 */
import { next, readLength, readUint32, skipValue } from '../../../otlp/cursor.ts'
import { Output } from '../../../otlp/output.ts'
import { ARRAY, contentStart, KVLIST, STRING, valueKind } from '../../../telemetry/any_value.ts'
import type { Attributes } from '../../../telemetry/attributes.ts'
import { fieldEnd, fieldStart, findField } from '../../../telemetry/find_field.ts'

/** What an entry takes beside key and value, and an event beside its attributes; nearly. */
const ENTRY_BYTES = 12
/** Rather nothing of a text than less of it. */
const TEXT_MIN = 64
/** Values may be 64 deep on their way, and get a few levels above them here. */
const DEPTH_MAX = 32
/** How much of all content was cut off, as an entry of its own. */
const CUT_KEY = Buffer.from('sluice.cut_bytes')
const NAME_KEY = Buffer.from('name')
const ATTRIBUTES_KEY = Buffer.from('attributes')
const VALUE_TAG = 0x12

export class BoundedValues {
  #out: Output = NOTHING
  #left_bytes = 0
  #cut_bytes = 0

  begin(out: Output, size_bytes_max: number): void {
    this.#out = out
    this.#left_bytes = size_bytes_max
    this.#cut_bytes = 0
  }

  /** Writes how many bytes were cut, if any were, and returns that. */
  end(): number {
    const out = this.#out
    if (this.#cut_bytes > 0) {
      const value = this.openEntry(CUT_KEY)
      out.byte(0x18)
      out.varint(this.#cut_bytes)
      this.closeEntry(value)
    }
    this.#out = NOTHING
    return this.#cut_bytes
  }

  /** An entry with key and value of that attribute. */
  writeEntry(bytes: Buffer, attributes: Attributes, row: number): void {
    const [keyStart, keyEnd] = [attributes.keyStart(row), attributes.keyEnd(row)]
    this.#writeEntry(bytes, keyStart, keyEnd, attributes.valueStart(row), attributes.valueEnd(row))
  }

  /** An element of a list: a map with `name`, a field (`find_field.ts`) or -1, and `attributes`. */
  writeEvent(bytes: Buffer, name: number, attributes: Attributes): void {
    const out = this.#out
    if (this.#left_bytes < ENTRY_BYTES) {
      this.#cut_bytes += attributes.valueEnd(attributes.count - 1) - attributes.keyStart(0)
      return
    }
    const element = out.open(1)
    const map = out.open(KVLIST)
    const entry = this.openEntry(NAME_KEY)
    if (name >= 0) this.#writeText(bytes, fieldStart(bytes, name), fieldEnd(bytes, name))
    this.closeEntry(entry)
    const value = this.openEntry(ATTRIBUTES_KEY)
    const list = out.open(KVLIST)
    for (let row = 0; row < attributes.count; row++) this.writeEntry(bytes, attributes, row)
    out.close(list)
    this.closeEntry(value)
    out.close(map)
    out.close(element)
  }

  /** Begins an entry, whose value is to be written next. Returns the marks for `closeEntry`. */
  openEntry(key: Buffer): readonly [entry: number, value: number] {
    return this.#openEntry(key, 0, key.length, 0)
  }

  closeEntry([entry, value]: readonly [entry: number, value: number], expected = 0): void {
    this.#out.close(value, expected)
    this.#out.close(entry, expected)
  }

  #openEntry(key: Uint8Array, start: number, end: number, expected: number): [entry: number, value: number] {
    const out = this.#out
    this.#left_bytes -= end - start + ENTRY_BYTES
    const entry = out.open(1, expected)
    out.byte(0x0a)
    out.varint(end - start)
    out.copy(key, start, end)
    return [entry, out.open(2, expected)]
  }

  #writeEntry(bytes: Buffer, keyStart: number, keyEnd: number, start: number, end: number): void {
    if (this.#left_bytes < keyEnd - keyStart + ENTRY_BYTES) {
      this.#cut_bytes += keyEnd - keyStart + end - start
      return
    }
    const expected = Math.min(end - start, Math.max(0, this.#left_bytes))
    const marks = this.#openEntry(bytes, keyStart, keyEnd, expected)
    this.#writeValue(bytes, start, end)
    this.closeEntry(marks, expected)
  }

  #writeValue(bytes: Buffer, start: number, end: number): void {
    const kind = valueKind(bytes, start, end)
    if (kind === STRING) return this.#writeText(bytes, contentStart(bytes, start, end), end)
    const isDeep = (kind === ARRAY || kind === KVLIST) && isDeeper(bytes, start, end, DEPTH_MAX)
    if (end - start > this.#left_bytes || isDeep) return this.#writeCut(bytes, start, start, end)
    this.#out.copy(bytes, start, end)
    this.#left_bytes -= end - start
  }

  #writeText(bytes: Buffer, start: number, end: number): void {
    const room = end - start <= this.#left_bytes ? end - start : this.#left_bytes
    if (room === end - start) return this.#writeCut(bytes, start, end, end)
    this.#writeCut(bytes, start, room < TEXT_MIN ? start : characterStart(bytes, start + room), end)
  }

  /** The text [start, stop), and a mark if something between `stop` and `end` is left out. */
  #writeCut(bytes: Buffer, start: number, stop: number, end: number): void {
    const out = this.#out
    const mark = stop < end ? `…[cut ${end - stop} bytes]` : ''
    const size = stop - start + Buffer.byteLength(mark)
    out.byte(0x0a)
    out.varint(size)
    out.copy(bytes, start, stop)
    out.text(mark)
    this.#left_bytes -= size
    this.#cut_bytes += end - stop
  }
}

/** Where the character of UTF-8 begins to which the byte at `at` belongs. */
function characterStart(bytes: Buffer, at: number): number {
  let start = at
  while (start > 0 && (bytes[start]! & 0xc0) === 0x80) start--
  return start
}

/** Has the AnyValue in [start, end) more than so many levels? */
function isDeeper(bytes: Buffer, start: number, end: number, levels: number): boolean {
  const kind = valueKind(bytes, start, end)
  if (kind !== ARRAY && kind !== KVLIST) return false
  if (levels === 0) return true
  for (let at = contentStart(bytes, start, end); at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    if (tag === 0x0a) {
      readLength(bytes, value, end)
      // An element of a list is a value; a pair of a map has one.
      const field = kind === ARRAY ? value : findField(bytes, next, behind, VALUE_TAG)
      if (field >= 0 && isDeeper(bytes, fieldStart(bytes, field), fieldEnd(bytes, field), levels - 1)) return true
    }
    at = behind
  }
  return false
}

const NOTHING = new Output(0)
