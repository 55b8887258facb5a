/** The largest first allocation on the word of a header; more is allocated only when more has arrived. */
const FIRST_BYTES = 1 << 20
const GROWTH = 4

/**
 * Collects the chunks of one body into one Buffer. A body of one chunk is not copied; a longer one is copied once,
 * into a Buffer of the announced size where that is at most 1 MiB or has been borne out by what came.
 */
export class Incoming {
  size_bytes = 0
  readonly #expected_bytes: number
  #first: Buffer | undefined
  #bytes: Buffer | undefined

  /** `expected_bytes`: what the sender announced; 0 if unknown. */
  constructor(expected_bytes: number) {
    this.#expected_bytes = expected_bytes
  }

  add(chunk: Buffer): void {
    const start = this.size_bytes
    this.size_bytes += chunk.length
    if (start === 0) {
      this.#first = chunk
      return
    }
    const bytes = this.#reserve(start)
    chunk.copy(bytes, start)
  }

  /** The body. Call once, when everything has been added: nothing is kept here. */
  take(): Buffer {
    const bytes = this.#bytes?.subarray(0, this.size_bytes) ?? this.#first ?? EMPTY
    this.#bytes = this.#first = undefined
    return compact(bytes)
  }

  #reserve(used: number): Buffer {
    const old = this.#bytes
    if (old !== undefined && old.length >= this.size_bytes) return old
    const bytes = Buffer.allocUnsafe(this.#next_bytes(old?.length ?? 0))
    const from = old ?? this.#first!
    from.copy(bytes, 0, 0, used)
    this.#first = undefined
    this.#bytes = bytes
    return bytes
  }

  #next_bytes(capacity: number): number {
    const grown = Math.max(this.size_bytes, capacity * GROWTH, Math.min(FIRST_BYTES, this.#expected_bytes), 65_536)
    return this.#expected_bytes >= this.size_bytes ? Math.min(grown, this.#expected_bytes) : grown
  }
}

export const EMPTY: Buffer = Buffer.alloc(0)

/** A copy where the bytes are less than half of the memory that they would keep alive. */
export function compact(bytes: Buffer): Buffer {
  return bytes.length * 2 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes
}
