import type { Connector, Consumer, Context, Host, Ports, Signal } from '../../component.ts'
import { isNormalised } from '../../gen_ai/normalised.ts'
import { findScopeName } from '../../gen_ai/wire.ts'
import type { Output } from '../../otlp/output.ts'
import { retryLater } from '../../refusal.ts'
import type { Timer } from '../../self/clock.ts'
import { memoryOf } from '../../self/memory/process_memory.ts'
import type { Report } from '../../steps/report.ts'
import { Subscription } from '../../steps/subscription.ts'
import { PIECES_PER_CALL } from '../../steps/traces_of_calls.ts'
import type { LogBatch, TraceBatch } from '../../telemetry/batch.ts'
import { fieldEnd, fieldStart } from '../../telemetry/find_field.ts'
import { HandOver, type KeptBatch } from '../../waiting/hand_over.ts'
import { Overflow } from '../../waiting/overflow.ts'
import type { GenAiLogsConfig } from './config.ts'
import { ContentMarks } from './content_marks.ts'
import { HeldCalls } from './held_calls.ts'
import { RecordCounters } from './record_counters.ts'
import { RecordOutbox } from './record_outbox.ts'
import { ContentRecord } from './records/content_record.ts'

/** How often it is looked which traces have settled, and what is ready is handed on. */
const TICK_MS = 500
/** How long senders had better wait while nobody takes the records. */
const RETRY_WAIT_MS = 1000
/** Where the config does not say: this share of the memory limit, and no more than this. */
const BYTES_SHARE = 1 / 16
const BYTES_MAX = 128 << 20
/** Beyond so many times too many bytes of waiting calls, room is made at once. */
const OVER_MAX = 1.25
/** What cannot change in place. */
const FIXED = ['calls_max', 'duplicates_window'] as const

export class GenAiLogs implements Connector {
  readonly inputs = {
    traces: { consume: async (batch: TraceBatch, context: Context) => this.#consume(batch, context) },
    logs: { consume: async (batch: LogBatch, context: Context) => this.#consume(batch, context) },
  }
  readonly #host: Host
  #config: GenAiLogsConfig
  readonly #marks = new ContentMarks()
  readonly #content = new ContentRecord(this.#marks)
  readonly #outbox = new RecordOutbox()
  readonly #held: HeldCalls
  readonly #handOver: HandOver<KeptBatch<'logs'>> | undefined
  readonly #overflow: Overflow
  readonly #steps: Subscription
  readonly #counters: RecordCounters
  #timer: Timer | undefined
  /** Ends the reading of what is held. */
  #release: (() => void) | undefined
  #stopped = false
  /** Records that nobody took before the time to stop had passed. */
  #left = 0
  /** Marks of the scope that was looked at last. */
  #scope = { row: -1, marks: 0 }

  constructor(config: GenAiLogsConfig, host: Host, next: Ports) {
    this.#config = config
    this.#host = host
    this.#steps = new Subscription(host, config)
    this.#held = new HeldCalls(this.#steps, this.#outbox, host.clock, {
      content: (out, report) => this.#writeContent(out, report),
      kept: () => this.#makeRoom(),
    })
    this.#counters = new RecordCounters(host, this.#held, this.#outbox)
    this.#overflow = new Overflow(host.log)
    this.#handOver = next.logs && this.#handOverTo(next.logs)
  }

  async start(): Promise<void> {
    this.#steps.join(this.#held)
    this.#counters.show()
    const memory = memoryOf(this.#host)
    const held = () => this.#held.reserved_bytes + this.#outbox.size_bytes
    const ends = [
      memory.hold(`connector/${this.#host.id}`, held),
      memory.onShort({ held_bytes: held, relieve: () => this.#held.trim() }),
    ]
    this.#release = () => {
      for (const end of ends) end()
    }
    this.#timer = this.#host.clock.every(TICK_MS, () => this.#tick())
  }

  /** Only what state is made for needs a new instance. */
  async update(config: unknown): Promise<boolean> {
    const next = config as GenAiLogsConfig
    if (FIXED.some((key) => next[key] !== this.#config[key])) return false
    this.#config = next
    return true
  }

  /** The records of everything that waits are made and handed on. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    this.#timer?.cancel()
    this.#steps.close()
    this.#outbox.closeAll()
    this.#counters.update()
    await this.#handOver?.finish(deadline)
    this.#release?.()
    // What the next consumer was offered and has not answered to.
    const unanswered = this.#outbox.records
    if (unanswered > 0) this.#counters.drop(unanswered, 'shutdown')
    const records = this.#left + unanswered
    if (records > 0) this.#host.log.error({ records }, 'log records were left when the time to stop had passed')
  }

  #handOverTo(next: Consumer<'logs'>): HandOver<KeptBatch<'logs'>> {
    return new HandOver(next as unknown as Consumer<Signal>, this.#host, {
      next: () => this.#outbox.next(),
      refused: (kept) => this.#outbox.putBack(kept),
      taken: (kept) => {
        this.#outbox.gone(kept)
        if (this.#outbox.records === 0) this.#overflow.over(`connector/${this.#host.id} → logs`)
      },
      lost: (kept, reason) => {
        this.#outbox.gone(kept)
        this.#counters.drop(kept.batch.count, reason)
        if (reason === 'shutdown') this.#left += kept.batch.count
      },
    })
  }

  #tick(): void {
    this.#steps.tick(this.#config)
    this.#outbox.closeAll()
    this.#dropOldest()
    this.#counters.update()
    this.#handOver?.run()
  }

  #consume(batch: TraceBatch | LogBatch, context: Context): void {
    this.#dropOldest()
    this.#refuseIfFull(batch)
    this.#scope.row = -1
    const duplicates = this.#steps.take(batch, context)
    this.#held.forgetBatch()
    this.#counters.update()
    this.#handOver?.run()
    context.account.duplicate(duplicates)
    context.account.deliver(batch.count - duplicates)
  }

  /** Asked before anything of the batch is kept: a refused one leaves no trace, and is no duplicate when it comes again. */
  #refuseIfFull(batch: TraceBatch | LogBatch): void {
    if (this.#stopped) throw retryLater('shutdown', 'the connector has stopped')
    if (this.#outbox.size_bytes < this.#half_bytes) return
    for (let item = 0; item < batch.items; item++)
      if (isNormalised(batch, item))
        throw retryLater('queue_full', 'log records wait for the next consumer up to bytes_max', RETRY_WAIT_MS)
  }

  /** A log record holds its content itself, and goes its own way. */
  #writeContent(out: Output, report: Report): boolean {
    const { batch, view } = report
    if (!this.#config.content || view.isRecord) return false
    const { content_size_bytes_max } = this.#config
    if (!this.#content.write(out, view, report.call, this.#scopeMarks(batch, view.scope), content_size_bytes_max))
      return false
    if (this.#content.cut_bytes > 0) this.#counters.cut(this.#content.cut_bytes)
    return true
  }

  #scopeMarks(batch: TraceBatch | LogBatch, scope: number): number {
    if (scope !== this.#scope.row) {
      const { bytes } = batch
      const name = findScopeName(batch, scope)
      const marks = name < 0 ? 0 : this.#marks.ofScope(bytes, fieldStart(bytes, name), fieldEnd(bytes, name))
      this.#scope = { row: scope, marks }
    }
    return this.#scope.marks
  }

  /** Calls that wait for longest make room for those that come. */
  #makeRoom(): void {
    const most_bytes = this.#half_bytes
    for (let pieces = 0; this.#held.size_bytes > most_bytes; pieces++) {
      // Large traces are settled while calls come, not all at once.
      if (pieces >= PIECES_PER_CALL && this.#held.size_bytes <= most_bytes * OVER_MAX) return
      if (!this.#steps.settleSome()) return
      this.#dropOldest()
    }
  }

  /** Records that wait for a consumer which does not take them make room for those that come. */
  #dropOldest(): void {
    if (this.#config.when_full === 'refuse' || this.#handOver?.isHeldUp !== true) return
    const most_bytes = this.#half_bytes
    while (this.#outbox.size_bytes > most_bytes) {
      const records = this.#outbox.dropOldest()
      if (records === 0) return
      this.#counters.drop(records, 'queue_full')
      this.#overflow.dropped(records, `connector/${this.#host.id} → logs`, most_bytes)
    }
  }

  get #half_bytes(): number {
    return (this.#config.bytes_max ?? Math.min(BYTES_MAX, memoryOf(this.#host).limit_bytes * BYTES_SHARE)) / 2
  }
}
