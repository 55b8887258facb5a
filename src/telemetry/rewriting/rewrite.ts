/**
 * Making a new batch out of an old one: items, resources, scopes and schema URLs are replaced or left out, everything
 * else is copied as it stands, and only the lengths above a change are written anew.
 *
 * Use: `begin(batch)`; for each piece that changes, `open…` (write its new content to `out`) and `close`, or `drop…`;
 * `finish` gives the new batch, or the old one if nothing changed. One instance serves one component.
 */
import { copyBytes, Output, varintSize, writeVarint } from '../../otlp/output.ts'
import { grownRows, ordinaryRows } from '../../otlp/scratch.ts'
import { type Batches, type Signal, trusted } from '../batch.ts'
import { ITEM, RESOURCE, SCOPE } from '../layout.ts'

/** Columns of an edit, of which each replaces one field. */
const EDIT = {
  /** The field in the old bytes, from its tag to its end; both the same for one that is put in. */
  tag: 0,
  end: 1,
  /** The new content in `out`; -1: the field is left out. */
  from: 2,
  to: 3,
  /** The groups that it is in, as rows of the layout; -1 for none. */
  scope: 4,
  resource: 5,
  /** The tag byte that is written. */
  field: 6,
  /** Where old content begins that stays behind the new, to the end of the old; -1: none stays. */
  keep: 7,
  width: 8,
} as const

const NOTHING = Buffer.alloc(0)
const USUAL = 64 * EDIT.width

export class Rewrite<S extends Signal> {
  /** Where the new content of the piece that is open is written. */
  readonly out = new Output(1 << 16)
  #batch: Batches[S] | undefined
  #edits: Int32Array = new Int32Array(USUAL)
  #count = 0
  /** While the new batch is written: its bytes, how far it is written, how far the old one is read, and the next edit. */
  #result: Buffer = NOTHING
  #at = 0
  #read = 0
  #edit = 0

  /** Memory that it keeps for the next batch. */
  get capacity_bytes(): number {
    return this.#edits.byteLength + this.out.bytes.length + this.#result.length
  }

  begin(batch: Batches[S]): void {
    this.#batch = batch
    this.#count = 0
    this.out.reset()
  }

  /** Replaces item `item` by what is written to `out` until `close`. */
  openItem(item: number): void {
    const rows = this.#batch!.layout.itemRows
    const at = item * ITEM.width
    this.#add(rows[at]!, rows[at + ITEM.end]!, rows[at + ITEM.scope]!, 0x12)
  }

  /** Puts what is written to `out` until `close` in front of the content of item `item`: cheaper than copying that. */
  prependToItem(item: number): void {
    this.openItem(item)
    const start = this.#batch!.layout.itemRows[item * ITEM.width + ITEM.start]!
    this.#edits[(this.#count - 1) * EDIT.width + EDIT.keep] = start
  }

  dropItem(item: number): void {
    this.openItem(item)
    this.#edits[(this.#count - 1) * EDIT.width + EDIT.from] = -1
  }

  /**
   * Replaces the Resource (`level` resource) or InstrumentationScope message of a row of the layout, or its schema URL.
   * One that is absent is put at the beginning of its group.
   */
  openHead(level: 'resource' | 'scope', row: number, part: 'head' | 'schema' = 'head'): void {
    const { resources, scopes } = this.#batch!.layout
    const rows = level === 'resource' ? resources : scopes
    const width = level === 'resource' ? RESOURCE.width : SCOPE.width
    const at = row * width + (part === 'head' ? RESOURCE.headTag : RESOURCE.schemaTag)
    const isAbsent = rows[at] === -1
    const start = rows[row * width + RESOURCE.start]!
    this.#add(
      isAbsent ? start : rows[at]!,
      isAbsent ? start : rows[at + 2]!,
      level === 'scope' ? row : -1,
      part === 'head' ? 0x0a : 0x1a,
    )
    if (level === 'resource') this.#edits[(this.#count - 1) * EDIT.width + EDIT.resource] = row
  }

  close(): void {
    this.#edits[(this.#count - 1) * EDIT.width + EDIT.to] = this.out.end
  }

  /** Takes the piece that is open back: it stays as it was. */
  cancel(): void {
    this.#count--
    this.out.end = this.#edits[this.#count * EDIT.width + EDIT.from]!
  }

  /** The new batch; the old one if there was no edit. Groups that have lost all their items go. */
  finish(): Batches[S] {
    const batch = this.#batch!
    this.#batch = undefined
    const made = this.#count === 0 ? batch : trusted(batch.signal as S, this.#written(batch))
    this.out.reset()
    this.#edits = ordinaryRows(this.#edits, USUAL)
    return made
  }

  #written(batch: Batches[S]): Buffer {
    this.#sort()
    const bytes = this.#write(batch)
    // Or it would stay in memory until the next batch.
    this.#result = NOTHING
    return bytes
  }

  #add(tag: number, end: number, scope: number, field: number): void {
    const at = this.#count++ * EDIT.width
    if (at === this.#edits.length) this.#edits = grownRows(this.#edits)
    const edits = this.#edits
    edits[at] = tag
    edits[at + EDIT.end] = end
    edits[at + EDIT.from] = this.out.end
    edits[at + EDIT.to] = this.out.end
    edits[at + EDIT.scope] = scope
    edits[at + EDIT.resource] = scope < 0 ? -1 : this.#batch!.layout.scopes[scope * SCOPE.width + SCOPE.resource]!
    edits[at + EDIT.field] = field
    edits[at + EDIT.keep] = -1
  }

  /** Edits must be in the order of the bytes, insertions before what they stand before; callers mostly make them so. */
  #sort(): void {
    const edits = this.#edits
    let sorted = true
    for (let at = EDIT.width; at < this.#count * EDIT.width; at += EDIT.width) {
      if (edits[at]! <= edits[at - EDIT.width]!) sorted = false
    }
    if (sorted) return
    const order = Int32Array.from({ length: this.#count }, (_, at) => at * EDIT.width)
    order.sort((a, b) => edits[a]! - edits[b]! || edits[a + EDIT.end]! - edits[b + EDIT.end]! || a - b)
    const inOrder = new Int32Array(edits.length)
    for (const [at, row] of order.entries()) inOrder.set(edits.subarray(row, row + EDIT.width), at * EDIT.width)
    this.#edits = inOrder
  }

  #write(batch: Batches[S]): Buffer {
    const { resources, scopes } = batch.layout
    const sizes = this.#sizes(batch)
    this.#result = Buffer.allocUnsafeSlow(sizes.total)
    this.#at = this.#read = this.#edit = 0
    let scope = 0
    for (let row = 0; row < resources.length / RESOURCE.width; row++) {
      const end = resources[row * RESOURCE.width + RESOURCE.end]!
      this.#header(
        batch,
        resources[row * RESOURCE.width]!,
        resources[row * RESOURCE.width + 1]!,
        0x0a,
        sizes.resources[row]!,
      )
      if (sizes.resources[row] === GONE) {
        this.#skipTo(end)
        while (scope < sizes.scopes.length && scopes[scope * SCOPE.width + SCOPE.resource] === row) scope++
        continue
      }
      for (; scope < sizes.scopes.length && scopes[scope * SCOPE.width + SCOPE.resource] === row; scope++) {
        const at = scope * SCOPE.width
        this.#header(batch, scopes[at]!, scopes[at + 1]!, 0x12, sizes.scopes[scope]!)
        if (sizes.scopes[scope] === GONE) this.#skipTo(scopes[at + SCOPE.end]!)
        else this.#copyTo(batch.bytes, scopes[at + SCOPE.end]!)
      }
      this.#copyTo(batch.bytes, end)
    }
    this.#copyTo(batch.bytes, batch.bytes.length)
    return this.#result
  }

  /** Copies up to a group's tag and writes its tag and new length, unless the group is gone. */
  #header(batch: Batches[S], tag: number, start: number, field: number, size: number): void {
    this.#copyTo(batch.bytes, tag)
    this.#read = start
    if (size === GONE) return
    this.#result[this.#at++] = field
    this.#at = writeVarint(this.#result, this.#at, size)
  }

  /** Copies [read, end) with the edits that lie in it; an insertion at its end belongs to it. */
  #copyTo(bytes: Buffer, end: number): void {
    const edits = this.#edits
    for (; this.#edit < this.#count; this.#edit++) {
      const at = this.#edit * EDIT.width
      if (edits[at]! > end || (edits[at] === end && edits[at + EDIT.end]! > end)) break
      this.#copy(bytes, this.#read, edits[at]!)
      this.#read = edits[at + EDIT.end]!
      const from = edits[at + EDIT.from]!
      if (from < 0) continue
      const to = edits[at + EDIT.to]!
      this.#result[this.#at++] = edits[at + EDIT.field]!
      this.#at = writeVarint(this.#result, this.#at, this.#keptSize(at) + to - from)
      this.#copy(this.out.bytes, from, to)
      if (edits[at + EDIT.keep]! >= 0) this.#copy(bytes, edits[at + EDIT.keep]!, edits[at + EDIT.end]!)
    }
    this.#copy(bytes, this.#read, end)
    this.#read = end
  }

  #copy(source: Buffer, start: number, end: number): void {
    if (end <= start) return
    this.#at = copyBytes(source, start, end, this.#result, this.#at)
  }

  #skipTo(end: number): void {
    while (this.#edit < this.#count && this.#edits[this.#edit * EDIT.width]! < end) this.#edit++
    this.#read = end
  }

  /** New content lengths of all groups, GONE for those without items left, and the length of the whole. */
  #sizes(batch: Batches[S]): { resources: Int32Array; scopes: Int32Array; total: number } {
    const layout = batch.layout
    const resources = contentSizes(layout.resources, RESOURCE.width)
    const scopes = contentSizes(layout.scopes, SCOPE.width)
    const left = new Int32Array(scopes.length).map((_, scope) => layout.scopes[scope * SCOPE.width + SCOPE.itemCount]!)
    for (let at = 0; at < this.#count * EDIT.width; at += EDIT.width) {
      const edits = this.#edits
      const delta = this.#sizeOf(at) - (edits[at + EDIT.end]! - edits[at]!)
      const scope = edits[at + EDIT.scope]!
      if (scope < 0) resources[edits[at + EDIT.resource]!]! += delta
      else scopes[scope]! += delta
      if (edits[at + EDIT.from]! < 0) left[scope]!--
    }
    let total = batch.bytes.length
    const scopesLeft = new Int32Array(resources.length)
    const scopesBefore = new Int32Array(resources.length)
    for (let scope = 0; scope < scopes.length; scope++) {
      const at = scope * SCOPE.width
      const resource = layout.scopes[at + SCOPE.resource]!
      scopesBefore[resource]!++
      if (left[scope] === 0 && layout.scopes[at + SCOPE.itemCount]! > 0) scopes[scope] = GONE
      else scopesLeft[resource]!++
      resources[resource]! += sizeWithHead(scopes[scope]!) - (layout.scopes[at + SCOPE.end]! - layout.scopes[at]!)
    }
    for (let row = 0; row < resources.length; row++) {
      const at = row * RESOURCE.width
      if (scopesLeft[row] === 0 && scopesBefore[row]! > 0) resources[row] = GONE
      total += sizeWithHead(resources[row]!) - (layout.resources[at + RESOURCE.end]! - layout.resources[at]!)
    }
    return { resources, scopes, total }
  }

  #sizeOf(at: number): number {
    const from = this.#edits[at + EDIT.from]!
    return from < 0 ? 0 : sizeWithHead(this.#keptSize(at) + this.#edits[at + EDIT.to]! - from)
  }

  #keptSize(at: number): number {
    const keep = this.#edits[at + EDIT.keep]!
    return keep < 0 ? 0 : this.#edits[at + EDIT.end]! - keep
  }
}

/** In place of a group's length: the group is left out. */
const GONE = -1

function sizeWithHead(content: number): number {
  return content === GONE ? 0 : 1 + varintSize(content) + content
}

function contentSizes(rows: Int32Array, width: number): Int32Array {
  const sizes = new Int32Array(rows.length / width)
  for (let row = 0; row < sizes.length; row++) sizes[row] = rows[row * width + 2]! - rows[row * width + 1]!
  return sizes
}
