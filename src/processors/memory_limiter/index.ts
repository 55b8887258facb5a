/** The `memory_limiter` processor: refuses batches, and has receivers refuse requests, while memory is short. */

import { randomUUID } from 'node:crypto'
import type { Batches, Consumer, Context, Host, Processor, ProcessorFactory, Signal } from '../../component.ts'
import { type Refusal, retryLater } from '../../refusal.ts'
import type { Timer } from '../../self/clock.ts'
import type { Counter } from '../../self/meter.ts'
import { Pressure } from '../../self/pressure.ts'
import { accountedItems } from '../../telemetry/signal.ts'
import { type MemoryLimiterConfig, schema } from './config.ts'
import { type Limits, limitsOf, type Memory, processMemory } from './memory.ts'

export const memoryLimiter: ProcessorFactory<MemoryLimiterConfig> = {
  kind: 'processor',
  type: 'memory_limiter',
  summary: 'Refuses data while the process holds too much memory; senders try again later.',
  signals: ['traces', 'metrics', 'logs'],
  schema,
  create: (config, host, signal, next) => new MemoryLimiter(config, host, signal, next, processMemory),
}

export class MemoryLimiter<S extends Signal> implements Processor<S> {
  readonly #host: Host
  readonly #next: Consumer<S>
  readonly #memory: Memory
  readonly #pressure: Pressure
  /** Limiters of several pipelines have one id, but each begins and ends to refuse by itself. */
  readonly #key = randomUUID()
  readonly #accepted: Counter
  readonly #refused: Counter
  #config: MemoryLimiterConfig
  #limits: Limits
  #refusal: Refusal | undefined
  #timer: Timer | undefined
  #collected_ms = Number.NEGATIVE_INFINITY

  constructor(config: MemoryLimiterConfig, host: Host, signal: S, next: Consumer<S>, memory: Memory) {
    this.#config = config
    this.#host = host
    this.#next = next
    this.#memory = memory
    this.#limits = limitsOf(config, memory.total())
    this.#pressure = host.shared('pressure', () => new Pressure())
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
    const { hard_bytes, soft_bytes } = this.#limits
    this.#host.log.info({ hard_mib: toMib(hard_bytes), soft_mib: toMib(soft_bytes) }, 'limiting resident memory')
    this.#check()
    this.#timer = this.#host.clock.every(this.#config.check_interval, () => this.#check())
  }

  async shutdown(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#pressure.set(this.#key, undefined)
  }

  async update(config: unknown): Promise<boolean> {
    this.#config = config as MemoryLimiterConfig
    this.#limits = limitsOf(this.#config, this.#memory.total())
    if (this.#timer === undefined) return true
    this.#timer.cancel()
    await this.start()
    return true
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    const items = batch.count
    if (this.#refusal !== undefined) {
      this.#refused.add(items)
      throw this.#refusal
    }
    await this.#next.consume(batch, context)
    this.#accepted.add(items)
  }

  #check(): void {
    const resident_bytes = this.#memory.resident()
    const { hard_bytes, soft_bytes, resume_bytes } = this.#limits
    if (resident_bytes > soft_bytes) this.#collect(resident_bytes > hard_bytes)
    if (this.#refusal === undefined && resident_bytes > soft_bytes) this.#refuse(resident_bytes)
    else if (this.#refusal !== undefined && resident_bytes <= resume_bytes) this.#resume(resident_bytes)
  }

  #refuse(resident_bytes: number): void {
    const soft_mib = toMib(this.#limits.soft_bytes)
    this.#refusal = retryLater(
      'memory_limit',
      `the process holds more memory than its soft limit of ${soft_mib} MiB`,
      Math.max(1000, this.#config.check_interval),
    )
    this.#pressure.set(this.#key, this.#refusal)
    this.#host.status('recoverable', 'memory is short: data is refused')
    this.#host.log.warn({ resident_mib: toMib(resident_bytes), soft_mib }, 'memory is short: data is refused')
  }

  #resume(resident_bytes: number): void {
    this.#refusal = undefined
    this.#pressure.set(this.#key, undefined)
    this.#host.status('ok')
    this.#host.log.info({ resident_mib: toMib(resident_bytes) }, 'memory is back under the limit: data is taken')
  }

  /** Only where the process was started with --expose-gc can it be asked for a collection. */
  #collect(isHard: boolean): void {
    const { min_gc_interval_when_hard_limited, min_gc_interval_when_soft_limited } = this.#config
    const interval_ms = isHard ? min_gc_interval_when_hard_limited : min_gc_interval_when_soft_limited
    const now_ms = this.#host.clock.monotonic_ms()
    if (globalThis.gc === undefined || now_ms - this.#collected_ms < interval_ms) return
    this.#collected_ms = now_ms
    globalThis.gc()
  }
}

function toMib(bytes: number): number {
  return Math.round(bytes / (1 << 20))
}
