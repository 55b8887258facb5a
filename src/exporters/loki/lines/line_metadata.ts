/**
 * The structured metadata of lines: entries are collected for a record (its own, then those of its resource and scope),
 * given names that are unlike each other, and written within Loki's limits.
 */
import { Output, varintSize } from '../../../otlp/output.ts'
import { grownRows, ordinaryRows } from '../../../otlp/scratch.ts'
import * as values from '../../../telemetry/any_value.ts'
import { fieldEnd, fieldStart, findField } from '../../../telemetry/find_field.ts'
import { cutAt, MARK } from './cut.ts'
import { MetadataNames, NAME_BYTES_MAX } from './metadata_names.ts'
import { forEachValue, isText, KEY_TAG, VALUE_TAG, writeValue } from './value_text.ts'

/** Labels of a stream: numbers of their names (`MetadataNames`), and their values. */
export interface StreamLabels {
  readonly names: readonly number[]
  readonly values: readonly Buffer[]
}

export interface MetadataLimits {
  readonly entries_max: number
  /** Names and values. */
  readonly size_bytes_max: number
}

/** Columns of a row. The value is in [start, end) of the batch's bytes, or of `#texts`. */
const ROW = { name: 0, isWritten: 1, start: 2, end: 3, isLabel: 4, width: 5 } as const
const USUAL = 64 * ROW.width
const NOTHING = Buffer.alloc(0)
/** How many entries were left out of a line. */
const DROPPED = 'metadata_dropped'
/** How often a name is looked for in a line: enough for 128 entries of one name, and an end for millions. */
const TRIES_MAX = 10_000
/** What is no name's number and no size. */
const EQUAL = -1
const NO_PLACE = -2
/** Message EntryAdapter, field structuredMetadata: LabelPairAdapter with name and value. */
const PAIR_TAG = 0x1a
const NAME_TAG = 0x0a
const VALUE = 0x12

/** Entries that are looked at, of a record and of its resource and scope each: there is place for far fewer. */
const ROWS_MAX = 2048
/** Names of one batch; with more it is sent in parts, each of which begins anew. */
const NAMES_MAX = 16_384

export class LineMetadata {
  readonly names = new MetadataNames()
  /** Values cut and entries left out since `begin`. */
  cutValues = 0
  droppedEntries = 0
  readonly #limits: MetadataLimits
  #bytes: Buffer = NOTHING
  #rows: Int32Array = new Int32Array(USUAL)
  #count = 0
  /** Rows of resource and scope come first. */
  #resourceRows = 0
  #headRows = 0
  /** Entries that were not looked at: of the resource, of the head, and with those of the record. */
  #resourceSkipped = 0
  #headSkipped = 0
  #skipped = 0
  #isRecord = false
  readonly #texts = new Output()
  #resourceTexts = 0
  #headTexts = 0
  /** By name number: the line that last had the name, and its place there; -1 and below for the stream's labels. */
  readonly #lineOf: number[] = []
  readonly #placeOf: number[] = []
  #line = 0
  /** Names of this line that were taken already. */
  #tries = 0
  #labelValues: readonly Buffer[] = []
  /** What the line gets: rows, and the names that they got. */
  readonly #placedRows: number[] = []
  readonly #placedNames: number[] = []

  constructor(limits: MetadataLimits) {
    this.#limits = limits
  }

  /** Begins with a batch. */
  begin(bytes: Buffer): void {
    this.#bytes = bytes
    this.cutValues = this.droppedEntries = 0
    this.names.forgetIfFull()
  }

  /** More names have come than one batch should bring. */
  get isFull(): boolean {
    return this.names.bytes.length > NAMES_MAX
  }

  /** Ends with a batch: nothing of it is kept. */
  end(): void {
    this.#bytes = NOTHING
    this.#labelValues = []
    this.#texts.reset()
    this.#rows = ordinaryRows(this.#rows, USUAL)
  }

  /** What is added from here on is a resource's. */
  beginResource(): void {
    this.#isRecord = false
    this.#count = this.#texts.end = this.#skipped = 0
  }

  endResource(): void {
    this.#resourceRows = this.#count
    this.#resourceTexts = this.#texts.end
    this.#resourceSkipped = this.#skipped
  }

  /** What is added from here on is a scope's, beside the resource's. */
  beginScope(): void {
    this.#isRecord = false
    this.#count = this.#resourceRows
    this.#texts.end = this.#resourceTexts
    this.#skipped = this.#resourceSkipped
  }

  endScope(): void {
    this.#headRows = this.#count
    this.#headTexts = this.#texts.end
    this.#headSkipped = this.#skipped
  }

  /** What is added from here on is a record's. */
  beginRecord(): void {
    this.#isRecord = true
    this.#count = this.#headRows
    this.#texts.end = this.#headTexts
    this.#skipped = this.#headSkipped
  }

  /** Adds an entry with a text that is not in the batch; an empty one is none. */
  addText(name: string, text: string): void {
    if (text === '') return
    const start = this.#texts.end
    this.#texts.text(text)
    this.#add(this.names.of(name), 1, start, this.#texts.end, 0)
  }

  /** Adds an entry with the text in [start, end) of the batch; an empty one is none. */
  addRange(name: number, start: number, end: number, isLabel = false): void {
    if (start >= end) return
    if (isText(this.#bytes, start, end)) return this.#add(name, 0, start, end, isLabel ? 1 : 0)
    const at = this.#texts.end
    this.#texts.text(this.#bytes.toString('utf8', start, end))
    this.#add(name, 1, at, this.#texts.end, isLabel ? 1 : 0)
  }

  /**
   * Adds an attribute. A map becomes an entry for each of its values, named `outer_inner`. `isLabel`: the stream has it
   * as a label, so that it is needed only where it has not.
   */
  addAttribute(keyStart: number, keyEnd: number, start: number, end: number, isLabel = false): void {
    const kind = values.valueKind(this.#bytes, start, end)
    if (kind === values.EMPTY || this.#skips()) return
    const from = values.contentStart(this.#bytes, start, end)
    if (kind === values.KVLIST) return this.#addMap(keyText(this.#bytes, keyStart, keyEnd), from, end)
    const name = this.names.ofKey(this.#bytes, keyStart, keyEnd)
    if (kind === values.STRING) this.addRange(name, from, end, isLabel)
    else this.#addWritten(name, start, end, isLabel)
  }

  #addMap(path: string, start: number, end: number): void {
    const bytes = this.#bytes
    forEachValue(bytes, start, end, (from, to) => {
      const key = findField(bytes, from, to, KEY_TAG)
      const inner = `${path}_${key < 0 ? '' : keyText(bytes, fieldStart(bytes, key), fieldEnd(bytes, key))}`.slice(
        0,
        NAME_BYTES_MAX,
      )
      const field = findField(bytes, from, to, VALUE_TAG)
      if (field < 0) return
      const value = fieldStart(bytes, field)
      const valueEnd = fieldEnd(bytes, field)
      const kind = values.valueKind(bytes, value, valueEnd)
      const content = values.contentStart(bytes, value, valueEnd)
      if (kind === values.EMPTY || this.#skips()) return
      if (kind === values.KVLIST) this.#addMap(inner, content, valueEnd)
      else if (kind === values.STRING) this.addRange(this.names.of(inner), content, valueEnd)
      else this.#addWritten(this.names.of(inner), value, valueEnd, false)
    })
  }

  /** True, and counted, for what comes after ROWS_MAX. Rows of resource and scope are counted apart. */
  #skips(): boolean {
    if (this.#count - (this.#isRecord ? this.#headRows : 0) < ROWS_MAX) return false
    this.#skipped++
    return true
  }

  #addWritten(name: number, start: number, end: number, isLabel: boolean): void {
    const at = this.#texts.end
    writeValue(this.#bytes, start, end, this.#texts)
    if (this.#texts.end > at) this.#add(name, 1, at, this.#texts.end, isLabel ? 1 : 0)
  }

  #add(name: number, isWritten: number, start: number, end: number, isLabel: number): void {
    const at = this.#count++ * ROW.width
    if (at === this.#rows.length) this.#rows = grownRows(this.#rows)
    const rows = this.#rows
    rows[at] = name
    rows[at + ROW.isWritten] = isWritten
    rows[at + ROW.start] = start
    rows[at + ROW.end] = end
    rows[at + ROW.isLabel] = isLabel
  }

  /** Writes the entries of the record to its EntryAdapter. `withLabels`: also what should have been a label. */
  write(out: Output, stream: StreamLabels, withLabels: boolean): void {
    const size_bytes = this.#place(stream, withLabels)
    const cut = size_bytes > this.#limits.size_bytes_max ? this.#valueBytesMax() : Number.POSITIVE_INFINITY
    for (let at = 0; at < this.#placedRows.length; at++) {
      this.#writePair(out, this.#placedNames[at]!, this.#placedRows[at]! * ROW.width, cut)
    }
  }

  /** Fills `#placed…`: the record's own entries before the others. Returns the size of names and values. */
  #place({ names, values }: StreamLabels, withLabels: boolean): number {
    this.#line++
    this.#tries = 0
    this.#placedRows.length = this.#placedNames.length = 0
    this.#labelValues = values
    for (const [label, name] of names.entries()) this.#take(name, -1 - label)
    let size_bytes = 0
    let dropped = this.#skipped
    for (let at = 0; at < this.#count; at++) {
      const row = (at + this.#headRows) % this.#count
      if (this.#rows[row * ROW.width + ROW.isLabel] === 1 && !withLabels) continue
      const size = this.#placedRows.length === this.#limits.entries_max ? NO_PLACE : this.#placeRow(row)
      if (size === NO_PLACE) dropped++
      else size_bytes += size
    }
    return dropped === 0 ? size_bytes : this.#noteDropped(dropped, size_bytes)
  }

  /** Places the row; returns the size of its name and value, 0 if an equal entry is there, or NO_PLACE. */
  #placeRow(row: number): number {
    const at = row * ROW.width
    const name = this.#freeName(at)
    if (name < 0) return name === EQUAL ? 0 : NO_PLACE
    this.#take(name, this.#placedRows.length)
    this.#placedRows.push(row)
    this.#placedNames.push(name)
    return this.names.bytes[name]!.length + this.#rows[at + ROW.end]! - this.#rows[at + ROW.start]!
  }

  /** The row's name, or if another entry of the line has it, that with a number behind; EQUAL if that entry is the same. */
  #freeName(row: number): number {
    const wanted = this.#rows[row]!
    let name = wanted
    for (let number = 2; this.#lineOf[name] === this.#line; number++) {
      const place = this.#placeOf[name]!
      const there = place < 0 ? this.#labelValues[-1 - place]! : this.#source(this.#placedRows[place]! * ROW.width)
      if (this.#source(row).equals(there)) return EQUAL
      if (++this.#tries > TRIES_MAX) return NO_PLACE
      name = this.names.of(`${this.names.text(wanted).slice(0, 250)}_${number}`)
    }
    return name
  }

  #take(name: number, place: number): void {
    this.#lineOf[name] = this.#line
    this.#placeOf[name] = place
  }

  #source(row: number): Buffer {
    const from = this.#rows[row + ROW.isWritten] === 1 ? this.#texts.bytes : this.#bytes
    return from.subarray(this.#rows[row + ROW.start]!, this.#rows[row + ROW.end]!)
  }

  /** Gives a place, if need be the last one, to the number of the entries that found none. */
  #noteDropped(dropped: number, size_bytes: number): number {
    const isFull = this.#placedRows.length === this.#limits.entries_max
    const lost_bytes = isFull ? this.#unplace() : 0
    const all = isFull ? dropped + 1 : dropped
    this.droppedEntries += all
    this.addText(DROPPED, String(all))
    return size_bytes - lost_bytes + Math.max(0, this.#placeRow(this.#count - 1))
  }

  /** Takes the last entry back; returns its size. */
  #unplace(): number {
    const row = this.#placedRows.pop()! * ROW.width
    const name = this.#placedNames.pop()!
    this.#lineOf[name] = 0
    return this.names.bytes[name]!.length + this.#rows[row + ROW.end]! - this.#rows[row + ROW.start]!
  }

  /** To how many bytes values have to be cut for everything to fit: the long ones pay, the short ones stay. */
  #valueBytesMax(): number {
    let left = this.#limits.size_bytes_max - this.#fitNames()
    const sizes = this.#placedRows
      .map((row) => this.#rows[row * ROW.width + ROW.end]! - this.#rows[row * ROW.width + ROW.start]!)
      .sort((one, other) => one - other)
    for (const [at, size] of sizes.entries()) {
      const share = Math.floor(left / (sizes.length - at))
      if (size > share) return share
      left -= size
    }
    return Number.POSITIVE_INFINITY
  }

  /** Leaves out the last entries until the names take at most half of the size; returns what they take. */
  #fitNames(): number {
    let size_bytes = this.#placedNames.reduce((total, name) => total + this.names.bytes[name]!.length, 0)
    while (size_bytes > this.#limits.size_bytes_max / 2) {
      size_bytes -= this.names.bytes[this.#placedNames.at(-1)!]!.length
      this.#unplace()
      this.droppedEntries++
    }
    return size_bytes
  }

  #writePair(out: Output, name: number, row: number, value_bytes_max: number): void {
    const nameBytes = this.names.bytes[name]!
    const source = this.#rows[row + ROW.isWritten] === 1 ? this.#texts.bytes : this.#bytes
    const start = this.#rows[row + ROW.start]!
    const end = this.#rows[row + ROW.end]!
    const cut = cutAt(source, start, end, value_bytes_max)
    const mark = cut < end && value_bytes_max >= MARK.length ? MARK.length : 0
    const size = cut - start + mark
    if (cut < end) this.cutValues++
    out.byte(PAIR_TAG)
    out.varint(2 + varintSize(nameBytes.length) + nameBytes.length + varintSize(size) + size)
    out.byte(NAME_TAG)
    out.varint(nameBytes.length)
    out.copy(nameBytes, 0, nameBytes.length)
    out.byte(VALUE)
    out.varint(size)
    out.copy(source, start, cut)
    out.copy(MARK, 0, mark)
  }
}

/** No more of a key than a name can have: a long one may stand before many values. */
function keyText(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('utf8', start, Math.min(end, start + NAME_BYTES_MAX))
}
