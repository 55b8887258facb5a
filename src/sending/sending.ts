/**
 * Everything between a pipeline and a backend: sending = queue(retry(timeout(send))). An exporter gives a `Sender` for
 * each signal and uses `inputs`, `start` and `shutdown` as its own.
 */
import type { Batches, Component, Consumer, Context, Host, Ports, Signal } from '../component.ts'
import { Refusal, retryLater } from '../refusal.ts'
import { memoryOf } from '../self/memory/process_memory.ts'
import { isJudged, judged, POLICY_CHANGED } from '../waiting/judged.ts'
import { attempt } from './attempt.ts'
import { AwaitedClaim, type Fate } from './claim.ts'
import type { SendingSettings } from './config.ts'
import { ExporterCounts } from './exporter_counts.ts'
import { Health } from './health.ts'
import { cutParcel, type Parcel, parcelOf, settle } from './parcel.ts'
import { ParcelQueue } from './parcel_queue.ts'
import { type Others, type RetryResult, retry, Tries } from './retry.ts'
import type { Sender, SendResult } from './sender.ts'
import { onAbort, Stop } from './stop.ts'

export interface SendingOptions {
  readonly host: Host
  readonly settings: SendingSettings
  readonly signals: readonly Signal[]
  /** Asked once for each signal that a pipeline uses. */
  sender<S extends Signal>(signal: S): Sender<S>
  /** Uniform in [0, 1), for the waits. Default Math.random. */
  readonly random?: () => number
}

/** The sending side of an exporter: one queue for each signal that is asked for. */
export class Sending implements Component {
  /** Reading a signal's port opens its queue. */
  readonly inputs: Ports = {}
  readonly #options: SendingOptions
  readonly #health: Health
  readonly #lines = new Map<Signal, Line<Signal>>()

  constructor(options: SendingOptions) {
    this.#options = options
    this.#health = new Health(options.host)
    for (const signal of options.signals) {
      Object.defineProperty(this.inputs, signal, { enumerable: true, get: () => this.#line(signal) })
    }
  }

  async start(): Promise<void> {
    for (const line of this.#lines.values()) line.start()
  }

  /** Takes nothing more, sends what is queued with one last attempt each, and drops at the deadline what is left. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    await Promise.all([...this.#lines.values()].map((line) => line.shutdown(deadline)))
  }

  #line(signal: Signal): Line<Signal> {
    const line = this.#lines.get(signal) ?? new Line(signal, this.#options, this.#health)
    this.#lines.set(signal, line)
    return line
  }
}

/** Size of the queue where the config does not say it, in requests or items. */
const QUEUE_SIZE = 1000
/** The same for a queue that is measured in bytes: a share of the memory limit. */
const QUEUE_SHARE = 1 / 16

/** One signal's way to the backend: `consume` → queue → `#deliver`, which tries, tries again, and settles the parcel. */
class Line<S extends Signal> implements Consumer<S>, Others {
  readonly #signal: S
  readonly #options: SendingOptions
  readonly #health: Health
  readonly #counts: ExporterCounts
  readonly #sender: Sender<S>
  readonly #queue: ParcelQueue<S> | undefined
  readonly #stop = new Stop()
  /** Without a queue: calls of `consume` that have no answer yet. */
  #direct = 0
  #attempts = 0
  #successes = 0
  /** The process's memory is no longer told how much the queue holds. */
  #release: (() => void) | undefined
  #idle = Promise.withResolvers<void>()

  constructor(signal: S, options: SendingOptions, health: Health) {
    this.#signal = signal
    this.#options = options
    this.#health = health
    this.#counts = new ExporterCounts(options.host, signal)
    this.#sender = options.sender(signal)
    const settings = options.settings.sending_queue
    if (!settings.enabled) return
    const { clock } = options.host
    this.#queue = new ParcelQueue({
      signal,
      settings,
      clock,
      deliver: (parcel) => this.#deliver(parcel),
      onRefused: (items) => this.#counts.enqueueFailed(items),
      capacity: () => this.#capacity(),
    })
  }

  get successes(): number {
    return this.#successes
  }

  get hasOthers(): boolean {
    return this.#queue?.hasReady === true
  }

  start(): void {
    const queue = this.#queue
    this.#counts.start()
    this.#counts.gauge('otelcol_exporter_in_flight_requests', 'Requests under way.', () => this.#attempts)
    if (queue === undefined) return
    const { sizer } = this.#options.settings.sending_queue
    const { host } = this.#options
    this.#release = memoryOf(host).hold(`exporter/${host.id}`, () => queue.size_bytes)
    this.#counts.gauge('otelcol_exporter_queue_size', `What the sending queue holds, in ${sizer}.`, () => queue.size)
    this.#counts.gauge('otelcol_exporter_queue_capacity', `What the sending queue can hold, in ${sizer}.`, () =>
      this.#capacity(),
    )
    const help = 'How long the oldest batch has been in the sending queue.'
    this.#counts.gauge('sluice_exporter_queue_oldest_age_seconds', help, () => queue.oldestAge_ms / 1000)
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    if (this.#stop.waits.aborted) throw retryLater('shutdown', 'the exporter is shutting down')
    // There is nothing in it to account for, and OTLP asks senders not to make empty envelopes.
    if (batch.items === 0) return
    if (this.#queue) return this.#queue.offer(batch, context)
    this.#direct++
    const claim = new AwaitedClaim(context.account, batch.items, () => this.#direct--)
    void this.#deliver(parcelOf(batch, context, claim))
    return claim.result
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#queue?.close()
    this.#stop.begin()
    const release = onAbort(deadline, () => this.#stop.end())
    this.#checkIdle()
    await this.#idle.promise
    release()
    this.#release?.()
  }

  #capacity(): number {
    const { queue_size, sizer } = this.#options.settings.sending_queue
    if (queue_size !== undefined) return queue_size
    return sizer === 'bytes' ? Math.floor(memoryOf(this.#options.host).limit_bytes * QUEUE_SHARE) : QUEUE_SIZE
  }

  #checkIdle(): void {
    if (this.#stop.waits.aborted && this.#direct === 0 && this.#queue?.isEmpty !== false) this.#idle.resolve()
  }

  /** Sends a parcel, in halves if it is too large, and settles it or puts it back. */
  async #deliver(parcel: Parcel<S>): Promise<void> {
    const result = await this.#try(parcel)
    switch (result.outcome) {
      case 'sent':
        return this.#sent(parcel, Math.min(Math.max(0, result.rejected ?? 0), parcel.batch.count))
      case 'retryable':
        return this.#failed(parcel, result.because, true, result)
      case 'permanent':
        return this.#failed(parcel, result.reason, false, result)
      case 'aside':
        return this.#queue!.putBack(parcel, result.wait_ms)
      case 'too_large':
        if (parcel.batch.items === 1) return this.#failed(parcel, 'too_large', false, result)
        for (const half of cutParcel(parcel, [parcel.batch.items >> 1])) await this.#deliver(half)
    }
  }

  #try(parcel: Parcel<S>): Promise<RetryResult> {
    const { host, settings, random = Math.random } = this.#options
    parcel.tries ??= new Tries(settings.retry_on_failure, random)
    return retry(() => this.#attempt(parcel), parcel.tries, {
      settings: settings.retry_on_failure,
      clock: host.clock,
      stop: this.#stop,
      deadline_ms: parcel.context.deadline_ms,
      canBeCut: parcel.batch.items > 1,
      others: this.#queue === undefined || settings.sending_queue.wait_for_result ? undefined : this,
      onRetry: (failure) => {
        this.#counts.retried()
        this.#health.failed(this.#signal, failure.message)
      },
    })
  }

  async #attempt(parcel: Parcel<S>): Promise<SendResult> {
    const refusal = await this.#judgeAgain(parcel)
    if (refusal !== undefined) return refusal
    this.#attempts++
    const result = await attempt((signal) => this.#sender.send(parcel.batch, parcel.context, signal), {
      timeout_ms: this.#options.settings.timeout,
      clock: this.#options.host.clock,
      stop: this.#stop,
      onBug: (error) => this.#health.bug(error),
    })
    this.#attempts--
    return result
  }

  /** What waited while the redaction changed passes it again before it is sent. */
  async #judgeAgain(parcel: Parcel<S>): Promise<SendResult | undefined> {
    if (isJudged(parcel.context)) return undefined
    try {
      Object.assign(parcel, await judged(parcel.batch, parcel.context))
      return undefined
    } catch (error) {
      if (!(error instanceof Refusal)) this.#health.bug(error)
      return {
        outcome: 'permanent',
        reason: POLICY_CHANGED,
        message: 'the redaction has changed and cannot judge this',
      }
    }
  }

  #sent(parcel: Parcel<S>, rejected: number): void {
    this.#successes++
    this.#counts.sent(parcel.batch.count - rejected)
    this.#health.succeeded(this.#signal)
    if (rejected > 0) {
      this.#counts.failed(rejected, 'rejected_by_backend')
      this.#health.rejected(this.#signal, rejected)
    }
    this.#settle(parcel, { kind: 'delivered', rejected })
  }

  #failed(
    parcel: Parcel<S>,
    reason: string,
    retryable: boolean,
    result: { message: string; retryAfter_ms?: number | undefined },
  ): void {
    const { message, retryAfter_ms } = result
    this.#counts.failed(parcel.batch.count, reason)
    this.#health.failed(this.#signal, `${reason}: ${message}`, parcel.batch.count)
    this.#settle(parcel, { kind: 'failed', reason, retryable, message, retryAfter_ms })
  }

  #settle(parcel: Parcel<S>, fate: Fate): void {
    settle(parcel, fate)
    this.#checkIdle()
  }
}
