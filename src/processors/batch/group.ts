/** Items of one account, tenant and metadata on their way: waiting for company, then handed on one batch after the other. */
import type { Batches, Consumer, Context, Host, Signal } from '../../component.ts'
import { Refusal } from '../../refusal.ts'
import type { Timer } from '../../self/clock.ts'
import type { Throttle } from '../../self/log.ts'
import { join } from '../../telemetry/batch.ts'
import type { BatchCounts, Trigger } from './batch_counts.ts'
import type { BatchConfig } from './config.ts'
import { piecesOf } from './pieces.ts'

/** What the groups of one processor have in common. */
export interface GroupSurroundings<S extends Signal> {
  config: BatchConfig
  readonly signal: S
  readonly host: Host
  readonly next: Consumer<S>
  readonly counts: BatchCounts
  readonly throttle: Throttle
}

/** How long to wait after a refusal that names no time. */
const RETRY_WAIT_MS = 1000

export class Group<S extends Signal> {
  /** Items that wait here, those under way included. */
  count = 0
  readonly #around: GroupSurroundings<S>
  readonly #context: Context
  readonly #onEmpty: () => void
  #waiting: Batches[S][] = []
  #waitingCount = 0
  #outgoing: { readonly batch: Batches[S]; readonly trigger: Trigger }[] = []
  #timer: Timer | undefined
  /** What waits is to go whatever its size. */
  #isDue = false
  #running: Promise<void> | undefined
  #stopped = false
  #wake: (() => void) | undefined

  constructor(around: GroupSurroundings<S>, context: Context, onEmpty: () => void) {
    this.#around = around
    this.#context = context
    this.#onEmpty = onEmpty
  }

  /** Takes a batch, which the account holds as pending from now on. */
  add(batch: Batches[S]): void {
    this.#context.account.hold(batch.count, 'pending')
    this.#waiting.push(batch)
    this.#waitingCount += batch.count
    this.count += batch.count
    if (this.#around.config.timeout === 0) this.#isDue = true
    this.#run()
  }

  /** Hands everything on. Resolves when that is done; what is left when `deadline` aborts is dropped. */
  async finish(deadline: AbortSignal): Promise<void> {
    const stop = (): void => {
      this.#stopped = true
      this.#wake?.()
    }
    if (deadline.aborted) stop()
    deadline.addEventListener('abort', stop, { once: true })
    this.#isDue = true
    this.#run()
    await this.#running
    deadline.removeEventListener('abort', stop)
  }

  #run(): void {
    if (this.#running !== undefined) return
    if (!this.#gather()) return this.#startTimer()
    this.#running = this.#pump().finally(() => {
      this.#running = undefined
      if (this.#waiting.length === 0) this.#onEmpty()
      else this.#run()
    })
  }

  async #pump(): Promise<void> {
    do {
      for (let next = this.#outgoing.shift(); next !== undefined; next = this.#outgoing.shift()) {
        await this.#hand(next.batch, next.trigger)
        this.count -= next.batch.count
      }
    } while (this.#gather())
  }

  /** Makes batches of what waits, if it is time. While batches are under way the rest waits: it becomes one larger batch. */
  #gather(): boolean {
    const { send_batch_size, send_batch_max_size } = this.#around.config
    const isFull = this.#waitingCount >= send_batch_size
    if (this.#waiting.length === 0 || !(isFull || this.#isDue)) return false
    const pieces = piecesOf(join(this.#around.signal, this.#waiting), send_batch_max_size)
    const last = pieces.at(-1)!
    const stays = !this.#isDue && last.count < send_batch_size
    if (stays) pieces.pop()
    this.#waiting = stays ? [last] : []
    this.#waitingCount = stays ? last.count : 0
    const trigger = isFull ? 'size' : 'timeout'
    this.#outgoing = pieces.map((batch) => ({ batch, trigger }))
    this.#isDue = false
    this.#timer?.cancel()
    this.#timer = undefined
    if (stays) this.#startTimer()
    return true
  }

  #startTimer(): void {
    if (this.#waiting.length === 0) return
    this.#timer ??= this.#around.host.clock.after(this.#around.config.timeout, () => {
      this.#timer = undefined
      this.#isDue = true
      this.#run()
    })
  }

  /** Hands one batch on, again and again as long as it is refused for now. */
  async #hand(batch: Batches[S], trigger: Trigger): Promise<void> {
    const { account } = this.#context
    for (;;) {
      account.release(batch.count, 'pending')
      if (this.#stopped) return account.drop(batch.count, 'shutdown')
      try {
        await this.#around.next.consume(batch, this.#context)
        return this.#around.counts.sent(trigger, batch.count, batch.size_bytes)
      } catch (error) {
        if (!(error instanceof Refusal && error.retryable)) return this.#giveUp(batch.count, error)
        account.hold(batch.count, 'pending')
        await this.#wait(error.retryAfter_ms ?? RETRY_WAIT_MS)
      }
    }
  }

  #giveUp(items: number, error: unknown): void {
    const reason = error instanceof Refusal ? error.reason : 'error'
    this.#context.account.drop(items, reason)
    const { host, throttle } = this.#around
    throttle.log(reason, (repeats) => {
      if (error instanceof Refusal) host.log.error({ reason, items, repeats }, 'a batch was dropped')
      else host.log.error({ err: error, items, repeats }, 'a bug: a batch was dropped')
    })
  }

  #wait(wait_ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopped) return resolve()
      const timer = this.#around.host.clock.after(wait_ms, resolve)
      this.#wake = () => {
        timer.cancel()
        resolve()
      }
    })
  }
}
