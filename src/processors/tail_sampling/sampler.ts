import type { Consumer, Context, Host, Processor } from '../../component.ts'
import { retryLater } from '../../refusal.ts'
import type { Timer } from '../../self/clock.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { Heads } from '../../telemetry/heads.ts'
import { SCOPE } from '../../telemetry/layout.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { sharedTables } from '../../traces/tables.ts'
import { hashTraceId, shardOf } from '../../traces/trace_id.ts'
import type { TailSamplingConfig } from './config.ts'
import { Labels } from './labels.ts'
import { Origins } from './origins.ts'
import { Outbox } from './outbox.ts'
import { DROPPED, KEPT, PENDING, Pending } from './pending.ts'
import { Policies } from './policies.ts'
import { Release } from './release.ts'
import { Votes } from './votes.ts'

/** How often it is looked whether traces are due. */
const TICK_MS = 250

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
    this.#release = new Release(next, host.clock, () => this.#outbox.next())
    this.#votes = new Votes(host.meter)
  }

  async start(): Promise<void> {
    const { meter } = this.#host
    const sum = (read: (shard: Pending) => number) => () =>
      this.#shards.reduce((total, shard) => total + read(shard), 0)
    meter.gauge(
      'otelcol_processor_tail_sampling_sampling_traces_on_memory',
      'Traces that wait for their decision.',
      {},
      sum((shard) => shard.traces),
    )
    meter.gauge(
      'sluice_tail_sampling_pending_bytes',
      'Memory for spans that wait, in bytes.',
      {},
      sum((shard) => shard.items.reserved_bytes),
    )
    this.#timer = this.#host.clock.every(TICK_MS, () =>
      this.#decideDue(this.#host.clock.monotonic_ms() - this.#wait_ms()),
    )
  }

  async update(config: unknown): Promise<boolean> {
    // Traces under way have features in the numbering of the old policies: those decide them, now.
    this.#decideDue(Number.POSITIVE_INFINITY)
    this.#config = config as TailSamplingConfig
    this.#policies = new Policies(this.#config.policies)
    this.#view.wantsAttributes = this.#policies.readsAttributes
    return true
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#stopping = true
    this.#timer?.cancel()
    this.#decideDue(Number.POSITIVE_INFINITY)
    await this.#release.finish(deadline)
  }

  async consume(batch: TraceBatch, context: Context): Promise<void> {
    if (this.#stopping) throw retryLater('shutdown', 'the sampler is stopping')
    const reserved = this.#shards.reduce((total, shard) => total + shard.items.reserved_bytes, 0)
    if (reserved + batch.size_bytes > this.#config.max_pending_bytes) {
      throw retryLater(
        'pending_full',
        `spans that wait for their decision fill max_pending_bytes (${this.#config.max_pending_bytes})`,
      )
    }
    const origin = this.#origins.numberOf(context)
    const { scopes } = batch.layout
    let pending = 0
    let sampledOut = 0
    let unplaced = 0
    for (let scope = 0; scope < scopes.length / SCOPE.width; scope++) {
      const head = this.#heads.obtain(batch, scope)
      head.references++
      const first = scopes[scope * SCOPE.width + SCOPE.firstItem]!
      for (let item = first; item < first + scopes[scope * SCOPE.width + SCOPE.itemCount]!; item++) {
        this.#view.read(batch, item)
        const state = this.#add(batch, head, origin)
        if (state === DROPPED) sampledOut++
        else if (state === NO_ROOM) unplaced++
        else if (state >= PENDING) pending++
      }
      this.#heads.release(head)
    }
    context.account.hold(pending, 'pending')
    context.account.sampleOut(sampledOut)
    context.account.drop(unplaced, 'trace_table_full')
    context.account.drop(batch.count - pending - sampledOut - unplaced, 'invalid_trace_id')
    this.#release.run()
  }

  /** Puts the span where its trace is. Returns the trace's state, NOT_A_TRACE or NO_ROOM. */
  #add(batch: TraceBatch, head: ReturnType<Heads['obtain']>, origin: number): number {
    const view = this.#view
    if (view.traceId < 0) return NOT_A_TRACE
    const hash = hashTraceId(view.bytes, view.traceId)
    const number = shardOf(hash, this.#shards.length)
    const shard = this.#shards[number]!
    const row = shard.rowOf(view, hash)
    if (row < 0) return NO_ROOM
    const before = shard.stateOf(row)
    if (before === DROPPED) return DROPPED
    shard.add(row, view, batch, head, origin, this.#policies.featuresOf(view), this.#host.clock.monotonic_ms())
    if (before >= KEPT) this.#outbox.add(number, row, 'late_span')
    else if (shard.traces > this.#config.num_traces / this.#shards.length)
      this.#decide(number, shard.oldest(), 'pressure')
    return Math.max(before, PENDING)
  }

  #wait_ms(): number {
    return Math.max(1000, this.#config.decision_wait)
  }

  #decideDue(before_ms: number): void {
    for (const [number, shard] of this.#shards.entries()) {
      for (let row = shard.oldest(before_ms); row >= 0; row = shard.oldest(before_ms))
        this.#decide(number, row, 'decided')
    }
    this.#votes.flush()
    this.#release.run()
  }

  #decide(number: number, row: number, decision: 'decided' | 'pressure'): void {
    const shard = this.#shards[number]!
    const policy = shard.decide(row, this.#policies, (at) => this.#labels.numberOf(this.#policies.list[at]!))
    this.#votes.add(policy < 0 ? undefined : this.#policies.list[policy]!.name)
    if (policy >= 0) this.#outbox.add(number, row, decision)
    else shard.discard(row, (origin, spans) => this.#origins.sampleOut(origin, spans))
  }
}

/** In place of a state: the span has no valid trace id; the trace table is full of traces that wait. */
const NOT_A_TRACE = 0
const NO_ROOM = -1
