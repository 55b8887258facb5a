/** Room for what waits: bytes decide, and when they run out, or `num_traces` does, traces are decided before their time. */
import type { Host } from '../../../component.ts'
import { retryLater } from '../../../refusal.ts'
import { memoryOf } from '../../../self/memory/process_memory.ts'
import type { AnyBatch } from '../../../telemetry/batch.ts'
import type { TailSamplingConfig } from '../config.ts'
import type { TraceOutbox } from '../kept/trace_outbox.ts'
import type { SamplingPolicies } from '../policies/sampling_policies.ts'
import type { TraceFacts } from '../policies/trace_facts.ts'
import type { Votes } from '../votes.ts'
import { EarlyChoice, EarlyEpisode, type EarlyReason } from './early.ts'
import { DROPPED, DROPPED_EARLY, LOGS_KEPT, type Pending } from './pending.ts'

/** What waits may take so much of the process's memory. */
const PENDING_SHARE = 1 / 4
/** A trace that takes more than this share of what may wait is decided alone, so that all others need not make room. */
const TRACE_SHARE = 1 / 4
/** While so much of it is kept and nobody takes it, deciding more traces makes no room, unless the oldest kept ones go. */
const KEPT_SHARE = 0.45
/** Of what is kept for consumers that do not take it, so much stays: less than that, so that there is room for others. */
const EXITS_SHARE = 0.375
/** From here on traces are decided early: what is kept of them has to find its taker before there is room. */
const FULL_SHARE = 0.9
/** And from here on what is kept goes as fast as it is taken, whoever else would have a turn. */
const SHORT_SHARE = 0.75
/** Traces decided early before one batch is taken or refused: a bound on the time that it takes. */
const EARLY_MAX = 20_000

/** Of the sampler, what makes room and what is in it. */
export interface Crowd {
  readonly config: TailSamplingConfig
  readonly shards: readonly Pending[]
  readonly outbox: TraceOutbox
  readonly heads: { readonly size_bytes: number }
  readonly votes: Votes
  readonly policies: SamplingPolicies
  /** Decides on the trace in that row of the shard. */
  decide(shard: number, row: number, why: 'pressure'): void
  /** Hands on what is kept. */
  flush(): void
  factsOf(shard: Pending, row: number): TraceFacts
}

export class WaitingRoom {
  readonly #sampler: Crowd
  readonly #host: Host
  readonly #choice = new EarlyChoice((shard, row) => this.#spare(shard, row))
  readonly #episode: EarlyEpisode

  constructor(sampler: Crowd, host: Host) {
    this.#sampler = sampler
    this.#host = host
    this.#episode = new EarlyEpisode(host)
  }

  /** Makes room for the batch, by deciding traces early; refuses it for now if there is none. */
  makeRoom(batch: AnyBatch): void {
    const { block_on_overflow, num_traces } = this.#sampler.config
    const pending_max = this.#pending_bytes_max()
    if (!block_on_overflow) this.#shrink(pending_max * FULL_SHARE - batch.size_bytes)
    // What was decided to be kept has to go before there is room, also if nobody takes it.
    if (!this.#fits(batch, pending_max)) this.#sampler.flush()
    const used = this.#size_bytes()
    if (!this.#fits(batch, pending_max)) {
      throw retryLater('pending_full', `${used} bytes wait (max_pending_bytes is ${pending_max})`)
    }
    const traces = this.#traces()
    if (block_on_overflow && num_traces > 0 && traces >= num_traces) {
      throw retryLater('pending_full', `${traces} traces wait (num_traces is ${num_traces}, block_on_overflow is true)`)
    }
    if (!this.#sampler.shards.every((shard) => shard.hasRoom(batch.items)))
      throw retryLater('pending_full', 'the trace table is full of traces that wait')
  }

  get isShort(): boolean {
    return this.#size_bytes() > this.#pending_bytes_max() * SHORT_SHARE
  }

  /** Memory for what waits at all exits that do not take it. */
  get exits_bytes_max(): number {
    return this.#pending_bytes_max() * EXITS_SHARE
  }

  #fits(batch: AnyBatch, pending_max: number): boolean {
    const used = this.#size_bytes()
    return used === 0 || used + batch.size_bytes <= pending_max
  }

  /** A trace with more bytes is decided at once. */
  get trace_bytes_max(): number {
    return this.#pending_bytes_max() * TRACE_SHARE
  }

  /** More traces wait than may: decides one of the shard. */
  relieve(number: number): void {
    const shard = this.#sampler.shards[number]!
    const { num_traces, block_on_overflow } = this.#sampler.config
    const most = num_traces === 0 ? shard.traces_max : Math.max(1, num_traces / this.#sampler.shards.length)
    if (shard.traces <= Math.min(shard.traces_max, most)) return
    if (block_on_overflow && shard.traces <= shard.traces_max) return
    if (this.#choice.next([shard])) this.decideEarly(number, this.#choice.row, 'num_traces')
  }

  /** Decides a trace before its time. What is kept of it leaves its place at once. */
  decideEarly(number: number, row: number, reason: EarlyReason): void {
    this.#sampler.votes.early[reason]++
    this.#episode.count(reason, () => ({
      traces: this.#traces(),
      pending_bytes: this.#size_bytes(),
      max_pending_bytes: this.#pending_bytes_max(),
    }))
    this.#sampler.decide(number, row, 'pressure')
    const shard = this.#sampler.shards[number]!
    const state = shard.stateOf(row)
    if (state === DROPPED) shard.correct(row, DROPPED_EARLY)
    else this.#sampler.outbox.gather(number, row, state === LOGS_KEPT ? 'lone' : 'pressure')
  }

  /** The user's, or a share of what the process may take now. */
  #pending_bytes_max(): number {
    return this.#sampler.config.max_pending_bytes ?? Math.floor(memoryOf(this.#host).limit_bytes * PENDING_SHARE)
  }

  #traces(): number {
    let traces = 0
    for (const shard of this.#sampler.shards) traces += shard.traces
    return traces
  }

  /** Memory for what waits. */
  #size_bytes(): number {
    let bytes = this.#sampler.heads.size_bytes + this.#sampler.outbox.size_bytes
    for (const shard of this.#sampler.shards) bytes += shard.size_bytes
    return bytes
  }

  /** What the items take from the process; rows of the table are counted with the table. */
  reserved_bytes(): number {
    let bytes = this.#sampler.heads.size_bytes + this.#sampler.outbox.size_bytes
    for (const shard of this.#sampler.shards) bytes += shard.reserved_bytes
    return bytes
  }

  /** Looks whether the time in which traces are decided early is over. */
  check(): void {
    this.#episode.check()
  }

  /**
   * The process is short of memory: gives so many bytes back. What is spare goes first, then traces are decided before
   * their time, and what is kept of them is handed on.
   */
  giveUp(bytes: number): void {
    const more_bytes = bytes - this.#trim()
    if (more_bytes <= 0 || this.#sampler.config.block_on_overflow) return
    this.#shrink(Math.max(0, this.#size_bytes() - more_bytes))
    this.#trim()
    this.#sampler.flush()
  }

  #trim(): number {
    let bytes = 0
    for (const { items } of this.#sampler.shards) bytes += items.trim()
    return bytes
  }

  /** Decides traces before their time until at most so many bytes wait, as long as that makes room. */
  #shrink(target_bytes: number): void {
    for (let decided = 0; decided < EARLY_MAX; decided++) {
      if (this.#size_bytes() <= target_bytes) return
      if (this.#keptFills() || !this.#choice.next(this.#sampler.shards)) return
      this.decideEarly(this.#choice.shard, this.#choice.row, 'pressure')
    }
  }

  #keptFills(): boolean {
    const most_bytes = this.#pending_bytes_max() * KEPT_SHARE
    if (this.#sampler.outbox.kept_bytes <= most_bytes) return false
    this.#sampler.flush()
    return this.#sampler.outbox.kept_bytes > most_bytes
  }

  /** Is the trace to be among the last that are decided early? Its items then leave the places of those that go. */
  #spare(shard: Pending, row: number): boolean {
    const facts = this.#sampler.factsOf(shard, row)
    if (!this.#sampler.policies.distinguishes(facts)) return false
    shard.move(row)
    return true
  }
}
