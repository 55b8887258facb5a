/**
 * Where things are in a request: flat rows of offsets. All three signals have the same three levels:
 * request › resource group (field 1) › scope group (field 2) › item (field 2).
 */
import type { Check } from '../otlp/check.ts'
import { next, readLength, readUint32, skipValue } from '../otlp/cursor.ts'
import { messageId } from '../otlp/schema.ts'
import { grownRows, ordinaryRows } from '../otlp/scratch.ts'
import { WireError } from '../otlp/wire_error.ts'
import { itemMessage, type Signal } from './signal.ts'

/** Columns of a row of `items`: where its tag begins, where its content begins and ends, and its scope group. */
export const ITEM = { tag: 0, start: 1, end: 2, scope: 3, width: 4 } as const

/** Columns of a row of `resources`. What is absent has -1 in its columns. */
export const RESOURCE = {
  tag: 0,
  start: 1,
  end: 2,
  /** The Resource message. */
  headTag: 3,
  headStart: 4,
  headEnd: 5,
  schemaTag: 6,
  schemaStart: 7,
  schemaEnd: 8,
  width: 9,
} as const

/** Columns of a row of `scopes`: like RESOURCE (the head is the InstrumentationScope), then its resource group and its items. */
export const SCOPE = { ...RESOURCE, resource: 9, firstItem: 10, itemCount: 11, width: 12 } as const

export interface Layout {
  readonly resources: Int32Array
  readonly scopes: Int32Array
  readonly itemRows: Int32Array
  /** How many items. */
  readonly items: number
  /** How many spans, log records or data points. */
  readonly count: number
}

const TAG_1 = 10
const TAG_2 = 18
const TAG_3 = 26

/**
 * Walks a request. With a `check`, every message inside is checked all the way down, and what the walk itself notices is
 * added to it; without, the bytes are trusted and only framed. Throws WireError.
 */
export function layOut(signal: Signal, bytes: Buffer, check?: Check): Layout {
  return new Walk(signal, bytes, check).layout()
}

class Walk {
  readonly #signal: Signal
  /** Id of the items' message. */
  readonly #item: number
  readonly #bytes: Buffer
  readonly #check: Check | undefined
  readonly #resources = resourceRows.cleared()
  readonly #scopes = scopeRows.cleared()
  readonly #items = itemRows.cleared()
  #count = 0

  constructor(signal: Signal, bytes: Buffer, check: Check | undefined) {
    this.#signal = signal
    this.#item = messageId[itemMessage[signal]]
    this.#bytes = bytes
    this.#check = check
  }

  layout(): Layout {
    const end = this.#bytes.length
    for (let at = 0; at < end; ) at = this.#requestField(at, end)
    const items = this.#items.take()
    return {
      resources: this.#resources.take(),
      scopes: this.#scopes.take(),
      itemRows: items,
      items: items.length / ITEM.width,
      count: this.#signal === 'metrics' ? this.#count : items.length / ITEM.width,
    }
  }

  #requestField(at: number, end: number): number {
    const tag = this.#tag(at, end)
    if (tag !== TAG_1) return this.#unknown(tag, 1, next, end)
    const length = readLength(this.#bytes, next, end)
    const start = next
    this.#check?.allowance.countGroup(at)
    const row = this.#resources.add(at, start, start + length)
    for (let inner = start; inner < start + length; ) inner = this.#resourceField(row, inner, start + length)
    return start + length
  }

  #resourceField(row: number, at: number, end: number): number {
    const tag = this.#tag(at, end)
    if (tag !== TAG_1 && tag !== TAG_2 && tag !== TAG_3) return this.#unknown(tag, 3, next, end)
    const length = readLength(this.#bytes, next, end)
    const start = next
    if (tag !== TAG_2) {
      this.#head(this.#resources, row, tag, messageId.Resource, at, start, start + length)
      return start + length
    }
    this.#check?.allowance.countGroup(at)
    const scope = this.#scopes.add(at, start, start + length)
    this.#scopes.set(scope, SCOPE.resource, row)
    this.#scopes.set(scope, SCOPE.firstItem, this.#items.rows)
    for (let inner = start; inner < start + length; ) inner = this.#scopeField(scope, inner, start + length)
    this.#scopes.set(scope, SCOPE.itemCount, this.#items.rows - this.#scopes.get(scope, SCOPE.firstItem))
    return start + length
  }

  #scopeField(row: number, at: number, end: number): number {
    const tag = this.#tag(at, end)
    if (tag !== TAG_1 && tag !== TAG_2 && tag !== TAG_3) return this.#unknown(tag, 3, next, end)
    const length = readLength(this.#bytes, next, end)
    const start = next
    if (tag !== TAG_2) {
      this.#head(this.#scopes, row, tag, messageId.Scope, at, start, start + length)
      return start + length
    }
    if (this.#check !== undefined) this.#checkMessage(this.#check, this.#item, start, start + length)
    const item = this.#items.add(at, start, start + length)
    this.#items.set(item, ITEM.scope, row)
    if (this.#signal === 'metrics') this.#count += countDataPoints(this.#bytes, start, start + length)
    return start + length
  }

  #tag(at: number, end: number): number {
    const tag = readUint32(this.#bytes, at, end)
    if (next > at + 1 && this.#bytes[next - 1] === 0) this.#noteIrregular()
    return tag
  }

  /** The Resource or Scope message (field 1) or the schema URL (field 3) of a group. */
  #head(rows: Rows, row: number, tag: number, message: number, at: number, start: number, end: number): void {
    const column = tag === TAG_1 ? RESOURCE.headTag : RESOURCE.schemaTag
    if (rows.get(row, column) !== -1) this.#noteIrregular()
    rows.set(row, column, at)
    rows.set(row, column + 1, start)
    rows.set(row, column + 2, end)
    if (this.#check !== undefined && tag === TAG_1) this.#checkMessage(this.#check, message, start, end)
  }

  /** Of an item or a head. What stands beside them, unknown fields, is counted for the whole request. */
  #checkMessage(check: Check, message: number, start: number, end: number): void {
    const { allowance } = check
    if (message === this.#item) allowance.countPoint(start)
    const { fields } = allowance
    allowance.beginItem()
    check.check(message, this.#bytes, start, end)
    allowance.fields = fields
  }

  #noteIrregular(): void {
    if (this.#check !== undefined) this.#check.irregular = true
  }

  #unknown(tag: number, known: number, at: number, end: number): number {
    const field = tag >>> 3
    if (field === 0) throw new WireError('field number 0', at)
    if (field <= known) throw new WireError(`field ${field} has the wrong wire type`, at)
    this.#check?.allowance.countFields(1, at)
    return skipValue(tag & 7, this.#bytes, at, end)
  }
}

/** Most items (and groups) of a request: a body of empty items would otherwise take eight times its size in rows. */
const ROWS_MAX = 2 ** 21

/** Rows of numbers in one growing array, used again by every walk: `take` copies out what a walk has found. */
class Rows {
  readonly #width: number
  #numbers: Int32Array
  rows = 0

  constructor(width: number) {
    this.#width = width
    this.#numbers = new Int32Array(width * 64)
  }

  /** Empty: a walk before may have failed on its way. */
  cleared(): this {
    this.rows = 0
    return this
  }

  /** A new row with its first three columns; the others are -1. */
  add(tag: number, start: number, end: number): number {
    const at = this.rows * this.#width
    if (at === this.#numbers.length) {
      if (this.rows >= ROWS_MAX) throw new WireError(`more than ${ROWS_MAX} items in a request`, tag)
      this.#numbers = grownRows(this.#numbers)
    }
    const numbers = this.#numbers
    numbers[at] = tag
    numbers[at + 1] = start
    numbers[at + 2] = end
    for (let column = at + 3; column < at + this.#width; column++) numbers[column] = -1
    return this.rows++
  }

  set(row: number, column: number, value: number): void {
    this.#numbers[row * this.#width + column] = value
  }

  get(row: number, column: number): number {
    return this.#numbers[row * this.#width + column]!
  }

  take(): Int32Array {
    const taken = this.#numbers.slice(0, this.rows * this.#width)
    this.#numbers = ordinaryRows(this.#numbers, this.#width * 64)
    return taken
  }
}

const resourceRows = new Rows(RESOURCE.width)
const scopeRows = new Rows(SCOPE.width)
const itemRows = new Rows(ITEM.width)

/** Data points of the Metric in [start, end): field 1 of whichever of its five kinds is there. */
export function countDataPoints(bytes: Buffer, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const field = tag >>> 3
    const behind = skipValue(tag & 7, bytes, next, end)
    if ((field === 5 || field === 7 || (field >= 9 && field <= 11)) && (tag & 7) === 2) {
      readUint32(bytes, at, end)
      readLength(bytes, next, end)
      count += countField1(bytes, next, behind)
    }
    at = behind
  }
  return count
}

function countField1(bytes: Buffer, start: number, end: number): number {
  let count = 0
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    if (tag === TAG_1) count++
    at = skipValue(tag & 7, bytes, next, end)
  }
  return count
}
