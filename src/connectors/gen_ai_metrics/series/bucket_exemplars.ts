/**
 * Which calls stand for the values of a histogram. A call is counted long before the sampler decides on its trace, so
 * each bucket keeps a few candidates until their verdicts are known: an exemplar should lead to a trace that is kept.
 */
import type { Clock } from '../../../self/clock.ts'
import type { Verdict, Verdicts } from '../../../traces/verdicts.ts'

/** A trace id and a span id, one behind the other. */
export const IDS_BYTES = 24
const TRACE_ID_BYTES = 16

/** Whose value it is. */
export interface ValueOrigin {
  readonly hasTrace: boolean
  /** IDS_BYTES, to be copied. */
  readonly ids: Uint8Array
  /** Unix milliseconds; NaN where unknown. */
  readonly end_ms: number
}

/** As OTLP has it. The ids are to be written at once: their memory is used again. */
export interface CallExemplar {
  readonly traceId: Buffer
  readonly spanId: Buffer
  readonly value: number
  readonly time_ms: number
}

const NONE = -1
/** Candidates of all buckets together: at 52 bytes each, at most 7 MB. */
const CANDIDATES_MAX = 131_072
/** Of one bucket. They wait in their order and are not displaced, or under load none would live to see its verdict. */
const BUCKET_CANDIDATES_MAX = 8
/** Of those that come to a full bucket, one in so many asks whether the first has its verdict. */
const ASK_EVERY = 16
/** Longer than samplers wait; who has no verdict by then gets none. */
const WAIT_MAX_MS = 5 * 60_000
/** How long an exemplar is told, so that one refused batch does not lose it. Exporters keep the newest of each bucket. */
const SHOWN_MS = 60_000

/** The candidates of all histograms, as rows of numbers. */
export class ExemplarCandidates {
  /** Rows in use. */
  count = 0
  /** How often there was no room for one. */
  refused = 0
  readonly #verdicts: Verdicts
  readonly #clock: Clock
  readonly #rows_max: number
  #used = 0
  #free = NONE
  #ids = Buffer.alloc(0)
  /** Of a candidate the next one of its bucket, of a free row the next free one. */
  #next = new Int32Array(0)
  #values = new Float64Array(0)
  #times_ms = new Float64Array(0)
  /** When it was added or chosen, monotonic milliseconds. */
  #since_ms = new Float64Array(0)

  constructor(verdicts: Verdicts, clock: Clock, rows_max = CANDIDATES_MAX) {
    this.#verdicts = verdicts
    this.#clock = clock
    this.#rows_max = rows_max
  }

  /** The row, or -1 if there is no room. */
  add(value: number, { ids, end_ms }: ValueOrigin): number {
    const row = this.#newRow()
    if (row === NONE) return row
    this.#ids.set(ids, row * IDS_BYTES)
    this.#next[row] = NONE
    this.#values[row] = value
    this.#times_ms[row] = Number.isNaN(end_ms) ? this.#clock.now_ms() : end_ms
    this.#since_ms[row] = this.#clock.monotonic_ms()
    return row
  }

  /** Does anybody decide about traces? */
  get areSampled(): boolean {
    return !this.#verdicts.isEmpty
  }

  remove(row: number): void {
    this.#next[row] = this.#free
    this.#free = row
    this.count--
  }

  next(row: number): number {
    return this.#next[row]!
  }

  link(row: number, next: number): void {
    this.#next[row] = next
  }

  /** Of a candidate's trace. Where nobody samples, every trace is kept; one that nobody has decided for long is as good as dropped. */
  verdictOf(row: number): Verdict {
    const verdict = this.areSampled ? this.#verdicts.verdictOf(this.#ids, row * IDS_BYTES) : 'kept'
    return verdict === 'undecided' && this.#age_ms(row) > WAIT_MAX_MS ? 'dropped' : verdict
  }

  /** From now on it is shown. */
  choose(row: number): void {
    this.#since_ms[row] = this.#clock.monotonic_ms()
  }

  /** Has it been shown long enough? */
  isOver(row: number): boolean {
    return this.#age_ms(row) > SHOWN_MS
  }

  isNewer(row: number, other: number): boolean {
    return this.#times_ms[row]! >= this.#times_ms[other]!
  }

  exemplarOf(row: number): CallExemplar {
    const start = row * IDS_BYTES
    return {
      traceId: this.#ids.subarray(start, start + TRACE_ID_BYTES),
      spanId: this.#ids.subarray(start + TRACE_ID_BYTES, start + IDS_BYTES),
      value: this.#values[row]!,
      time_ms: this.#times_ms[row]!,
    }
  }

  #age_ms(row: number): number {
    return this.#clock.monotonic_ms() - this.#since_ms[row]!
  }

  #newRow(): number {
    if (this.#free !== NONE) {
      const row = this.#free
      this.#free = this.#next[row]!
      this.count++
      return row
    }
    if (this.#used === this.#rows_max) {
      this.refused++
      return NONE
    }
    if (this.#used === this.#next.length) this.#grow()
    this.count++
    return this.#used++
  }

  #grow(): void {
    const rows = Math.min(this.#rows_max, Math.max(256, this.#next.length * 2))
    const larger = <T extends Int32Array | Float64Array | Uint8Array>(made: T, old: T): T => {
      made.set(old)
      return made
    }
    this.#ids = larger(Buffer.alloc(rows * IDS_BYTES), this.#ids)
    this.#next = larger(new Int32Array(rows), this.#next)
    this.#values = larger(new Float64Array(rows), this.#values)
    this.#times_ms = larger(new Float64Array(rows), this.#times_ms)
    this.#since_ms = larger(new Float64Array(rows), this.#since_ms)
  }
}

/** The candidates of one histogram by bucket, and of each bucket the one that is shown. */
export class BucketExemplars {
  readonly #candidates: ExemplarCandidates
  /** By bucket: its longest waiting candidate, the last one, how many there are, and the chosen one. */
  readonly #first: Int32Array
  readonly #last: Int32Array
  readonly #lengths: Uint8Array
  readonly #chosen: Int32Array
  #turnedAway = 0

  constructor(candidates: ExemplarCandidates, buckets: number) {
    this.#candidates = candidates
    this.#first = new Int32Array(buckets).fill(NONE)
    this.#last = new Int32Array(buckets).fill(NONE)
    this.#lengths = new Uint8Array(buckets)
    this.#chosen = new Int32Array(buckets).fill(NONE)
  }

  offer(bucket: number, value: number, origin: ValueOrigin): void {
    if (!origin.hasTrace) return
    if (this.#lengths[bucket] === BUCKET_CANDIDATES_MAX) {
      // Asking costs more than the rest, and rarely makes room.
      if (this.#candidates.areSampled && this.#turnedAway++ % ASK_EVERY !== 0) return
      if (!this.#settleFirst(bucket)) return
    }
    const row = this.#candidates.add(value, origin)
    if (row === NONE) return
    if (this.#lengths[bucket] === 0) this.#first[bucket] = row
    else this.#candidates.link(this.#last[bucket]!, row)
    this.#last[bucket] = row
    this.#lengths[bucket]!++
  }

  /** The newest of each bucket whose trace is kept. */
  shown(): CallExemplar[] {
    const exemplars: CallExemplar[] = []
    for (let bucket = 0; bucket < this.#first.length; bucket++) {
      this.#settle(bucket)
      const row = this.#chosen[bucket]!
      if (row === NONE) continue
      if (!this.#candidates.isOver(row)) exemplars.push(this.#candidates.exemplarOf(row))
      else {
        this.#candidates.remove(row)
        this.#chosen[bucket] = NONE
      }
    }
    return exemplars
  }

  /** Gives all its rows back. */
  clear(): void {
    for (let bucket = 0; bucket < this.#first.length; bucket++) {
      for (; this.#lengths[bucket]! > 0; this.#lengths[bucket]!--) {
        const row = this.#first[bucket]!
        this.#first[bucket] = this.#candidates.next(row)
        this.#candidates.remove(row)
      }
      if (this.#chosen[bucket] !== NONE) this.#candidates.remove(this.#chosen[bucket]!)
      this.#chosen[bucket] = NONE
    }
  }

  /** Asks of all that wait in the bucket. */
  #settle(bucket: number): void {
    for (let left = this.#lengths[bucket]!; left > 0; left--) {
      if (this.#settleFirst(bucket) || this.#lengths[bucket] === 1) continue
      // Undecided: to the end, so that the next is asked. After as many turns the order is the old one.
      const row = this.#first[bucket]!
      this.#first[bucket] = this.#candidates.next(row)
      this.#candidates.link(this.#last[bucket]!, row)
      this.#candidates.link(row, NONE)
      this.#last[bucket] = row
    }
  }

  /** Takes the first out if it is decided; false if not. */
  #settleFirst(bucket: number): boolean {
    const candidates = this.#candidates
    const row = this.#first[bucket]!
    const verdict = candidates.verdictOf(row)
    if (verdict === 'undecided') return false
    this.#first[bucket] = candidates.next(row)
    this.#lengths[bucket]!--
    const other = this.#chosen[bucket]!
    if (verdict === 'dropped' || (other !== NONE && !candidates.isNewer(row, other))) candidates.remove(row)
    else {
      if (other !== NONE) candidates.remove(other)
      candidates.choose(row)
      this.#chosen[bucket] = row
    }
    return true
  }
}
