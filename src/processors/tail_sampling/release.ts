/**
 * Hands kept items on, one batch after the other; while the next consumer has no room they wait here, accounted as
 * pending. Books what becomes of them.
 */
import type { Batches, Consumer, Context, Host, Signal } from '../../component.ts'
import { Refusal } from '../../refusal.ts'
import { Throttle } from '../../self/log.ts'

/** How long to wait after a refusal that names no time. */
const RETRY_WAIT_MS = 1000

/** Items of one origin, ready to go. */
export interface Parcel {
  readonly batch: Batches[Signal]
  readonly context: Context
}

export class Release {
  readonly #next: Consumer<Signal>
  readonly #host: Host
  readonly #throttle: Throttle
  readonly #parcel: () => Parcel | undefined
  #running: Promise<void> | undefined
  /** The next consumer has a batch and has not answered. */
  #isAsking = false
  #stopped = false
  #wake: (() => void) | undefined

  constructor(next: Consumer<Signal>, host: Host, parcel: () => Parcel | undefined) {
    this.#next = next
    this.#host = host
    this.#throttle = new Throttle(host.clock)
    this.#parcel = parcel
  }

  /** There may be something to hand on. */
  run(): void {
    this.#running ??= this.#pump().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when everything has been handed on, or what was left when `deadline` aborted has been dropped. */
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
    for (let rest = this.#parcel(); rest !== undefined; rest = this.#parcel()) await this.#hand(rest)
  }

  async #drain(): Promise<void> {
    await this.#running
    this.run()
    await this.#running
  }

  async #pump(): Promise<void> {
    for (let parcel = this.#parcel(); parcel !== undefined; parcel = this.#parcel()) await this.#hand(parcel)
  }

  async #hand({ batch, context }: Parcel): Promise<void> {
    const { account } = context
    for (;;) {
      account.release(batch.count, 'pending')
      if (this.#stopped) return account.drop(batch.count, 'shutdown')
      try {
        this.#isAsking = true
        return await this.#next.consume(batch, context)
      } catch (error) {
        if (!(error instanceof Refusal && error.retryable)) return this.#giveUp(batch.count, context, error)
        account.hold(batch.count, 'pending')
        this.#isAsking = false
        await this.#wait(error.retryAfter_ms ?? RETRY_WAIT_MS)
      } finally {
        this.#isAsking = false
      }
    }
  }

  #giveUp(items: number, { account }: Context, error: unknown): void {
    const reason = error instanceof Refusal ? error.reason : 'error'
    account.drop(items, reason)
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
