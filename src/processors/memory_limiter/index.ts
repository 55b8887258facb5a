/** The `memory_limiter` processor: refuses batches, and has receivers refuse requests, while memory is short. */

import { randomUUID } from 'node:crypto'
import type { Batches, Consumer, Context, Host, Processor, ProcessorFactory, Signal } from '../../component.ts'
import { type Refusal, retryLater } from '../../refusal.ts'
import type { Timer } from '../../self/clock.ts'
import { type Pressure, pressureOf } from '../../self/memory/pressure.ts'
import { memoryOf } from '../../self/memory/process_memory.ts'
import type { Counter } from '../../self/metrics/meter.ts'
import type { Service } from '../../self/services.ts'
import { accountedItems } from '../../telemetry/signal.ts'
import { type MemoryLimiterConfig, schema } from './config.ts'
import { type Limits, limitsOf, type Memory, memoryOfProcess } from './memory_limits.ts'

export const memoryLimiter: ProcessorFactory<MemoryLimiterConfig> = {
  kind: 'processor',
  type: 'memory_limiter',
  summary: 'Refuses data while the process holds too much memory; senders try again later.',
  signals: ['traces', 'metrics', 'logs'],
  schema,
  create: (config, host, signal, next) => new MemoryLimiter(config, host, signal, next),
}

export class MemoryLimiter<S extends Signal> implements Processor<S> {
  readonly #host: Host
  readonly #next: Consumer<S>
  readonly #given: Memory | undefined
  readonly #pressure: Pressure
  /** Limiters of several pipelines have one id, but each begins and ends to refuse by itself. */
  readonly #key = randomUUID()
  readonly #accepted: Counter
  readonly #refused: Counter
  #config: MemoryLimiterConfig
  #memory: Memory | undefined
  #limits: Limits | undefined
  #refusal: Refusal | undefined
  #refusedSince_ms = 0
  #timer: Timer | undefined
  #endWatch: (() => void) | undefined
  /** Garbage is the process's: what one limiter has collected, the others need not. */
  readonly #last: Collection

  /** `memory`: default that of the process. */
  constructor(config: MemoryLimiterConfig, host: Host, signal: S, next: Consumer<S>, memory?: Memory) {
    this.#config = config
    this.#host = host
    this.#next = next
    this.#given = memory
    this.#pressure = pressureOf(host)
    this.#last = host.service(COLLECTION)
    const counter = (outcome: string) =>
      host.meter.counter(
        `otelcol_processor_memory_limiter_${outcome}_${accountedItems[signal]}`,
        `Items ${outcome} by the memory limiter.`,
        { processor: host.id },
      )
    this.#accepted = counter('accepted')
    this.#refused = counter('refused')
  }

  async start(): Promise<void> {
    const shared = memoryOf(this.#host)
    this.#memory = this.#given ?? memoryOfProcess(shared)
    this.#limit(this.#memory)
    this.#timer = this.#host.clock.every(this.#config.check_interval, () => this.#check())
    this.#endWatch = shared.watch((coming_bytes) => this.#check(coming_bytes))
  }

  async shutdown(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#endWatch?.()
    this.#memory?.close()
    this.#pressure.set(this.#key, undefined)
  }

  async update(config: unknown): Promise<boolean> {
    this.#config = config as MemoryLimiterConfig
    if (this.#timer === undefined || this.#memory === undefined) return true
    this.#timer.cancel()
    this.#limit(this.#memory)
    this.#timer = this.#host.clock.every(this.#config.check_interval, () => this.#check())
    return true
  }

  /** What is held may grow much between two checks: it is looked at each time. */
  async consume(batch: Batches[S], context: Context): Promise<void> {
    const items = batch.count
    memoryOf(this.#host).pass(batch.size_bytes)
    if (this.#refusal === undefined && this.#isOver()) this.#check()
    if (this.#refusal !== undefined && context.isOwn !== true) {
      this.#refused.add(items)
      throw this.#refusal
    }
    await this.#next.consume(batch, context)
    this.#accepted.add(items)
  }

  #limit(memory: Memory): void {
    this.#limits = limitsOf(this.#config, memory.total())
    const { hard_bytes, soft_bytes } = this.#limits
    memoryOf(this.#host).limit_bytes = hard_bytes
    this.#host.log.info(
      { hard_mib: toMib(hard_bytes), soft_mib: toMib(soft_bytes) },
      'limiting what is held and what lives on the heap',
    )
    this.#check()
  }

  #isOver(): boolean {
    return this.#memory !== undefined && this.#memory.used() > this.#limits!.hard_bytes
  }

  /**
   * Garbage is collected when it makes the process large, or would once `coming_bytes` have been worked on; whether data
   * is refused is decided by what is used.
   */
  #check(coming_bytes = 0): void {
    const memory = this.#memory!
    const { hard_bytes, soft_bytes, resume_bytes } = this.#limits!
    const largest_bytes = Math.max(memory.resident(), memory.used()) + coming_bytes * COPIES_OF_A_BODY
    // While data is refused, it has to be known soon that it need not be.
    if (largest_bytes > soft_bytes)
      this.#collect(memory, hard_bytes, largest_bytes > hard_bytes || this.#refusal !== undefined)
    // What can be handed on or decided sooner goes before anybody is refused.
    const excess_bytes = memory.used() - resume_bytes
    if (excess_bytes > 0) memoryOf(this.#host).relieve(excess_bytes)
    const used_bytes = memory.used()
    if (this.#refusal === undefined && used_bytes > soft_bytes) this.#refuse(used_bytes, soft_bytes)
    else if (this.#refusal !== undefined && used_bytes <= (this.#isStuck() ? soft_bytes : resume_bytes))
      this.#resume(used_bytes)
  }

  /** Refusing for so long makes nothing fall further: waiting for more room would be waiting for ever. */
  #isStuck(): boolean {
    return this.#host.clock.monotonic_ms() - this.#refusedSince_ms >= STUCK_MS
  }

  #refuse(used_bytes: number, soft_bytes: number): void {
    this.#refusedSince_ms = this.#host.clock.monotonic_ms()
    const soft_mib = toMib(soft_bytes)
    this.#refusal = retryLater(
      'memory_limit',
      `the process holds more memory than its soft limit of ${soft_mib} MiB`,
      Math.min(MAX_WAIT_MS, Math.max(1000, this.#config.check_interval)),
    )
    this.#pressure.set(this.#key, this.#refusal)
    this.#host.status('recoverable', 'memory is short: data is refused')
    this.#host.log.warn({ used_mib: toMib(used_bytes), soft_mib }, 'memory is short: data is refused')
  }

  #resume(used_bytes: number): void {
    this.#refusal = undefined
    this.#pressure.set(this.#key, undefined)
    this.#host.status('ok')
    this.#host.log.info({ used_mib: toMib(used_bytes) }, 'memory is back under the limit: data is taken')
  }

  /** Where little was allocated since the last time, there is not much to collect. */
  #collect(memory: Memory, hard_bytes: number, isHard: boolean): void {
    const { min_gc_interval_when_hard_limited, min_gc_interval_when_soft_limited } = this.#config
    const interval_ms = isHard ? min_gc_interval_when_hard_limited : min_gc_interval_when_soft_limited
    const now_ms = this.#host.clock.monotonic_ms()
    const age_ms = now_ms - this.#last.at_ms
    // Nothing is allocated while all is refused, and what lived may have become garbage since.
    const isStale = this.#refusal !== undefined && age_ms >= STALE_MS
    const isLittle = memory.collectable() < this.#last.left_bytes + hard_bytes * GARBAGE_MIN_SHARE
    if (age_ms < interval_ms || (isLittle && !isStale)) return
    this.#last.at_ms = now_ms
    memory.collect()
    this.#last.left_bytes = memory.collectable()
  }
}

const COLLECTION: Service<Collection> = { make: () => ({ at_ms: Number.NEGATIVE_INFINITY, left_bytes: 0 }) }

/** The last collection that was asked for, and what it left. */
interface Collection {
  at_ms: number
  left_bytes: number
}

/** Of a request there are at once: its bytes, a copy beside the event loop, what was made of that, and text of it. */
const COPIES_OF_A_BODY = 4
/**
 * Less garbage than this share of the limit is not worth a collection: what a collection costs grows with what lives, and a large
 * process passes much in the time between two.
 */
const GARBAGE_MIN_SHARE = 1 / 5
/** While data is refused, what was measured longer ago is measured again. */
const STALE_MS = 3_000
/** What can be handed on is handed on in this time. */
const STUCK_MS = 10_000
const MAX_WAIT_MS = 30_000

function toMib(bytes: number): number {
  return Math.round(bytes / (1 << 20))
}
