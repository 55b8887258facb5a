/**
 * Who is decided before its time when room is needed: the traces that wait longest, those that a policy would keep for
 * what their spans are at the very end. And who says so in the log, once for each time that it goes on.
 */
import type { Host } from '../../../component.ts'
import type { Pending } from './pending.ts'
import type { WaitQueue } from './wait_queue.ts'

/** So long nothing was decided early: then it is over. */
const QUIET_MS = 60_000

/** Why a trace was decided early: memory was short, `num_traces` waited, or it alone was too large. */
export type EarlyReason = 'pressure' | 'num_traces' | 'trace_size'

export class EarlyChoice {
  /** What `next` has found. */
  shard = -1
  row = -1
  readonly #isSpared: (shard: Pending, row: number) => boolean
  #since_ms = 0
  #ticket = 0

  /** `isSpared` is asked once for each trace; who is spared goes when nobody else is left. */
  constructor(isSpared: (shard: Pending, row: number) => boolean) {
    this.#isSpared = isSpared
  }

  /** Sets `shard` and `row` to those of the next to be decided; false if none waits. Costs the same however many wait. */
  next(shards: readonly Pending[]): boolean {
    this.row = -1
    for (const [number, shard] of shards.entries())
      for (const queue of [shard.waits, shard.logs]) this.#considerNotSpared(number, shard, queue)
    if (this.row >= 0) return true
    for (const [number, shard] of shards.entries())
      for (const queue of [shard.waits, shard.logs]) this.#consider(number, shard, queue.first(), () => queue.since_ms)
    return this.row >= 0
  }

  #considerNotSpared(number: number, shard: Pending, queue: WaitQueue): void {
    const row = queue.firstNotSpared((row) => this.#isSpared(shard, row))
    this.#consider(number, shard, row, () => queue.notSparedSince_ms)
  }

  #consider(number: number, shard: Pending, row: number, since: () => number): void {
    if (row < 0) return
    const since_ms = since()
    const ticket = shard.ticketOf(row)
    const isOlder = since_ms < this.#since_ms || (since_ms === this.#since_ms && ticket < this.#ticket)
    if (this.row >= 0 && !isOlder) return
    this.shard = number
    this.row = row
    this.#since_ms = since_ms
    this.#ticket = ticket
  }
}

/** A time in which traces are decided early. */
export class EarlyEpisode {
  readonly #host: Host
  #traces = 0
  #last_ms = 0

  constructor(host: Host) {
    this.#host = host
  }

  /** A trace is decided early. `facts` tells how things stand; it is asked for the first. */
  count(reason: EarlyReason, facts: () => Record<string, number>): void {
    this.#last_ms = this.#host.clock.monotonic_ms()
    if (this.#traces++ > 0) return
    const message =
      'traces are decided before decision_wait has passed, for want of room; what comes of them later may be missed'
    this.#host.log.warn({ reason, ...facts() }, message)
  }

  /** Looks whether it is over. */
  check(): void {
    if (this.#traces === 0 || this.#host.clock.monotonic_ms() - this.#last_ms < QUIET_MS) return
    this.#host.log.info({ traces: this.#traces }, 'traces are decided in time again')
    this.#traces = 0
  }
}
