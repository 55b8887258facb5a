import { next, readLength, readUint32, skipValue } from '../../../otlp/cursor.ts'
import { Output } from '../../../otlp/output.ts'
import { LENGTH } from '../../../otlp/schema.ts'
import { grownRows, ordinaryRows } from '../../../otlp/scratch.ts'
import { tagOf } from './walk_steps.ts'

/** Columns of an edit: the field that it replaces, tag included, and what stands in its place in `out`. */
const EDIT = { start: 0, end: 1, from: 2, to: 3, width: 4 } as const

const USUAL = 64 * EDIT.width
const STRING_TAG = tagOf('AnyValue', 'stringValue')

/**
 * Whole fields of one message, at any depth, that are to be replaced. `splice` writes the message anew: everything
 * outside of the edits is copied, and the lengths of the messages around them are written as they have become.
 */
export class Edits {
  /** Where replacements are written, between `open` and `close`. */
  readonly out = new Output(1 << 14)
  #rows: Int32Array = new Int32Array(USUAL)
  #count = 0
  /** The next edit that `splice` comes to. */
  #edit = 0

  get count(): number {
    return this.#count
  }

  /** Memory that it has now. */
  get capacity_bytes(): number {
    return this.#rows.byteLength + this.out.bytes.length
  }

  clear(): void {
    this.#count = 0
    this.out.reset()
    this.#rows = ordinaryRows(this.#rows, USUAL)
  }

  /** Replaces the field [start, end) by what is written to `out` until `close`; by nothing if nothing is. */
  open(start: number, end: number): void {
    const at = this.#count++ * EDIT.width
    if (at === this.#rows.length) this.#rows = grownRows(this.#rows)
    this.#rows[at] = start
    this.#rows[at + EDIT.end] = end
    this.#rows[at + EDIT.from] = this.out.end
  }

  close(): void {
    this.#rows[(this.#count - 1) * EDIT.width + EDIT.to] = this.out.end
  }

  /** Replaces the AnyValue field [start, end) by one with that text. */
  replaceValue(bytes: Buffer, start: number, end: number, text: Buffer): void {
    const { out } = this
    this.open(start, end)
    const mark = out.open(readUint32(bytes, start, end) >>> 3, text.length + 2)
    out.byte(STRING_TAG)
    out.varint(text.length)
    out.copy(text, 0, text.length)
    out.close(mark, text.length + 2)
    this.close()
  }

  /** Writes the message [start, end) with all edits to `target`. Edits were made in the order of the bytes. */
  splice(bytes: Buffer, start: number, end: number, target: Output): void {
    this.#edit = 0
    this.#splice(bytes, start, end, target)
    if (this.#edit !== this.#count) throw new Error('an edit is not in its message')
  }

  #splice(bytes: Buffer, start: number, end: number, target: Output): void {
    const rows = this.#rows
    let copied = start
    for (let at = start; at < end && this.#edit < this.#count; ) {
      const row = this.#edit * EDIT.width
      const editStart = rows[row]!
      if (editStart >= end) break
      const tag = readUint32(bytes, at, end)
      const value = next
      const behind = skipValue(tag & 7, bytes, value, end)
      if (behind <= editStart) {
        at = behind
        continue
      }
      target.copy(bytes, copied, at)
      if (editStart === at) {
        if (rows[row + EDIT.end] !== behind) throw new Error('an edit is not a field')
        target.copy(this.out.bytes, rows[row + EDIT.from]!, rows[row + EDIT.to]!)
        this.#edit++
      } else {
        if ((tag & 7) !== LENGTH) throw new Error('an edit is inside of a number')
        readLength(bytes, value, end)
        const content = next
        const mark = target.open(tag >>> 3, behind - content)
        this.#splice(bytes, content, behind, target)
        target.close(mark, behind - content)
      }
      copied = at = behind
    }
    target.copy(bytes, copied, end)
  }
}
