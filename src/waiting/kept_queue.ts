/** Batches that wait for the next consumer, oldest first; one of them may be on offer. */
import type { KeptBatch } from './hand_over.ts'

export class KeptQueue<K extends KeptBatch> {
  /** Of all, what is on offer included. */
  size_bytes = 0
  #kept: (K | undefined)[] = []
  /** Those before it are gone. */
  #head = 0

  /** How many wait, without what is on offer. */
  get waiting(): number {
    return this.#kept.length - this.#head
  }

  /** The one that waits for longest. */
  get oldest(): K | undefined {
    return this.#kept[this.#head]
  }

  add(kept: K): void {
    this.#kept.push(kept)
    this.size_bytes += heldBytes(kept)
  }

  /** Takes the oldest to offer it; it counts until it is `gone`. */
  offer(): K | undefined {
    const kept = this.oldest
    if (kept === undefined) return undefined
    this.#kept[this.#head++] = undefined
    // Moved now and then, so that taking one costs the same however many wait.
    if (this.#head * 2 > this.#kept.length) {
      this.#kept = this.#kept.slice(this.#head)
      this.#head = 0
    }
    return kept
  }

  /** What was on offer was not taken, and is the oldest again. */
  putBack(kept: K): void {
    if (this.#head === 0) this.#kept.unshift(kept)
    else this.#kept[--this.#head] = kept
  }

  /** What was on offer waits no longer. */
  gone(kept: K): void {
    this.size_bytes -= heldBytes(kept)
  }

  /** Takes the oldest that is not on offer out, to make room. */
  drop(): K | undefined {
    const kept = this.offer()
    if (kept !== undefined) this.gone(kept)
    return kept
  }
}

/** What a batch costs beside its bytes and index: objects and its context. */
const OBJECTS_BYTES = 1024

/** Memory that a batch which waits takes. */
export function heldBytes({ batch }: KeptBatch): number {
  const { resources, scopes, itemRows } = batch.layout
  return batch.size_bytes + resources.byteLength + scopes.byteLength + itemRows.byteLength + OBJECTS_BYTES
}
