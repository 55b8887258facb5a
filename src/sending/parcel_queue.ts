/** The queue in memory in front of a backend: bounded, with a number of consumers. */
import type { Batches, Context, Signal } from '../component.ts'
import type { SendingQueue } from '../config/schema/blocks.ts'
import { Refusal, retryLater } from '../refusal.ts'
import type { Clock, Timer } from '../self/clock.ts'
import { sizeBy } from '../telemetry/rewriting/split.ts'
import { heldBytes } from '../waiting/kept_queue.ts'
import { Batcher } from './batcher.ts'
import { AwaitedClaim, BookedClaim, type Claim } from './claim.ts'
import { type Parcel, parcelOf } from './parcel.ts'

/** A sender that waits for room. */
interface Waiter {
  readonly size: number
  readonly admit: () => void
  readonly refuse: (refusal: Refusal) => void
}

export interface QueueOptions<S extends Signal> {
  readonly signal: S
  readonly settings: SendingQueue
  readonly clock: Clock
  /** Settles the parcel in the end, or puts it back, and never rejects. */
  deliver(parcel: Parcel<S>): Promise<void>
  /** The queue did not take so many items. */
  onRefused(items: number): void
  /** Most that it may hold, in the unit of the sizer. Asked at each use. */
  capacity(): number
}

/**
 * Bounded by `queue_size`, towards which a batch counts, queued or under way, until its fate is known: so long it takes memory.
 * The way of a batch: `offer` takes room for it (`#admit`, or `#room` where the sender waits), then it goes to the batcher or
 * to the ready parcels, and up to `num_consumers` at a time deliver those.
 */
export class ParcelQueue<S extends Signal> {
  readonly #options: QueueOptions<S>
  readonly #batcher: Batcher<S> | undefined
  readonly #ready = new Fifo<Parcel<S>>()
  readonly #waiters = new Set<Waiter>()
  /** Parcels that are tried again later, with what ends their waits. */
  readonly #aside = new Map<Parcel<S>, Timer>()
  /** Since when (monotonic) each queued call has been here, oldest first. */
  readonly #since = new Set<{ readonly at_ms: number }>()
  #size = 0
  #size_bytes = 0
  #consumers = 0
  #closed = false

  constructor(options: QueueOptions<S>) {
    this.#options = options
    const { signal, settings, clock } = options
    if (settings.batch) this.#batcher = new Batcher(signal, settings.batch, clock, (parcel) => this.#push(parcel))
  }

  /** In the unit of the sizer. */
  get size(): number {
    return this.#size
  }

  /** Memory of what is queued or under way. */
  get size_bytes(): number {
    return this.#size_bytes
  }

  /** How long the oldest has been here, in milliseconds; 0: nothing is. */
  get oldestAge_ms(): number {
    const [oldest] = this.#since
    return oldest === undefined ? 0 : this.#options.clock.monotonic_ms() - oldest.at_ms
  }

  /** True: nothing is queued or under way. */
  get isEmpty(): boolean {
    // The size rises when a batch is admitted, a moment before it is queued.
    return this.#since.size === 0 && this.#size === 0
  }

  /** Resolves when the batch is queued or, with `wait_for_result`, when its fate is known; rejects with a Refusal. */
  async offer(batch: Batches[S], context: Context): Promise<void> {
    const size = sizeBy(batch, this.#options.settings.sizer)
    try {
      await this.#admit(size, context.deadline_ms)
    } catch (error) {
      this.#options.onRefused(batch.count)
      throw error
    }
    await this.#accept(batch, context, size)
  }

  /** Is a parcel ready that no consumer has? */
  get hasReady(): boolean {
    return this.#ready.size > 0
  }

  /** The parcel is offered to the consumers again, behind the others, after so many milliseconds. */
  putBack(parcel: Parcel<S>, wait_ms: number): void {
    if (this.#closed || wait_ms <= 0) return this.#push(parcel)
    const again = () => {
      this.#aside.delete(parcel)
      this.#push(parcel)
    }
    this.#aside.set(parcel, this.#options.clock.after(wait_ms, again))
  }

  /** Refuses senders that wait for room; batches that are not full, and parcels that are to be tried later, go to the consumers now. */
  close(): void {
    this.#closed = true
    for (const [parcel, timer] of [...this.#aside]) {
      timer.cancel()
      this.#aside.delete(parcel)
      this.#push(parcel)
    }
    for (const waiter of [...this.#waiters]) waiter.refuse(closing())
    this.#batcher?.flush()
  }

  /** Takes room for `size`, at once or, if the sender may wait, when there is some. */
  #admit(size: number, deadline_ms: number | undefined): Promise<void> | undefined {
    const { settings } = this.#options
    const capacity = this.#options.capacity()
    if (size > capacity) throw neverFits(size, capacity, settings.sizer)
    if (this.#closed) throw closing()
    if (!this.#fits(size) || this.#waiters.size > 0) {
      if (!settings.block_on_overflow) throw queueFull()
      return this.#room(size, deadline_ms)
    }
    this.#size += size
    return undefined
  }

  #accept(batch: Batches[S], context: Context, size: number): Promise<void> | undefined {
    const since = { at_ms: this.#options.clock.monotonic_ms() }
    this.#since.add(since)
    const bytes = heldBytes({ batch, context })
    this.#size_bytes += bytes
    const onEnd = () => {
      this.#since.delete(since)
      this.#size_bytes -= bytes
      this.#free(size)
    }
    if (this.#options.settings.wait_for_result) {
      const claim = new AwaitedClaim(context.account, batch.items, onEnd)
      this.#enqueue(batch, context, claim)
      return claim.result
    }
    this.#enqueue(batch, context, new BookedClaim(context.account, batch.items, batch.count, onEnd))
    return undefined
  }

  #enqueue(batch: Batches[S], context: Context, claim: Claim): void {
    // Once queued, nobody waits any more: the sender's deadline does not bind the repeats.
    const own = this.#options.settings.wait_for_result ? context : { ...context, deadline_ms: undefined }
    const parcel = parcelOf(batch, own, claim)
    if (this.#batcher) this.#batcher.add(parcel)
    else this.#push(parcel)
    // A waiter may be admitted in the turn in which the queue was closed.
    if (this.#closed) this.#batcher?.flush()
  }

  #push(parcel: Parcel<S>): void {
    this.#ready.push(parcel)
    if (this.#consumers < this.#options.settings.num_consumers) void this.#consume()
  }

  async #consume(): Promise<void> {
    this.#consumers++
    for (let parcel = this.#ready.shift(); parcel !== undefined; parcel = this.#ready.shift()) {
      await this.#options.deliver(parcel)
    }
    this.#consumers--
  }

  #fits(size: number): boolean {
    return this.#size + size <= this.#options.capacity()
  }

  #free(size: number): void {
    this.#size -= size
    for (const waiter of this.#waiters) {
      if (!this.#fits(waiter.size)) return
      this.#size += waiter.size
      waiter.admit()
    }
  }

  /** Waits, behind those who wait already, until there is room, which is then taken. */
  #room(size: number, deadline_ms: number | undefined): Promise<void> {
    const { clock } = this.#options
    return new Promise((resolve, reject) => {
      let timer: Timer | undefined
      const leave = () => {
        timer?.cancel()
        this.#waiters.delete(waiter)
      }
      const refuse = (refusal: Refusal) => {
        leave()
        reject(refusal)
      }
      const admit = () => {
        leave()
        resolve()
      }
      const waiter: Waiter = { size, admit, refuse }
      this.#waiters.add(waiter)
      if (deadline_ms !== undefined)
        timer = clock.after(Math.max(0, deadline_ms - clock.monotonic_ms()), () => refuse(queueFull()))
    })
  }
}

/** First in, first out, without moving what waits. */
class Fifo<T> {
  #items: (T | undefined)[] = []
  #head = 0

  get size(): number {
    return this.#items.length - this.#head
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    const item = this.#items[this.#head]
    if (item === undefined) return undefined
    this.#items[this.#head++] = undefined
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return item
  }
}

const RETRY_AFTER_MS = 1000

/** The wait varies, so that all senders do not come back at once. */
function queueFull(): Refusal {
  return retryLater('queue_full', 'the sending queue is full', Math.round(RETRY_AFTER_MS * (1 + Math.random())))
}

function closing(): Refusal {
  return retryLater('shutdown', 'the exporter is shutting down')
}

function neverFits(size: number, capacity: number, sizer: SendingQueue['sizer']): Refusal {
  const message = `the request has ${size} ${sizer}, sending_queue.queue_size is ${capacity}: raise it or send smaller requests`
  return new Refusal('too_large', message, { retryable: false })
}
