/**
 * Hands kept spans on, one batch after the other; while the next consumer has no room they wait here, accounted as
 * pending. Books what becomes of them.
 */
import type { Consumer, Context } from '../../component.ts'
import { Refusal } from '../../refusal.ts'
import type { Clock } from '../../self/clock.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'

/** How long to wait after a refusal that names no time. */
const RETRY_WAIT_MS = 1000

/** Spans of one origin, ready to go. */
export interface Parcel {
  readonly batch: TraceBatch
  readonly context: Context
}

export class Release {
  readonly #next: Consumer<'traces'>
  readonly #clock: Clock
  readonly #parcel: () => Parcel | undefined
  #running: Promise<void> | undefined
  #stopped = false
  #wake: (() => void) | undefined

  constructor(next: Consumer<'traces'>, clock: Clock, parcel: () => Parcel | undefined) {
    this.#next = next
    this.#clock = clock
    this.#parcel = parcel
  }

  /** There may be something to hand on. */
  run(): void {
    this.#running ??= this.#pump().finally(() => {
      this.#running = undefined
    })
  }

  /** Resolves when everything has been handed on, or given up because `deadline` aborted. */
  async finish(deadline: AbortSignal): Promise<void> {
    const stop = (): void => {
      this.#stopped = true
      this.#wake?.()
    }
    deadline.addEventListener('abort', stop)
    if (deadline.aborted) stop()
    await this.#running
    this.run()
    await this.#running
    deadline.removeEventListener('abort', stop)
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
        return await this.#next.consume(batch, context)
      } catch (error) {
        if (!isRetryable(error)) return account.drop(batch.count, error instanceof Refusal ? error.reason : 'error')
        account.hold(batch.count, 'pending')
        await this.#wait((error as Refusal).retryAfter_ms ?? RETRY_WAIT_MS)
      }
    }
  }

  #wait(wait_ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopped) return resolve()
      const timer = this.#clock.after(wait_ms, resolve)
      this.#wake = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof Refusal && error.retryable
}
