/** Hands full batches on, one after the other; while the next consumer has no room they wait. */
import type { Consumer, Host } from '../../component.ts'
import { Refusal } from '../../refusal.ts'
import { Throttle } from '../../self/log.ts'
import type { Outbox, Parcel } from './outbox.ts'

/** How long to wait after a refusal that names no time. */
const RETRY_WAIT_MS = 1000

export class HandOver {
  /** Records given up, and why. */
  onDropped: (records: number, reason: string) => void = () => {}
  readonly #next: Consumer<'logs'> | undefined
  readonly #host: Host
  readonly #outbox: Outbox
  readonly #throttle: Throttle
  #running: Promise<void> | undefined
  #stopped = false
  #wake: (() => void) | undefined

  constructor(next: Consumer<'logs'> | undefined, host: Host, outbox: Outbox) {
    this.#next = next
    this.#host = host
    this.#outbox = outbox
    this.#throttle = new Throttle(host.clock)
  }

  /** There may be something to hand on. */
  run(): void {
    if (!this.#outbox.isFull) return
    this.#running ??= this.#pump().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when everything has been handed on, or `deadline` aborts; what is left then is given up. */
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
    this.#stopped = true
  }

  async #drain(): Promise<void> {
    await this.#running
    this.run()
    await this.#running
  }

  async #pump(): Promise<void> {
    for (let parcel = this.#outbox.first(); parcel !== undefined && !this.#stopped; parcel = this.#outbox.first()) {
      const wait_ms = await this.#ask(parcel)
      if (wait_ms === undefined) this.#outbox.remove()
      else if (!this.#stopped) await this.#wait(wait_ms)
    }
  }

  /** How long to wait before the batch is offered again; undefined if that is not to be. */
  async #ask({ batch, context }: Parcel): Promise<number | undefined> {
    try {
      await this.#next?.consume(batch, context)
    } catch (error) {
      if (error instanceof Refusal && error.retryable) return error.retryAfter_ms ?? RETRY_WAIT_MS
      this.#giveUp(batch.count, error)
    }
    return undefined
  }

  #giveUp(records: number, error: unknown): void {
    const reason = error instanceof Refusal ? error.reason : 'error'
    this.onDropped(records, reason)
    this.#throttle.log(reason, (repeats) => {
      if (error instanceof Refusal) this.#host.log.error({ reason, records, repeats }, 'log records were dropped')
      else this.#host.log.error({ err: error, records, repeats }, 'a bug: log records were dropped')
    })
  }

  #wait(wait_ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#host.clock.after(wait_ms, resolve)
      this.#wake = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}
