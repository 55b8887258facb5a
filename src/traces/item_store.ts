/**
 * Bytes of items that wait, in large chunks: an item costs 16 bytes beside its own, and no object. The items of a trace
 * form a list from the newest back. A chunk is given back when its last item is released; items that come together are
 * decided together, so chunks empty in the order in which they were filled.
 */
const CHUNK_BYTES = 1 << 20
/** Header: previous item's chunk and offset, tag word, length. */
const HEADER = 16
const SPARE_CHUNKS = 16

/** Stands for no item. */
export const NO_ITEM = -1

interface Chunk {
  bytes: Buffer
  end: number
  live: number
}

export class ItemStore {
  /** Bytes of chunks in use or spare: what the store takes from the process. */
  reserved_bytes = 0
  /** Items that wait. */
  items = 0
  readonly #chunks: (Chunk | undefined)[] = []
  readonly #free: number[] = []
  readonly #spare: Buffer[] = []
  #current = -1
  /** Of the item that `read` found. */
  bytes: Buffer = Buffer.alloc(0)
  start = 0
  end = 0
  tag = 0
  previous = NO_ITEM

  /** Copies [start, end) in and returns the item's address. `tag` is 32 bits of the caller's. */
  add(source: Uint8Array, start: number, end: number, tag: number, previous: number): number {
    const length = end - start
    const chunk = this.#room(HEADER + length)
    const at = chunk.end
    const bytes = chunk.bytes
    bytes.writeInt32LE(previous < 0 ? -1 : Math.floor(previous / CHUNK_SPAN), at)
    bytes.writeInt32LE(previous < 0 ? 0 : previous % CHUNK_SPAN, at + 4)
    bytes.writeInt32LE(tag, at + 8)
    bytes.writeInt32LE(length, at + 12)
    if (source instanceof Buffer) source.copy(bytes, at + HEADER, start, end)
    else bytes.set(source.subarray(start, end), at + HEADER)
    chunk.end = at + HEADER + length
    chunk.live++
    this.items++
    return this.#current * CHUNK_SPAN + at
  }

  /** Sets `bytes`, `start`, `end`, `tag` and `previous` to those of the item. */
  read(address: number): void {
    const chunk = this.#chunks[Math.floor(address / CHUNK_SPAN)]!
    const at = address % CHUNK_SPAN
    const bytes = chunk.bytes
    const previous = bytes.readInt32LE(at)
    this.bytes = bytes
    this.previous = previous < 0 ? NO_ITEM : previous * CHUNK_SPAN + bytes.readInt32LE(at + 4)
    this.tag = bytes.readInt32LE(at + 8)
    this.start = at + HEADER
    this.end = this.start + bytes.readInt32LE(at + 12)
  }

  /** The item is not needed any more. */
  release(address: number): void {
    const number = Math.floor(address / CHUNK_SPAN)
    const chunk = this.#chunks[number]!
    this.items--
    if (--chunk.live > 0 || number === this.#current) return
    this.#chunks[number] = undefined
    this.#free.push(number)
    if (chunk.bytes.length === CHUNK_BYTES && this.#spare.length < SPARE_CHUNKS) this.#spare.push(chunk.bytes)
    else this.reserved_bytes -= chunk.bytes.length
  }

  #room(size: number): Chunk {
    const current = this.#chunks[this.#current]
    if (current !== undefined) {
      if (current.live === 0) current.end = 0
      if (current.end + size <= current.bytes.length) return current
    }
    const chunk: Chunk = { bytes: this.#newBytes(size), end: 0, live: 0 }
    if (current !== undefined && current.live === 0) this.#retire(this.#current)
    this.#current = this.#free.pop() ?? this.#chunks.length
    this.#chunks[this.#current] = chunk
    return chunk
  }

  #newBytes(size: number): Buffer {
    const spare = size <= CHUNK_BYTES ? this.#spare.pop() : undefined
    if (spare !== undefined) return spare
    const length = Math.max(CHUNK_BYTES, size)
    this.reserved_bytes += length
    return Buffer.allocUnsafeSlow(length)
  }

  #retire(number: number): void {
    this.reserved_bytes -= this.#chunks[number]!.bytes.length
    this.#chunks[number] = undefined
    this.#free.push(number)
  }
}

/** Addresses are chunk number times this plus offset: above any chunk's size (a request is at most some 100 MiB). */
const CHUNK_SPAN = 2 ** 31
