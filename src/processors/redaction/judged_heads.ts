import type { RedactionTally } from './redaction_tally.ts'

/** What became of a head: the same, or other bytes; and why. */
export interface JudgedHead {
  /** Undefined: it stays as it is. */
  readonly bytes: Buffer | undefined
  readonly tally: RedactionTally | undefined
}

const SLOTS = 64
const LENGTH_MAX = 16_384

interface Slot extends JudgedHead {
  readonly level: string
  readonly source: Buffer
}

/** Resources and scopes that were judged before: senders send the same few again and again. */
export class JudgedHeads {
  readonly #slots: (Slot | undefined)[] = new Array(SLOTS)

  find(level: string, bytes: Buffer, start: number, end: number): JudgedHead | undefined {
    const slot = this.#slots[slotOf(bytes, start, end)]
    if (slot === undefined || slot.source.length !== end - start || slot.level !== level) return undefined
    return slot.source.compare(bytes, start, end) === 0 ? slot : undefined
  }

  put(level: string, bytes: Buffer, start: number, end: number, head: JudgedHead): void {
    if (end - start > LENGTH_MAX) return
    this.#slots[slotOf(bytes, start, end)] = { level, source: Buffer.from(bytes.subarray(start, end)), ...head }
  }
}

/** Of some sixty bytes of a long one. */
function slotOf(bytes: Buffer, start: number, end: number): number {
  let hash = end - start
  const stride = 1 + ((end - start) >> 6)
  for (let at = start; at < end; at += stride) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return (hash ^ (hash >>> 15)) & (SLOTS - 1)
}
