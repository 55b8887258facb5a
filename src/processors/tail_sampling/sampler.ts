import { isDeepStrictEqual } from 'node:util'
import type { Consumer, Context, Host, Processor } from '../../component.ts'
import { retryLater } from '../../refusal.ts'
import type { Timer } from '../../self/clock.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { type Head, Heads } from '../../telemetry/heads.ts'
import { SCOPE } from '../../telemetry/layout.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { sharedTables } from '../../traces/tables.ts'
import { hashTraceId, isTraceId, shardOf } from '../../traces/trace_id.ts'
import type { TailSamplingConfig } from './config.ts'
import { Labels } from './labels.ts'
import { type Origin, Origins } from './origins.ts'
import { Outbox } from './outbox.ts'
import { DROPPED, KEPT, Pending } from './pending.ts'
import { Policies } from './policies.ts'
import { Release } from './release.ts'
import { Votes } from './votes.ts'

/** How often it is looked whether traces are due. */
const TICK_MS = 250
/** The shortest `decision_wait`. */
const WAIT_MIN_MS = 1000

/** What became of a span. */
const WAITS = 0
const SAMPLED_OUT = 1
const NOT_OF_A_TRACE = 2
const NO_ROOM = 3

export class TailSampling implements Processor<'traces'> {
  readonly #host: Host
  #config: TailSamplingConfig
  #policies: Policies
  readonly #heads = new Heads()
  readonly #labels = new Labels()
  readonly #origins = new Origins()
  readonly #shards: readonly Pending[]
  readonly #outbox: Outbox
  readonly #release: Release
  readonly #votes: Votes
  readonly #view = new SpanView()
  #timer: Timer | undefined
  #stopping = false

  constructor(config: TailSamplingConfig, host: Host, next: Consumer<'traces'>) {
    this.#host = host
    this.#config = config
    this.#policies = new Policies(config.policies)
    this.#view.wantsAttributes = this.#policies.readsAttributes
    this.#shards = sharedTables(host).map((table) => new Pending(table, this.#heads))
    this.#outbox = new Outbox(this.#shards, this.#heads, this.#labels, this.#origins)
    this.#release = new Release(next, host, () => this.#outbox.next())
    this.#votes = new Votes(host.meter)
  }

  async start(): Promise<void> {
    const { clock, meter, id } = this.#host
    const labels = { processor: id }
    const sum = (read: (shard: Pending) => number) => this.#shards.reduce((total, shard) => total + read(shard), 0)
    meter.gauge(
      'otelcol_processor_tail_sampling_sampling_traces_on_memory',
      'Traces that wait for their decision.',
      labels,
      () => sum((shard) => shard.traces),
    )
    meter.gauge(
      'sluice_tail_sampling_pending_bytes',
      'Memory for spans that wait, in bytes.',
      labels,
      () => sum((shard) => shard.items.reserved_bytes) + this.#heads.size_bytes + this.#outbox.size_bytes,
    )
    this.#timer = clock.every(TICK_MS, () => {
      this.#decideUpTo(clock.monotonic_ms() - Math.max(WAIT_MIN_MS, this.#config.decision_wait))
    })
  }

  /** Undecided traces go on waiting and are decided by the new policies. */
  async update(config: unknown): Promise<boolean> {
    const { policies } = config as TailSamplingConfig
    if (!isDeepStrictEqual(policies, this.#config.policies)) {
      this.#policies = new Policies(policies)
      this.#view.wantsAttributes = this.#policies.readsAttributes
      for (const shard of this.#shards) shard.reread(this.#policies, this.#view)
    }
    this.#config = config as TailSamplingConfig
    return true
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#stopping = true
    this.#timer?.cancel()
    this.#decideUpTo(Number.POSITIVE_INFINITY)
    await this.#release.finish(deadline)
    for (const shard of this.#shards) shard.close()
  }

  async consume(batch: TraceBatch, context: Context): Promise<void> {
    this.#refuseIfFull(batch)
    const origin = this.#origins.obtain(context)
    const became = [0, 0, 0, 0]
    const now_ms = this.#host.clock.monotonic_ms()
    const { scopes } = batch.layout
    for (let at = 0; at < scopes.length; at += SCOPE.width) {
      const first = scopes[at + SCOPE.firstItem]!
      const behind = first + scopes[at + SCOPE.itemCount]!
      if (first === behind) continue
      const head = this.#heads.obtain(batch, at / SCOPE.width, origin.id)
      head.references++
      for (let item = first; item < behind; item++) {
        this.#view.read(batch, item)
        became[this.#add(head, origin, now_ms)]!++
      }
      this.#heads.release(head)
    }
    this.#origins.release(origin, 1)
    context.account.hold(became[WAITS]!, 'pending')
    context.account.sampleOut(became[SAMPLED_OUT]!)
    context.account.drop(became[NOT_OF_A_TRACE]!, 'invalid_trace_id')
    context.account.drop(became[NO_ROOM]!, 'trace_table_full')
    this.#release.run()
  }

  #refuseIfFull(batch: TraceBatch): void {
    if (this.#stopping) throw retryLater('shutdown', 'the sampler is stopping')
    const { max_pending_bytes } = this.#config
    let used = this.#heads.size_bytes + this.#outbox.size_bytes
    for (const shard of this.#shards) used += shard.items.occupied_bytes
    if (used > 0 && used + batch.size_bytes > max_pending_bytes) {
      throw retryLater('pending_full', `${used} bytes of spans wait (max_pending_bytes is ${max_pending_bytes})`)
    }
    if (!this.#shards.every((shard) => shard.hasRoom(batch.items)))
      throw retryLater('pending_full', 'the trace table is full of traces that wait')
  }

  /** Puts the span that the view shows where its trace is. */
  #add(head: Head, origin: Origin, now_ms: number): number {
    const view = this.#view
    if (view.traceId < 0 || !isTraceId(view.bytes, view.traceId)) return NOT_OF_A_TRACE
    const hash = hashTraceId(view.bytes, view.traceId)
    const number = shardOf(hash, this.#shards.length)
    const shard = this.#shards[number]!
    const row = shard.rowOf(view, hash)
    if (row < 0) return NO_ROOM
    const state = shard.stateOf(row)
    if (state === DROPPED) return SAMPLED_OUT
    if (state >= KEPT && !shard.hasSpans(row)) this.#outbox.add(number, row, 'late_span')
    origin.references++
    shard.add(row, view, head, this.#policies.featuresOf(view), now_ms)
    const traces_max = Math.min(shard.traces_max, Math.max(1, this.#config.num_traces / this.#shards.length))
    if (shard.traces > traces_max) this.#decide(number, shard.oldest(), 'pressure')
    return WAITS
  }

  /** Decides the traces whose first span came at that time of the monotonic clock or before. */
  #decideUpTo(time_ms: number): void {
    for (const [number, shard] of this.#shards.entries())
      for (let row = shard.oldest(time_ms); row >= 0; row = shard.oldest(time_ms)) this.#decide(number, row, 'decided')
    this.#votes.flush()
    this.#release.run()
  }

  #decide(number: number, row: number, decision: 'decided' | 'pressure'): void {
    const shard = this.#shards[number]!
    const policy = shard.decide(row, this.#policies, (at) => this.#labels.numberOf(this.#policies.list[at]!))
    this.#votes.add(policy < 0 ? undefined : this.#policies.list[policy]!.name)
    if (policy >= 0) this.#outbox.add(number, row, decision)
    else shard.discard(row, (owner, spans) => this.#origins.sampleOut(owner, spans))
  }
}
