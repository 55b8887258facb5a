/** What the index knows of one trace. */
import type { Address } from '../../journal/journal.ts'
import type { TraceSummary } from '../../telemetry_store.ts'
import { CALL, NO_TOTALS, type Totals, totalsOf } from './call_totals.ts'
import { type List, NONE } from './shared_texts.ts'

/** Shared by all traces that were kept for the same reason. */
export interface Sampling {
  readonly policy: string
  readonly decision: string
  readonly reason: string
}
export const NOT_SAMPLED: Sampling = { policy: '', decision: '', reason: '' }

/** So many spans of a trace are told apart and so many calls summed; more are counted as they come. */
const SPANS_MAX = 10_000
/** So many log records are read of a trace of which nothing is stored. */
export const EARLY_RECORDS_MAX = 256
/** From so many on, a set finds a span quicker than a look at each. */
const SET_FROM = 32

/** Memory of a trace beside its lists: its object, its texts, its place among the others; and of a number in a list or a set. */
const TRACE_BYTES = 500
const NUMBER_BYTES = 8
const ENTRY_BYTES = 40

/** Length of a list up to which it is made anew to grow. */
const SMALL = 512
const NO_SPANS: readonly number[] = []
const NO_CALLS: readonly number[] = []

export class StoredTrace {
  /** The 16 bytes of the id as a latin1 string: half as long as digits. */
  readonly key: string
  service = ''
  rootName = ''
  hasRoot = false
  services: List = NONE
  models: List = NONE
  signals: List = NONE
  sampling: Sampling | undefined
  start_ms = Number.POSITIVE_INFINITY
  end_ms = Number.NEGATIVE_INFINITY
  spans = 0
  score = Number.NaN
  failed = false
  /** What `size_bytes` was when it was last asked. Of who adds them up. */
  weighed_bytes = 0
  /** Rows as CALL says. */
  #calls: number[] | undefined
  /** Most traces are in one record, and need no list. */
  #records: Address | Address[]
  #seen: readonly number[] | Set<number> = NO_SPANS
  #totals: Totals | undefined

  /** Without a record: nothing of it is stored yet, but log records have told of it. */
  constructor(key: string, record?: Address) {
    this.key = key
    this.#records = record ?? []
  }

  /** Memory that it takes, about. */
  get size_bytes(): number {
    const seen_bytes = this.#told * (this.#seen instanceof Set ? ENTRY_BYTES : NUMBER_BYTES)
    return TRACE_BYTES + seen_bytes + ((this.#calls?.length ?? 0) + this.records.length) * NUMBER_BYTES
  }

  get id(): string {
    return Buffer.from(this.key, 'latin1').toString('hex')
  }

  /** Addresses of the records with its spans. */
  get records(): readonly Address[] {
    return typeof this.#records === 'number' ? [this.#records] : this.#records
  }

  addRecord(record: Address): void {
    if (typeof this.#records === 'number') {
      if (this.#records !== record) this.#records = [this.#records, record]
    } else if (this.#records.at(-1) !== record) this.#records.push(record)
  }

  /** Forgets records that are gone; false if none is left. */
  keepRecords(isThere: (record: Address) => boolean): boolean {
    if (typeof this.#records === 'number') return isThere(this.#records)
    this.#records = this.#records.filter(isThere)
    return this.#records.length > 0
  }

  /** Counts the span; false if it was counted before. */
  addSpan(span: number): boolean {
    const isNew = this.isNew(span)
    if (isNew) this.spans++
    return isNew
  }

  /** False if this was asked of that number before, or very often of a trace that is not stored. */
  isNew(span: number): boolean {
    if (this.records.length === 0 && this.#told >= EARLY_RECORDS_MAX) return false
    if (this.#seen instanceof Set) {
      if (this.#seen.has(span)) return false
      if (this.#seen.size < SPANS_MAX) this.#seen.add(span)
    } else {
      if (this.#seen.includes(span)) return false
      this.#seen = this.#seen.length < SET_FROM ? this.#seen.concat(span) : new Set([...this.#seen, span])
    }
    return true
  }

  get #told(): number {
    return this.#seen instanceof Set ? this.#seen.size : this.#seen.length
  }

  addCall(row: readonly number[]): void {
    if (this.spans > SPANS_MAX || (this.#calls?.length ?? 0) >= SPANS_MAX * CALL.width) return
    this.#totals = undefined
    // A list that is pushed to reserves room for many more: of many small lists that is most of the memory.
    if (this.#calls === undefined || this.#calls.length < SMALL) this.#calls = (this.#calls ?? NO_CALLS).concat(row)
    else for (const value of row) this.#calls.push(value)
  }

  /** Of its model calls, each counted once. */
  get totals(): Totals {
    this.#totals ??= this.#calls === undefined ? NO_TOTALS : totalsOf(this.#calls)
    return this.#totals
  }

  summary(): TraceSummary {
    const { cost_usd, input, output } = this.totals
    const { policy, decision, reason } = this.sampling ?? NOT_SAMPLED
    const duration_ms = this.end_ms - this.start_ms
    return {
      trace_id: this.id,
      service: this.service,
      root_name: this.rootName,
      start_ms: Number.isFinite(this.start_ms) ? this.start_ms : 0,
      duration_ms: duration_ms > 0 ? Math.round(duration_ms * 1000) / 1000 : 0,
      spans: this.spans,
      models: this.models,
      cost_usd: known(Math.round(cost_usd * 1e9) / 1e9),
      input_tokens: known(input),
      output_tokens: known(output),
      quality_score: known(this.score),
      quality_signals: this.signals,
      error: this.failed,
      policy,
      decision,
      reason,
    }
  }
}

function known(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value
}
