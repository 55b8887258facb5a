/**
 * The attributes of a message as flat rows of offsets, reused from item to item.
 */
import { next, readLength, readUint32, skipValue } from '../otlp/cursor.ts'
import { LENGTH } from '../otlp/schema.ts'
import { grownRows, ordinaryRows } from '../otlp/scratch.ts'
import type { KeySet } from './key_set.ts'

/** Columns of a row: where the attribute's tag begins, its key, its AnyValue, and its end. */
export const ATTRIBUTE = { tag: 0, keyStart: 1, keyEnd: 2, valueStart: 3, valueEnd: 4, end: 5, width: 6 } as const

const USUAL = 32 * ATTRIBUTE.width

export class Attributes {
  /** Rows as ATTRIBUTE says; only the first `count` are of the current item. */
  rows: Int32Array = new Int32Array(USUAL)
  count = 0

  clear(): void {
    this.count = 0
    this.rows = ordinaryRows(this.rows, USUAL)
  }

  /** Holds the KeyValues that are field `field` of the message in [start, end), and nothing else. */
  read(bytes: Uint8Array, start: number, end: number, field: number): void {
    this.clear()
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const value = next
      const behind = skipValue(tag & 7, bytes, value, end)
      if (tag === ((field << 3) | LENGTH)) {
        readLength(bytes, value, end)
        this.add(bytes, at, next, behind)
      }
      at = behind
    }
  }

  /** Adds the KeyValue whose tag is at `tag` and whose content is [start, end). */
  add(bytes: Uint8Array, tag: number, start: number, end: number): void {
    const at = this.count++ * ATTRIBUTE.width
    if (at === this.rows.length) this.rows = grownRows(this.rows)
    const rows = this.rows
    rows[at] = tag
    rows[at + 5] = end
    const keyLength = bytes[start + 1]!
    const value = start + 2 + keyLength
    if (bytes[start] === 0x0a && keyLength < 128 && value + 1 < end && bytes[value] === 0x12) {
      const valueLength = bytes[value + 1]!
      if (valueLength < 128 && value + 2 + valueLength === end) {
        rows[at + 1] = start + 2
        rows[at + 2] = value
        rows[at + 3] = value + 2
        rows[at + 4] = end
        return
      }
    }
    readKeyValue(bytes, start, end, rows, at)
  }

  /** Adds a row behind the attributes, not counted among them, for a value that is read as theirs are. Returns it. */
  addValue(start: number, end: number): number {
    const at = this.count * ATTRIBUTE.width
    if (at === this.rows.length) this.rows = grownRows(this.rows)
    this.rows.fill(start, at, at + ATTRIBUTE.valueEnd)
    this.rows.fill(end, at + ATTRIBUTE.valueEnd, at + ATTRIBUTE.width)
    return this.count
  }

  /** Fills `found` with the row number of each key of the set (the first that has it), -1 where there is none. */
  find(bytes: Uint8Array, keys: KeySet, found: Int32Array): void {
    found.fill(-1)
    const rows = this.rows
    const stop = this.count * ATTRIBUTE.width
    for (let at = 0; at < stop; at += ATTRIBUTE.width) {
      const key = keys.find(bytes, rows[at + 1]!, rows[at + 2]!)
      if (key >= 0 && found[key] === -1) found[key] = at / ATTRIBUTE.width
    }
  }

  keyStart(row: number): number {
    return this.rows[row * ATTRIBUTE.width + ATTRIBUTE.keyStart]!
  }

  keyEnd(row: number): number {
    return this.rows[row * ATTRIBUTE.width + ATTRIBUTE.keyEnd]!
  }

  valueStart(row: number): number {
    return this.rows[row * ATTRIBUTE.width + ATTRIBUTE.valueStart]!
  }

  valueEnd(row: number): number {
    return this.rows[row * ATTRIBUTE.width + ATTRIBUTE.valueEnd]!
  }
}

/** The general form: fields in any order, either of them absent. */
function readKeyValue(bytes: Uint8Array, start: number, end: number, rows: Int32Array, row: number): void {
  rows[row + 1] = rows[row + 2] = rows[row + 3] = rows[row + 4] = start
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    const behind = skipValue(tag & 7, bytes, value, end)
    if (tag === 0x0a || tag === 0x12) {
      readLength(bytes, value, end)
      const column = row + (tag === 0x0a ? ATTRIBUTE.keyStart : ATTRIBUTE.valueStart)
      rows[column] = next
      rows[column + 1] = behind
    }
    at = behind
  }
}
