/** The sampler in a pipeline of traces. */
import type { Consumer, Context, Host, Processor, Signal } from '../../component.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import type { Head } from '../../telemetry/heads.ts'
import { SCOPE } from '../../telemetry/layout.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { hashTraceId, isTraceId, shardOf } from '../../traces/trace_id.ts'
import type { TailSamplingConfig } from './config.ts'
import type { Exit } from './kept/exit.ts'
import type { ItemOrigin } from './kept/item_origins.ts'
import type { Sampler } from './sampler.ts'
import { DROPPED, DROPPED_EARLY, KEPT, LOGS_KEPT, type Pending, WAITS } from './undecided/pending.ts'

/** What became of a span. */
const STAYS = 0
const SAMPLED_OUT = 1
const NOT_OF_A_TRACE = 2
const NO_ROOM = 3
const KNOWN = 4

/** Whether a span waits already. */
const NEW = 0
const HERE = 1
const ELSEWHERE = 2

export class SpanInput implements Processor<'traces'> {
  readonly #sampler: Sampler
  readonly #host: Host
  readonly #exit: Exit
  readonly #view = new SpanView()
  #config: TailSamplingConfig
  /** Features of the resource whose spans are read, and of the span. */
  #ofResource = new Int32Array(1)
  #words = new Int32Array(1)
  #trace_bytes_max = 0

  constructor(sampler: Sampler, config: TailSamplingConfig, host: Host, next: Consumer<'traces'>) {
    this.#sampler = sampler
    this.#config = config
    this.#host = host
    this.#exit = sampler.newExit('traces', next as unknown as Consumer<Signal>, host)
  }

  async start(): Promise<void> {
    this.#sampler.enter(this.#exit, this.#config)
  }

  async update(config: unknown): Promise<boolean> {
    this.#config = config as TailSamplingConfig
    this.#sampler.configure(this.#config)
    return true
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#sampler.leave(this.#exit, deadline)
  }

  async consume(batch: TraceBatch, context: Context): Promise<void> {
    const sampler = this.#sampler
    sampler.refuseIfLeaving(this.#exit)
    sampler.room.makeRoom(batch)
    this.#prepare()
    const origin = sampler.origins.obtain(context, this.#exit)
    const became = [0, 0, 0, 0, 0]
    const now_ms = this.#host.clock.monotonic_ms()
    const { scopes } = batch.layout
    let resource: Buffer | undefined
    for (let at = 0; at < scopes.length; at += SCOPE.width) {
      const first = scopes[at + SCOPE.firstItem]!
      const behind = first + scopes[at + SCOPE.itemCount]!
      if (first === behind) continue
      const head = sampler.heads.obtain(batch, at / SCOPE.width, origin.id)
      head.references++
      if (head.resource !== resource) {
        // Once, however many scopes it has.
        resource = head.resource
        this.#ofResource.fill(0)
        sampler.policies.features.addResource(resource, this.#ofResource)
      }
      for (let item = first; item < behind; item++) {
        this.#view.read(batch, item)
        became[this.#add(head, origin, now_ms)]!++
      }
      sampler.heads.release(head)
    }
    this.#view.forget()
    sampler.heads.forgetBatch()
    sampler.origins.release(origin, 1)
    const { account } = context
    account.hold(became[STAYS]!, 'pending')
    account.sampleOut(became[SAMPLED_OUT]!)
    account.duplicate(became[KNOWN]!)
    account.drop(became[NOT_OF_A_TRACE]!, 'invalid_trace_id')
    account.drop(became[NO_ROOM]!, 'trace_table_full')
    sampler.run()
  }

  /** The policies may be others than the last time. */
  #prepare(): void {
    const { features } = this.#sampler.policies
    this.#trace_bytes_max = this.#sampler.room.trace_bytes_max
    this.#view.wantsAttributes = features.readsAttributes
    if (this.#words.length === features.words) return
    this.#words = new Int32Array(features.words)
    this.#ofResource = new Int32Array(features.words)
  }

  /** Puts the span that the view shows where its trace is. */
  #add(head: Head, origin: ItemOrigin, now_ms: number): number {
    const view = this.#view
    const sampler = this.#sampler
    if (view.traceId < 0 || !isTraceId(view.bytes, view.traceId)) return NOT_OF_A_TRACE
    const hash = hashTraceId(view.bytes, view.traceId)
    const number = shardOf(hash, sampler.shards.length)
    const shard = sampler.shards[number]!
    const row = shard.rowOf(view.bytes, view.traceId, hash)
    if (row < 0) return NO_ROOM
    if (shard.stateOf(row) === DROPPED_EARLY) sampler.rescue(number, row, this.#features())
    const state = shard.stateOf(row)
    if (state === DROPPED || state === DROPPED_EARLY) {
      sampler.votes.lateDropped++
      return SAMPLED_OUT
    }
    const mark = shard.markOf(hash, view)
    const known = this.#known(shard, mark)
    if (known === HERE) return KNOWN
    if (state >= KEPT) {
      sampler.votes.lateKept++
      if (!shard.hasItems(row)) sampler.outbox.add(number, row, 'late')
    } else if (state !== WAITS) this.#begin(number, row, state, now_ms)
    origin.references++
    shard.keep(row, view.bytes, view.start, view.end, head, mark)
    if (state < KEPT && known === NEW) this.#note(number, row, now_ms)
    return STAYS
  }

  /** Is the span here already, byte for byte: from this pipeline, or from another in which the sampler stands? */
  #known(shard: Pending, mark: number): number {
    let known = NEW
    shard.forEachLike(mark, this.#view, ({ tag }) => {
      const { heads, origins } = this.#sampler
      if (origins.byId(heads.byId(tag).owner).exit === this.#exit) known = HERE
      else if (known === NEW) known = ELSEWHERE
    })
    return known
  }

  #begin(number: number, row: number, state: number, now_ms: number): void {
    const sampler = this.#sampler
    // Log records that were let through without it do not wait again.
    if (state === LOGS_KEPT) sampler.outbox.gather(number, row, 'lone')
    sampler.votes.newTraces++
    sampler.shards[number]!.begin(row, sampler.ticket(), now_ms, false)
  }

  /** Takes down what the span says of its trace, and decides what that asks for at once. */
  #note(number: number, row: number, now_ms: number): void {
    const sampler = this.#sampler
    const { maximum_trace_size_bytes, decision_wait_after_root_received } = sampler.config
    const shard = sampler.shards[number]!
    shard.addFeatures(row, this.#features())
    shard.note(row, this.#view)
    if (decision_wait_after_root_received > 0 && this.#view.parentId < 0)
      shard.roots.push(row, shard.ticketOf(row), now_ms)
    if (maximum_trace_size_bytes > 0 && shard.sizeOf(row) > maximum_trace_size_bytes) {
      sampler.votes.tooLarge++
      sampler.drop(number, row)
    } else if (shard.sizeOf(row) > this.#trace_bytes_max) sampler.room.decideEarly(number, row, 'trace_size')
    sampler.room.relieve(number)
  }

  /** What the span that the view shows, and its resource, are. */
  #features(): Int32Array {
    const words = this.#words
    for (let word = 0; word < words.length; word++) words[word] = this.#ofResource[word]!
    this.#sampler.policies.features.addSpan(this.#view, words)
    return words
  }
}
