/**
 * Bytes of items that wait, in large chunks: an item costs 20 bytes beside its own, and no object. The items of a trace
 * form a list from the newest back. A chunk is given back when its last item is released; items that come together are
 * decided together, so chunks empty in the order in which they were filled.
 */
const CHUNK_BYTES = 1 << 20
/** Larger items have a chunk of their own, so that at most so much of a shared one stays unused. */
const SHARED_BYTES_MAX = CHUNK_BYTES / 4
/** Header: previous item's chunk and offset, tag word, length, mark word. */
const HEADER = 20
const SPARE_CHUNKS = 16
/** Addresses are chunk number times this plus offset: above any chunk's size (a request is at most some 100 MiB). */
const CHUNK_SPAN = 2 ** 31

/** Stands for no item. */
export const NO_ITEM = -1

const NOTHING = Buffer.alloc(0)

interface Chunk {
  readonly bytes: Buffer
  /** Behind the last item; the whole length once another chunk is filled. */
  end: number
  /** Items that are still needed. */
  live: number
  readonly lane: number
}

export class ItemStore {
  /** Bytes of all chunks, spare ones included: what the store takes from the process. */
  reserved_bytes = 0
  /** Bytes that new items cannot have. A bound is put on these: chunks that are kept to be filled again do not count. */
  occupied_bytes = 0
  /** Items that wait. */
  items = 0
  readonly #chunks: (Chunk | undefined)[] = []
  readonly #free: number[] = []
  readonly #spare: Buffer[] = []
  /** The chunk that is being filled, by lane. */
  readonly #current = [-1, -1]
  /** Of the item that `read` found. */
  bytes: Buffer = NOTHING
  start = 0
  end = 0
  tag = 0
  mark = 0
  previous = NO_ITEM

  /**
   * Copies [start, end) in and returns the item's address. `tag` and `mark` are 32 bits each of the caller's. `lane` 1 is
   * for items that stay longer: they share no chunk with the others, so that those can go.
   */
  add(source: Buffer, start: number, end: number, tag: number, previous: number, lane = 0, mark = 0): number {
    const size = HEADER + end - start
    const number = this.#room(size, lane)
    const chunk = this.#chunks[number]!
    const at = chunk.end
    const { bytes } = chunk
    writeLink(bytes, at, previous)
    bytes.writeInt32LE(tag, at + 8)
    bytes.writeInt32LE(end - start, at + 12)
    bytes.writeInt32LE(mark, at + 16)
    source.copy(bytes, at + HEADER, start, end)
    chunk.end += size
    chunk.live++
    this.occupied_bytes += size
    this.items++
    return number * CHUNK_SPAN + at
  }

  /** Another item is the previous one from now on. */
  relink(address: number, previous: number): void {
    writeLink(this.#chunks[Math.floor(address / CHUNK_SPAN)]!.bytes, address % CHUNK_SPAN, previous)
  }

  /** In which lane the item is. */
  laneOf(address: number): number {
    return this.#chunks[Math.floor(address / CHUNK_SPAN)]!.lane
  }

  /** Sets `bytes`, `start`, `end`, `tag`, `mark` and `previous` to those of the item. */
  read(address: number): void {
    const { bytes } = this.#chunks[Math.floor(address / CHUNK_SPAN)]!
    const at = address % CHUNK_SPAN
    const previous = bytes.readInt32LE(at)
    this.bytes = bytes
    this.previous = previous < 0 ? NO_ITEM : previous * CHUNK_SPAN + bytes.readInt32LE(at + 4)
    this.tag = bytes.readInt32LE(at + 8)
    this.mark = bytes.readInt32LE(at + 16)
    this.start = at + HEADER
    this.end = this.start + bytes.readInt32LE(at + 12)
  }

  /** The item is not needed any more. */
  release(address: number): void {
    const number = Math.floor(address / CHUNK_SPAN)
    const chunk = this.#chunks[number]!
    this.items--
    if (--chunk.live > 0) return
    this.occupied_bytes -= chunk.end
    chunk.end = 0
    if (number === this.#current[chunk.lane]) return
    this.#chunks[number] = undefined
    this.#free.push(number)
    if (this.bytes === chunk.bytes) this.bytes = NOTHING
    if (chunk.bytes.length === CHUNK_BYTES && this.#spare.length < SPARE_CHUNKS) this.#spare.push(chunk.bytes)
    else this.reserved_bytes -= chunk.bytes.length
  }

  /** Gives the spare chunks back to the process, and tells how many bytes they had. */
  trim(): number {
    const bytes = this.#spare.length * CHUNK_BYTES
    this.#spare.length = 0
    this.reserved_bytes -= bytes
    return bytes
  }

  /** Number of a chunk with room for so many bytes. */
  #room(size: number, lane: number): number {
    if (size > SHARED_BYTES_MAX) return this.#newChunk(size, lane)
    const number = this.#current[lane]!
    const current = this.#chunks[number]
    if (current !== undefined) {
      if (current.end + size <= CHUNK_BYTES) return number
      this.occupied_bytes += CHUNK_BYTES - current.end
      current.end = CHUNK_BYTES
    }
    return (this.#current[lane] = this.#newChunk(CHUNK_BYTES, lane))
  }

  #newChunk(length: number, lane: number): number {
    const number = this.#free.pop() ?? this.#chunks.length
    const bytes = (length === CHUNK_BYTES ? this.#spare.pop() : undefined) ?? this.#reserve(length)
    this.#chunks[number] = { bytes, end: 0, live: 0, lane }
    return number
  }

  #reserve(length: number): Buffer {
    this.reserved_bytes += length
    return Buffer.allocUnsafeSlow(length)
  }
}

function writeLink(bytes: Buffer, at: number, address: number): void {
  bytes.writeInt32LE(address === NO_ITEM ? -1 : Math.floor(address / CHUNK_SPAN), at)
  bytes.writeInt32LE(address === NO_ITEM ? 0 : address % CHUNK_SPAN, at + 4)
}
