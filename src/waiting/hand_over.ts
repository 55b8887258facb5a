/** Hands batches that a component has kept on to the next consumer, one after the other; while that has no room, they wait. */
import type { Batches, Consumer, Context, Host, Signal } from '../component.ts'
import { Refusal } from '../refusal.ts'
import { Throttle } from '../self/log.ts'

/** How long to wait after a refusal that names no time, and the longest wait after one that does; at a stop, the former. */
const RETRY_WAIT_MS = 1000
const RETRY_WAIT_MAX_MS = 30_000
/** A consumer that has not answered for so long is taken for one that does not take. */
const ANSWER_MS = 1000
/** At a stop nothing is handed on any more when nothing was taken for so long: others need the time that is left. */
const PATIENCE_MS = 5000

/** In place of a batch: there is more, after others have had their turn on the event loop. */
export const LATER = Symbol('later')

/** A batch that is ready to go. */
export interface KeptBatch<S extends Signal = Signal> {
  readonly batch: Batches[S]
  readonly context: Context
}

/**
 * Whose batches they are. `next` gives a batch out, which is then in flight; exactly one of the others follows. While
 * none is given out, any may be taken away.
 */
export interface KeptBatches<K extends KeptBatch = KeptBatch> {
  /** The next batch, to be offered; undefined if there is none. After LATER it is asked again. */
  next(): K | typeof LATER | undefined
  /** It was refused for now: it waits again, before all others. */
  refused(kept: K): void
  taken(kept: K): void
  /** It is given up: refused for good, or nobody took it before the end of a stop (`shutdown`). */
  lost(kept: K, reason: string): void
}

export class HandOver<K extends KeptBatch = KeptBatch> {
  readonly #next: Consumer<Signal>
  readonly #host: Pick<Host, 'clock' | 'log'>
  readonly #throttle: Throttle
  readonly #kept: KeptBatches<K>
  #running: Promise<void> | undefined
  /** Since when the next consumer has a batch without an answer; monotonic. */
  #askedAt_ms: number | undefined
  #wasRefused = false
  /** When a batch was taken last or, if later, a stop began. */
  #takenAt_ms = 0
  #isFinishing = false
  #stop: (() => void) | undefined
  #stopped = false
  #wake: (() => void) | undefined
  #endTurn: (() => void) | undefined

  constructor(next: Consumer<Signal>, host: Pick<Host, 'clock' | 'log'>, kept: KeptBatches<K>) {
    this.#next = next
    this.#host = host
    this.#throttle = new Throttle(host.clock)
    this.#kept = kept
  }

  /** True: the next consumer has refused and not taken anything since, or it does not answer. */
  get isHeldUp(): boolean {
    if (this.#askedAt_ms === undefined) return this.#wasRefused
    return this.#wasRefused || this.#host.clock.monotonic_ms() - this.#askedAt_ms > ANSWER_MS
  }

  /** There may be something to hand on; `isUrgent`: at once, without another turn for others. */
  run(isUrgent = false): void {
    if (isUrgent) this.#endTurn?.()
    this.#running ??= this.#pump().finally(() => {
      this.#running = undefined
    })
  }

  /**
   * Resolves when everything has been handed on or, if nothing is taken for a while or `deadline` aborts, what was left
   * is lost.
   */
  async finish(deadline: AbortSignal): Promise<void> {
    const { promise: stopped, resolve } = Promise.withResolvers<void>()
    this.#stop = (): void => {
      this.#stopped = true
      this.#wake?.()
      resolve()
    }
    this.#isFinishing = true
    this.#takenAt_ms = this.#host.clock.monotonic_ms()
    const stop = this.#stop
    this.#wake?.()
    if (deadline.aborted) stop()
    deadline.addEventListener('abort', stop, { once: true })
    await Promise.race([this.#drain(), stopped])
    deadline.removeEventListener('abort', stop)
    if (this.#askedAt_ms === undefined) return this.#drain()
    for (let rest = this.#kept.next(); rest !== undefined; rest = this.#kept.next())
      if (rest !== LATER) await this.#hand(rest)
  }

  async #drain(): Promise<void> {
    await this.#running
    this.run()
    await this.#running
  }

  async #pump(): Promise<void> {
    for (let kept = this.#kept.next(); kept !== undefined; kept = this.#kept.next()) {
      if (kept === LATER) await this.#turnOfOthers()
      else await this.#handAndWait(kept)
    }
  }

  #turnOfOthers(): Promise<void> {
    return new Promise((resolve) => {
      this.#endTurn = resolve
      setImmediate(resolve)
    })
  }

  async #handAndWait(kept: K): Promise<void> {
    const wait_ms = await this.#hand(kept)
    if (wait_ms > 0) await this.#wait(Math.min(wait_ms, this.#isFinishing ? RETRY_WAIT_MS : RETRY_WAIT_MAX_MS))
  }

  /** Offers a batch. How long to wait before the next, in milliseconds. */
  async #hand(kept: K): Promise<number> {
    if (this.#stopped) {
      this.#kept.lost(kept, 'shutdown')
      return 0
    }
    this.#askedAt_ms = this.#host.clock.monotonic_ms()
    try {
      await this.#next.consume(kept.batch, kept.context)
      this.#answered(true)
      this.#kept.taken(kept)
      return 0
    } catch (error) {
      if (!(error instanceof Refusal && error.retryable)) return this.#giveUp(kept, error)
      this.#answered(false)
      this.#kept.refused(kept)
      return error.retryAfter_ms ?? RETRY_WAIT_MS
    }
  }

  #answered(isTaken: boolean): void {
    const now_ms = this.#host.clock.monotonic_ms()
    this.#askedAt_ms = undefined
    this.#wasRefused = !isTaken
    if (isTaken) this.#takenAt_ms = now_ms
    else if (this.#isFinishing && now_ms - this.#takenAt_ms >= PATIENCE_MS) this.#stop?.()
  }

  #giveUp(kept: K, error: unknown): number {
    const reason = error instanceof Refusal ? error.reason : 'error'
    const items = kept.batch.count
    this.#answered(true)
    this.#kept.lost(kept, reason)
    this.#throttle.log(reason, (repeats) => {
      if (error instanceof Refusal) this.#host.log.error({ reason, items, repeats }, 'what was kept is dropped')
      else this.#host.log.error({ err: error, items, repeats }, 'a bug: what was kept is dropped')
    })
    return 0
  }

  #wait(wait_ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopped) return resolve()
      const timer = this.#host.clock.after(wait_ms, resolve)
      this.#wake = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}
