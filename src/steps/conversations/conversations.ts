/**
 * Conversations that are open, as rows of numbers with the bytes of their ids: bounded, and over when nothing came for a while.
 * They are in memory only: a restart begins anew.
 */
import type { Clock } from '../../self/clock.ts'
import type { Service } from '../../self/services.ts'
import { hashText } from '../../telemetry/hash.ts'
import { isEqual } from '../../telemetry/key_set.ts'

/** Columns of a conversation. Times in Unix milliseconds, of the spans; `touched_ms` is monotonic, of the arrival. */
export const TALK = {
  turns: 0,
  calls: 1,
  tokens: 2,
  cost_usd: 3,
  first_ms: 4,
  last_ms: 5,
  scores: 6,
  scoresSum: 7,
  /** Input tokens of the turn before; NaN where they are not known. */
  input: 8,
  touched_ms: 9,
  /** Another for each conversation that the row has had; 0: it has none. */
  serial: 10,
  width: 11,
} as const
export type TalkColumn = Exclude<keyof typeof TALK, 'width'>

export const NO_TALK = 0
/** Longer ids are none. */
const ID_BYTES_MAX = 128
const FIRST_ROOM = 64
/** A handle is a row's serial times this, and the row. */
const ROWS = 2 ** 21
const NONE = -1

export class Conversations {
  count = 0
  /** Over before they were quiet, to make room; and ids that are too long. */
  givenUp = 0
  refused = 0
  /** Called when a conversation is over, while its row can be read. */
  onEnded: (row: number) => void = () => {}
  readonly #max: number
  readonly #clock: Clock
  #columns = new Float64Array(0)
  #ids: Uint8Array = new Uint8Array(0)
  #lengths = new Uint8Array(0)
  /** Neighbours by use. */
  #older = new Int32Array(0)
  #newer = new Int32Array(0)
  #oldest = NONE
  #newest = NONE
  #used = 0
  readonly #free: number[] = []
  #serial = 0
  /** Rows by the id's hash, plus one; a chain where several have one. */
  readonly #byHash = new Map<number, number>()
  #nexts = new Int32Array(0)
  readonly #seed = Math.floor(Math.random() * 2 ** 31)

  /** `max`: conversations at once, below 2^21. */
  constructor(max: number, clock: Clock) {
    this.#max = max
    this.#clock = clock
  }

  get size_bytes(): number {
    // And so much for an entry of the table.
    return this.#lengths.length * (TALK.width * 8 + ID_BYTES_MAX + 1 + 3 * 4) + this.count * 40
  }

  get(row: number, column: TalkColumn): number {
    return this.#columns[row * TALK.width + TALK[column]]!
  }

  set(row: number, column: TalkColumn, value: number): void {
    this.#columns[row * TALK.width + TALK[column]] = value
  }

  add(row: number, column: TalkColumn, value: number): void {
    this.#columns[row * TALK.width + TALK[column]]! += value
  }

  id(row: number): string {
    const start = row * ID_BYTES_MAX
    return Buffer.from(this.#ids.buffer, start, this.#lengths[row]!).toString()
  }

  /** Handle of the conversation with that id, which is open from now on; NO_TALK without an id. */
  open(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) return NO_TALK
    if (end - start > ID_BYTES_MAX) {
      this.refused++
      return NO_TALK
    }
    const hash = hashText(bytes, start, end, this.#seed)
    let row = this.#rowOf(hash, bytes, start, end)
    if (row === NONE) row = this.#begin(hash, bytes, start, end)
    else this.#unlink(row)
    this.#link(row)
    this.set(row, 'touched_ms', this.#clock.monotonic_ms())
    return this.get(row, 'serial') * ROWS + row
  }

  /** Row of that handle; -1 if its conversation is over. */
  rowOf(handle: number): number {
    const row = handle % ROWS
    return handle !== NO_TALK && this.get(row, 'serial') === Math.floor(handle / ROWS) ? row : NONE
  }

  /** Row of the conversation with that id; -1 if none is open. */
  find(id: string): number {
    const bytes = Buffer.from(id)
    return this.#rowOf(hashText(bytes, 0, bytes.length, this.#seed), bytes, 0, bytes.length)
  }

  /** Rows, the one that was used last first. */
  *all(): Generator<number> {
    for (let row = this.#newest; row !== NONE; row = this.#older[row]!) yield row
  }

  /** Ends those for which nothing came for so long. */
  expire(expire_after_ms: number): void {
    const now_ms = this.#clock.monotonic_ms()
    while (this.#oldest !== NONE && now_ms - this.get(this.#oldest, 'touched_ms') >= expire_after_ms)
      this.#end(this.#oldest)
  }

  #rowOf(hash: number, bytes: Uint8Array, start: number, end: number): number {
    for (let row = (this.#byHash.get(hash) ?? 0) - 1; row !== NONE; row = this.#nexts[row]! - 1) {
      const at = row * ID_BYTES_MAX
      if (isEqual(this.#ids.subarray(at, at + this.#lengths[row]!), bytes, start, end)) return row
    }
    return NONE
  }

  #begin(hash: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.count >= this.#max) {
      this.givenUp++
      this.#end(this.#oldest)
    }
    const row = this.#free.pop() ?? this.#used++
    if (row >= this.#lengths.length) this.#grow()
    this.count++
    this.#columns.fill(0, row * TALK.width, (row + 1) * TALK.width)
    this.set(row, 'serial', (this.#serial = (this.#serial % 2 ** 31) + 1))
    this.set(row, 'first_ms', Number.NaN)
    this.set(row, 'last_ms', Number.NaN)
    this.set(row, 'input', Number.NaN)
    this.#ids.set(bytes.subarray(start, end), row * ID_BYTES_MAX)
    this.#lengths[row] = end - start
    this.#nexts[row] = this.#byHash.get(hash) ?? 0
    this.#byHash.set(hash, row + 1)
    return row
  }

  #end(row: number): void {
    this.onEnded(row)
    this.#unlink(row)
    const at = row * ID_BYTES_MAX
    this.#unchain(hashText(this.#ids, at, at + this.#lengths[row]!, this.#seed), row)
    this.set(row, 'serial', 0)
    this.#free.push(row)
    this.count--
  }

  #unchain(hash: number, row: number): void {
    const first = this.#byHash.get(hash)! - 1
    if (first === row && this.#nexts[row] === 0) this.#byHash.delete(hash)
    else if (first === row) this.#byHash.set(hash, this.#nexts[row]!)
    else {
      let before = first
      while (this.#nexts[before] !== row + 1) before = this.#nexts[before]! - 1
      this.#nexts[before] = this.#nexts[row]!
    }
  }

  #link(row: number): void {
    this.#older[row] = this.#newest
    this.#newer[row] = NONE
    if (this.#newest === NONE) this.#oldest = row
    else this.#newer[this.#newest] = row
    this.#newest = row
  }

  #unlink(row: number): void {
    const [older, newer] = [this.#older[row]!, this.#newer[row]!]
    if (older === NONE) this.#oldest = newer
    else this.#newer[older] = newer
    if (newer === NONE) this.#newest = older
    else this.#older[newer] = older
  }

  #grow(): void {
    const rows = Math.max(FIRST_ROOM, this.#lengths.length * 2)
    const larger = <T extends Float64Array | Int32Array | Uint8Array>(made: T, old: T): T => {
      made.set(old)
      return made
    }
    this.#columns = larger(new Float64Array(rows * TALK.width), this.#columns)
    this.#ids = larger(new Uint8Array(rows * ID_BYTES_MAX), this.#ids)
    this.#lengths = larger(new Uint8Array(rows), this.#lengths)
    this.#older = larger(new Int32Array(rows), this.#older)
    this.#newer = larger(new Int32Array(rows), this.#newer)
    this.#nexts = larger(new Int32Array(rows), this.#nexts)
  }
}

/** The daemon's: whoever keeps conversations puts them there, and whoever shows them finds them. */
export const OPEN_CONVERSATIONS: Service<Set<Conversations>> = { make: () => new Set() }
