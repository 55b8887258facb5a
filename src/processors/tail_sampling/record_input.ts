/** The sampler in a pipeline of logs. */
import type { Consumer, Context, Host, Processor, Signal } from '../../component.ts'
import type { LogBatch } from '../../telemetry/batch.ts'
import type { Head } from '../../telemetry/heads.ts'
import { SCOPE } from '../../telemetry/layout.ts'
import { Rewrite } from '../../telemetry/rewriting/rewrite.ts'
import { hashTraceId, shardOf } from '../../traces/trace_id.ts'
import type { TailSamplingConfig } from './config.ts'
import type { Exit } from './kept/exit.ts'
import type { ItemOrigin } from './kept/item_origins.ts'
import { SampledRecord } from './sampled_record.ts'
import type { Sampler } from './sampler.ts'
import { DROPPED, DROPPED_EARLY, KEPT, LOGS_DROPPED, LOGS_KEPT, LOGS_WAIT, UNKNOWN } from './undecided/pending.ts'

/** What became of a record. */
const STAYS = 0
const SAMPLED_OUT = 1
const NO_ROOM = 2

export class RecordInput implements Processor<'logs'> {
  readonly #sampler: Sampler
  readonly #host: Host
  readonly #exit: Exit
  readonly #next: Consumer<'logs'>
  readonly #view = new SampledRecord()
  readonly #rewrite = new Rewrite<'logs'>()
  #config: TailSamplingConfig
  #words = new Int32Array(1)

  constructor(sampler: Sampler, config: TailSamplingConfig, host: Host, next: Consumer<'logs'>) {
    this.#sampler = sampler
    this.#config = config
    this.#host = host
    this.#next = next
    this.#exit = sampler.newExit('logs', next as unknown as Consumer<Signal>, host)
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

  /** Records without a trace, and summaries, are handed on first: if that is refused, none of the others stays. */
  async consume(batch: LogBatch, context: Context): Promise<void> {
    this.#sampler.refuseIfLeaving(this.#exit)
    const waits = this.#waits(batch)
    if (waits.length === 0) return this.#next.consume(batch, context)
    this.#sampler.room.makeRoom(batch)
    if (waits.length < batch.count) await this.#next.consume(this.#without(batch, waits), context)
    if (this.#exit.isLeaving) return context.account.drop(waits.length, 'shutdown')
    this.#keep(batch, waits, context)
  }

  /** Positions of the records that follow a trace. */
  #waits(batch: LogBatch): readonly number[] {
    const waits: number[] = []
    for (let item = 0; item < batch.items; item++) {
      this.#view.read(batch, item)
      if (this.#view.traceId >= 0 && !this.#view.isSummary) waits.push(item)
    }
    this.#view.forget()
    return waits
  }

  #without(batch: LogBatch, items: readonly number[]): LogBatch {
    this.#rewrite.begin(batch)
    for (const item of items) this.#rewrite.dropItem(item)
    return this.#rewrite.finish()
  }

  #keep(batch: LogBatch, items: readonly number[], context: Context): void {
    const sampler = this.#sampler
    const { words } = sampler.policies.features
    if (this.#words.length !== words) this.#words = new Int32Array(words)
    const origin = sampler.origins.obtain(context, this.#exit)
    const became = [0, 0, 0]
    const now_ms = this.#host.clock.monotonic_ms()
    const { scopes } = batch.layout
    let position = 0
    for (let at = 0; at < scopes.length; at += SCOPE.width) {
      const behind = scopes[at + SCOPE.firstItem]! + scopes[at + SCOPE.itemCount]!
      if (position === items.length || items[position]! >= behind) continue
      const head = sampler.heads.obtain(batch, at / SCOPE.width, origin.id)
      head.references++
      for (; position < items.length && items[position]! < behind; position++) {
        this.#view.read(batch, items[position]!)
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
    account.drop(became[NO_ROOM]!, 'trace_table_full')
    sampler.run()
  }

  /** Puts the record that the view shows where its trace is. */
  #add(head: Head, origin: ItemOrigin, now_ms: number): number {
    const sampler = this.#sampler
    const { bytes, traceId, start, end, score } = this.#view
    const hash = hashTraceId(bytes, traceId)
    const number = shardOf(hash, sampler.shards.length)
    const shard = sampler.shards[number]!
    const row = shard.rowOf(bytes, traceId, hash)
    if (row < 0) return NO_ROOM
    const state = shard.stateOf(row)
    if (state === LOGS_DROPPED || state === LOGS_KEPT) sampler.votes.lone++
    if (state === DROPPED || state === DROPPED_EARLY || state === LOGS_DROPPED) return SAMPLED_OUT
    if (state === UNKNOWN) shard.begin(row, sampler.ticket(), now_ms, true)
    else if (state === LOGS_KEPT && !shard.hasItems(row)) sampler.outbox.add(number, row, 'lone')
    else if (state >= KEPT && !shard.hasItems(row)) sampler.outbox.add(number, row, 'late')
    origin.references++
    shard.keep(row, bytes, start, end, head)
    if (state <= LOGS_WAIT && !Number.isNaN(score)) {
      this.#words.fill(0)
      sampler.policies.features.addScore(score, this.#words)
      shard.addFeatures(row, this.#words)
    }
    if (state === UNKNOWN) sampler.room.relieve(number)
    return STAYS
  }
}
