/** Makes batches of the wanted size out of what is queued (`sending_queue.batch`). */
import type { Context, Signal } from '../component.ts'
import type { SendingQueue } from '../config/schema/blocks.ts'
import type { Clock, Timer } from '../self/clock.ts'
import { cutsFor, sizeBy } from '../telemetry/rewriting/split.ts'
import { cutParcel, mergeParcels, type Parcel } from './parcel.ts'

export type BatchSettings = NonNullable<SendingQueue['batch']>

/** Parcels of equal metadata, tenant and policy that wait for more. */
interface Group<S extends Signal> {
  parcels: Parcel<S>[]
  size: number
  timer: Timer
}

export class Batcher<S extends Signal> {
  readonly #signal: S
  readonly #settings: BatchSettings
  readonly #clock: Clock
  readonly #emit: (parcel: Parcel<S>) => void
  readonly #groups = new Map<string, Group<S>>()

  constructor(signal: S, settings: BatchSettings, clock: Clock, emit: (parcel: Parcel<S>) => void) {
    this.#signal = signal
    this.#settings = settings
    this.#clock = clock
    this.#emit = emit
  }

  /** Takes a parcel; emits, now or after the flush time, every batch that is ready. */
  add(parcel: Parcel<S>): void {
    const key = keyOf(parcel.context)
    const group = this.#groups.get(key) ?? this.#open(key)
    group.parcels.push(parcel)
    group.size += sizeBy(parcel.batch, this.#settings.sizer)
    if (group.size < this.#settings.min_size) return
    const rest = this.#flush(key, group)
    if (rest !== undefined) this.add(rest)
  }

  /** Emits everything that waits. */
  flush(): void {
    for (const [key, group] of [...this.#groups]) this.#flushAll(key, group)
  }

  #open(key: string): Group<S> {
    const timer = this.#clock.after(this.#settings.flush_timeout, () => this.#flushAll(key, group))
    const group: Group<S> = { parcels: [], size: 0, timer }
    this.#groups.set(key, group)
    return group
  }

  #flushAll(key: string, group: Group<S>): void {
    const rest = this.#flush(key, group)
    if (rest !== undefined) this.#emit(rest)
  }

  /** Emits all pieces but the last if that is below the minimum: it is returned. */
  #flush(key: string, group: Group<S>): Parcel<S> | undefined {
    group.timer.cancel()
    this.#groups.delete(key)
    const { max_size, min_size, sizer } = this.#settings
    const parcel = mergeParcels(this.#signal, group.parcels)
    const pieces = max_size === 0 ? [parcel] : cutParcel(parcel, cutsFor(parcel.batch, max_size, sizer))
    const rest = pieces.length > 1 && sizeBy(pieces.at(-1)!.batch, sizer) < min_size ? pieces.pop() : undefined
    for (const piece of pieces) this.#emit(piece)
    return rest
  }
}

function keyOf(context: Context): string {
  return JSON.stringify([
    context.tenant ?? null,
    context.policy?.id ?? null,
    ...[...context.metadata].sort(([a], [b]) => (a < b ? -1 : 1)),
  ])
}
