/**
 * The memory for copies that branches hold: batches that one branch of a fan-out has taken, for another that has not.
 * Nothing is copied for it, yet as long as a branch holds a batch it is not freed.
 */
import type { WhenFull } from '../config/schema/blocks.ts'

export interface CopyLimits {
  readonly bytes_max: number
  readonly when_full: WhenFull
}

/** A branch, as far as the room knows it. */
export interface CopyHolder {
  /** Number of its oldest copy that may be dropped; undefined if there is none. */
  readonly oldest: number | undefined
  /** How long that one has waited, in milliseconds. */
  readonly oldestAge_ms: number
  dropOldest(): void
}

/** A destination that has not taken a copy for so long does not take any now. */
const PATIENCE_ms = 10_000

/** One for all branches of a daemon. */
export class CopyRoom {
  /** What branches hold. */
  size_bytes = 0
  /** What may have to be held of batches that are under way; with `refuse` only. */
  #promised_bytes = 0
  #copies = 0
  readonly #holders = new Set<CopyHolder>()
  readonly #limits: () => CopyLimits

  /** `limits` is asked at each use. */
  constructor(limits: () => CopyLimits) {
    this.#limits = limits
  }

  get bytes_max(): number {
    return this.#limits().bytes_max
  }

  /**
   * Before a batch is offered to branches that might hold so many bytes of it: false if senders are to be refused. What
   * is promised is given back by `settle`. A batch that is larger than all the room is let in while it is empty.
   */
  promise(bytes: number): boolean {
    const { bytes_max, when_full } = this.#limits()
    const used = this.size_bytes + this.#promised_bytes
    if (when_full === 'refuse' && used > 0 && used + bytes > bytes_max) return false
    this.#promised_bytes += bytes
    return true
  }

  settle(bytes: number): void {
    this.#promised_bytes -= bytes
  }

  /** Takes room for a copy, if need be by dropping the oldest of all: its number; undefined if it does not fit. */
  take(bytes: number, holder: CopyHolder): number | undefined {
    this.#makeRoom(bytes)
    if (this.size_bytes + bytes > this.bytes_max) return undefined
    this.size_bytes += bytes
    this.#holders.add(holder)
    return ++this.#copies
  }

  free(bytes: number): void {
    this.size_bytes -= bytes
  }

  /**
   * The process is short of memory: the oldest go until so many bytes are held less, but none that may soon be taken. With
   * `refuse` none does.
   */
  giveUp(bytes: number): void {
    if (this.#limits().when_full !== 'refuse') this.#shrink(this.size_bytes - bytes, PATIENCE_ms)
  }

  #makeRoom(bytes: number): void {
    const { bytes_max, when_full } = this.#limits()
    if (when_full !== 'refuse' && bytes <= bytes_max) this.#shrink(bytes_max - bytes)
  }

  #shrink(target_bytes: number, age_min_ms = 0): void {
    while (this.size_bytes > target_bytes) {
      const oldest = this.#oldestHolder()
      if (oldest === undefined || oldest.oldestAge_ms < age_min_ms) return
      oldest.dropOldest()
    }
  }

  #oldestHolder(): CopyHolder | undefined {
    let found: CopyHolder | undefined
    for (const holder of this.#holders) {
      if (holder.oldest === undefined) continue
      if (found?.oldest === undefined || holder.oldest < found.oldest) found = holder
    }
    return found
  }
}
