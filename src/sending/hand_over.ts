/** Hands batches that a component has kept on to the next consumer, one after the other; while that has no room, they wait. */
import type { Batches, Consumer, Context, Host, Signal } from '../component.ts'
import { Refusal } from '../refusal.ts'
import { Throttle } from '../self/log.ts'

/** How long to wait after a refusal that names no time. */
const RETRY_WAIT_MS = 1000

/** A batch that is ready to go. */
export interface KeptBatch<S extends Signal = Signal> {
  readonly batch: Batches[S]
  readonly context: Context
}

/** Whose batches they are. Each that `next` gave is told of until it was taken or lost. */
export interface KeptBatches<S extends Signal = Signal> {
  /** The next batch; undefined if there is none. */
  next(): KeptBatch<S> | undefined
  /** It is about to be offered. */
  offer?(kept: KeptBatch<S>): void
  /** It was refused for now, and will be offered again. */
  refused?(kept: KeptBatch<S>): void
  taken?(kept: KeptBatch<S>): void
  /** It is given up: refused for good, or nobody took it before the deadline (`shutdown`). */
  lost(kept: KeptBatch<S>, reason: string): void
}

export class HandOver<S extends Signal = Signal> {
  readonly #next: Consumer<S>
  readonly #host: Host
  readonly #throttle: Throttle
  readonly #kept: KeptBatches<S>
  #running: Promise<void> | undefined
  /** The next consumer has a batch and has not answered. */
  #isAsking = false
  #stopped = false
  #wake: (() => void) | undefined

  constructor(next: Consumer<S>, host: Host, kept: KeptBatches<S>) {
    this.#next = next
    this.#host = host
    this.#throttle = new Throttle(host.clock)
    this.#kept = kept
  }

  /** There may be something to hand on. */
  run(): void {
    this.#running ??= this.#pump().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when everything has been handed on, or what was left when `deadline` aborted is lost. */
  async finish(deadline: AbortSignal): Promise<void> {
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    const stop = (): void => {
      this.#stopped = true
      this.#wake?.()
      resolve()
    }
    if (deadline.aborted) stop()
    deadline.addEventListener('abort', stop, { once: true })
    await Promise.race([this.#drain(), aborted])
    deadline.removeEventListener('abort', stop)
    if (!this.#isAsking) return this.#drain()
    for (let rest = this.#kept.next(); rest !== undefined; rest = this.#kept.next()) await this.#hand(rest)
  }

  async #drain(): Promise<void> {
    await this.#running
    this.run()
    await this.#running
  }

  async #pump(): Promise<void> {
    for (let kept = this.#kept.next(); kept !== undefined; kept = this.#kept.next()) await this.#hand(kept)
  }

  async #hand(kept: KeptBatch<S>): Promise<void> {
    for (;;) {
      this.#kept.offer?.(kept)
      if (this.#stopped) return this.#kept.lost(kept, 'shutdown')
      try {
        this.#isAsking = true
        await this.#next.consume(kept.batch, kept.context)
        return this.#kept.taken?.(kept)
      } catch (error) {
        if (!(error instanceof Refusal && error.retryable)) return this.#giveUp(kept, error)
        this.#kept.refused?.(kept)
        this.#isAsking = false
        await this.#wait(error.retryAfter_ms ?? RETRY_WAIT_MS)
      } finally {
        this.#isAsking = false
      }
    }
  }

  #giveUp(kept: KeptBatch<S>, error: unknown): void {
    const reason = error instanceof Refusal ? error.reason : 'error'
    const items = kept.batch.count
    this.#kept.lost(kept, reason)
    this.#throttle.log(reason, (repeats) => {
      if (error instanceof Refusal) this.#host.log.error({ reason, items, repeats }, 'what was kept is dropped')
      else this.#host.log.error({ err: error, items, repeats }, 'a bug: what was kept is dropped')
    })
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
