/**
 * An append-only log in a directory of segment files. One writer; what is appended while the disk is busy is committed
 * together. Damage on the disk costs the records that it hit, is counted and reported, and never keeps it from opening.
 */
import { type FileHandle, mkdir, open, truncate, unlink } from 'node:fs/promises'
import type { Clock, Timer } from '../self/clock.ts'
import { SteadyTime } from '../self/steady_time.ts'
import { lockDirectory } from './lock.ts'
import { type Address, addressOf, findSegments, offsetOf, type Segment, segmentOf } from './segment.ts'
import { type Found, readRecord, scanSegment } from './segment_scan.ts'
import { DISK, type Disk, SegmentWriter } from './segment_writer.ts'
import { WaitingAppends } from './waiting_appends.ts'

export type { Address } from './segment.ts'
export { segmentOf } from './segment.ts'

export interface JournalOptions {
  /** Made with mode 0700 if it is missing. One process at a time (`lock.ts`). */
  readonly directory: string
  readonly clock: Clock
  /** A new segment is begun before one grows beyond this. Default 64 MiB; at most 2 GiB. */
  readonly segment_bytes_max?: number
  readonly retention?: Retention
  /** False: an append resolves when the system has the bytes; a crash of the machine may lose them. Default true. */
  readonly sync?: boolean
  /** Commits are this far apart while fewer bytes wait than fill one. Default 2 ms. */
  readonly commit_interval_ms?: number
  /** A segment is gone because of the retention. */
  readonly onDelete?: (segment: number) => void
  readonly onDamage?: (damage: Damage) => void
  /** Something failed that nobody waits for: deleting an old segment. */
  readonly onError?: (error: unknown) => void
  /** For tests of full and failing disks. */
  readonly disk?: Disk
}

/** Whole segments are deleted, oldest first. Default: nothing is. */
export interface Retention {
  /** All segments together never have more. */
  readonly bytes_max?: number
  /**
   * Counted from the newest record of a segment, in time during which the journal was open. Time before that counts when
   * the clock that tells it has gone evenly for an hour (`SteadyTime`).
   */
  readonly age_max_ms?: number
}

/** Bytes that hold no intact record. */
export interface Damage {
  readonly segment: number
  readonly offset: number
  readonly size_bytes: number
  /** True: at the end of the newest segment, as a crash leaves it; it was cut off. */
  readonly torn: boolean
}

export interface JournalRecord {
  readonly address: Address
  readonly kind: number
  /** Unix milliseconds at which it was appended, as far as the journal believes the clock (`SteadyTime`). */
  readonly time_ms: number
  /** May be part of a larger buffer: who keeps it for long copies it. */
  readonly payload: Buffer
}

const MIB = 1 << 20
/** Most bytes of one commit, unless one record has more. */
const COMMIT_BYTES_MAX = 4 * MIB
/** A journal with an age limit has segments of at most this part of it. */
const AGE_PARTS = 24
const RETAIN_EVERY_MS = 60_000

export class Journal {
  /** Stretches of damage met so far, each once. */
  damaged = 0
  /** Bytes of all segments. */
  size_bytes = 0
  readonly #options: JournalOptions
  readonly #disk: Disk
  readonly #segment_bytes_max: number
  readonly #waiting = new WaitingAppends()
  /** Damage that has been counted, by address. */
  readonly #known = new Set<Address>()
  #retention: Retention
  readonly #time: SteadyTime
  #segments: Segment[] = []
  #writer: SegmentWriter | undefined
  #unlock: (() => Promise<void>) | undefined
  #timer: Timer | undefined
  #work: Promise<void> | undefined
  #retentionDue = false
  #forgotten: Address = 0
  #closed = true
  #lastAppend_ms = 0
  #lastCommit_ms = Number.NEGATIVE_INFINITY

  constructor(options: JournalOptions) {
    this.#options = options
    this.#disk = options.disk ?? DISK
    this.#segment_bytes_max = Math.min(options.segment_bytes_max ?? 64 * MIB, 2048 * MIB)
    this.#retention = options.retention ?? {}
    this.#time = new SteadyTime(options.clock)
  }

  /** Rejects if the directory cannot be used, or is in use (code ELOCKED). Never because of what is in it. */
  async open(): Promise<void> {
    const { directory, clock } = this.#options
    try {
      await mkdir(directory, { recursive: true, mode: 0o700 })
      this.#unlock = await lockDirectory(directory)
      this.#segments = await findSegments(directory)
    } catch (error) {
      await this.#unlock?.()
      const code = (error as NodeJS.ErrnoException).code ?? 'error'
      if (code === 'ELOCKED') throw error
      throw Object.assign(new Error(`cannot use the directory ${directory} for a journal: ${code}`), { code })
    }
    const last = this.#segments.at(-1)
    if (last !== undefined) await this.#recover(last)
    this.#time.begin(last && this.#lastAppend_ms)
    this.size_bytes = this.#segments.reduce((sum, segment) => sum + segment.size_bytes, 0)
    this.#closed = false
    this.#timer = clock.every(RETAIN_EVERY_MS, () => this.#retainSoon())
    this.#retainSoon()
  }

  /** How many files. */
  get segments(): number {
    return this.#segments.length
  }

  /** Address of the oldest record that may still be there. */
  get start(): Address {
    return addressOf(this.#segments[0]?.number ?? 0, 0)
  }

  /** What is appended from now on has this address or a higher one. */
  get end(): Address {
    const last = this.#segments.at(-1)
    return last === undefined ? 0 : addressOf(last.number, last.size_bytes)
  }

  /** Bytes and age from now on. */
  retain(retention: Retention): void {
    this.#retention = retention
    this.#retainSoon()
  }

  /** Nobody needs what is before that address: the segments that end before it are deleted. */
  forget(before: Address): void {
    this.#forgotten = before
    this.#retainSoon()
  }

  /**
   * Resolves with the record's address when it is committed. Rejects if it is not, with the system's code (ENOSPC, EIO
   * …), EBUSY if too much waits, EFBIG if it is larger than the retention allows; later appends are tried anew.
   */
  append(kind: number, payload: Buffer): Promise<Address> {
    if (this.#closed) return Promise.reject(failure('EBADF', 'the journal is not open'))
    const limit_bytes = Math.min(this.#retention.bytes_max ?? Number.POSITIVE_INFINITY, 1024 * MIB)
    const added = this.#waiting.add({ kind, payload, time_ms: this.#time.now_ms() }, limit_bytes)
    this.#wake()
    return added
  }

  /** The record at that address; undefined if it is gone or damaged. */
  async read(address: Address): Promise<JournalRecord | undefined> {
    const segment = this.#segments.find(({ number }) => number === segmentOf(address))
    const file = segment && (await this.#openToRead(segment))
    if (file === undefined) return undefined
    try {
      const offset = offsetOf(address)
      const found = await readRecord(file, segment!.mark, offset, segment!.size_bytes)
      if (found !== undefined) return { address, ...found }
      if (offset < segment!.size_bytes) this.#damage(segment!, offset, 0)
      return undefined
    } finally {
      await file.close()
    }
  }

  /**
   * The records from `from` up to `until` (default: what is committed now), in order. Damage is passed over. Segments
   * that are deleted meanwhile are left out.
   */
  async *records(from: Address = this.start, until: Address = this.end): AsyncGenerator<JournalRecord> {
    for (const segment of [...this.#segments]) {
      const start = segment.number === segmentOf(from) ? offsetOf(from) : 0
      const end = segment.number === segmentOf(until) ? offsetOf(until) : segment.size_bytes
      if (segment.number < segmentOf(from) || segment.number > segmentOf(until) || start >= end) continue
      const file = await this.#openToRead(segment)
      if (file === undefined) continue
      try {
        yield* this.#recordsOf(segment, file, start, end)
      } finally {
        await file.close()
      }
    }
  }

  /** Commits what waits, and gives the directory back. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#timer?.cancel()
    await this.#work
    await this.#writer?.close()
    await this.#unlock?.()
  }

  /** Finds where the newest segment ends and cuts off what a crash left behind its last record. */
  async #recover(segment: Segment): Promise<void> {
    this.#lastAppend_ms = segment.created_ms
    let end = 0
    const middle: Found[] = []
    try {
      const file = await open(segment.path, 'r')
      try {
        for await (const found of scanSegment(file, segment.mark, 0, segment.size_bytes)) {
          if (found.damaged) {
            middle.push(found)
            continue
          }
          end = found.end
          this.#lastAppend_ms = found.time_ms
        }
      } finally {
        await file.close()
      }
    } catch (error) {
      // What cannot be read stays as it is; new records go to a new segment.
      this.#damage(segment, end, segment.size_bytes - end)
      this.#options.onError?.(error)
      return
    }
    for (const found of middle) if (found.end <= end) this.#damage(segment, found.start, found.end - found.start)
    if (end < segment.size_bytes) await this.#cut(segment, end)
    this.#writer = await SegmentWriter.continue(this.#disk, segment).catch(() => undefined)
  }

  async #cut(segment: Segment, end: number): Promise<void> {
    this.#damage(segment, end, segment.size_bytes - end, true)
    segment.size_bytes = end
    await truncate(segment.path, end).catch((error) => this.#options.onError?.(error))
  }

  async #openToRead(segment: Segment): Promise<FileHandle | undefined> {
    try {
      return await open(segment.path, 'r')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#options.onError?.(error)
      if (this.#segments.includes(segment)) this.#damage(segment, 0, segment.size_bytes)
      return undefined
    }
  }

  async *#recordsOf(segment: Segment, file: FileHandle, start: number, end: number): AsyncGenerator<JournalRecord> {
    const scanned = scanSegment(file, segment.mark, start, end)
    for (let at = start; ; ) {
      const step = await scanned.next().catch((error) => this.#options.onError?.(error))
      // The file cannot be read on.
      if (step === undefined) return this.#damage(segment, at, end - at)
      if (step.done === true) return
      const found = step.value
      at = found.end
      if (found.damaged) this.#damage(segment, found.start, found.end - found.start)
      else yield { address: addressOf(segment.number, found.start), ...found }
    }
  }

  #damage(segment: Segment, offset: number, size_bytes: number, torn = false): void {
    const address = addressOf(segment.number, offset)
    if (this.#known.has(address)) return
    this.#known.add(address)
    this.damaged++
    this.#options.onDamage?.({ segment: segment.number, offset, size_bytes, torn })
  }

  #retainSoon(): void {
    this.#retentionDue = true
    this.#wake()
  }

  #wake(): void {
    if (this.#work !== undefined) return
    // What is appended in the same turn is committed together.
    this.#work = Promise.resolve().then(() => this.#run())
  }

  async #run(): Promise<void> {
    for (;;) {
      if (this.#waiting.count > 0) await this.#commit()
      else if (this.#retentionDue && !this.#closed) await this.#expire()
      else break
    }
    // Here and not when the promise settles: what is appended in between would wait for nobody.
    this.#work = undefined
  }

  async #commit(): Promise<void> {
    await this.#pace()
    const group = this.#waiting.take(Math.min(COMMIT_BYTES_MAX, this.#segment_bytes_max))
    try {
      await this.#makeRoom(group.size_bytes)
      const writer = await this.#writerFor(group.size_bytes)
      const offsets = await writer.write(group.records, this.#options.sync ?? true)
      this.size_bytes += group.size_bytes
      this.#lastAppend_ms = this.#time.now_ms()
      group.resolve(offsets.map((offset) => addressOf(writer.segment.number, offset)))
    } catch (error) {
      group.reject(failure((error as NodeJS.ErrnoException).code ?? 'EIO', 'cannot write to the journal', error))
      if (this.#writer?.broken) await this.#dropWriter()
    }
  }

  /** Waits until the next commit is due, unless a whole one has gathered. This is about the disk: real time. */
  async #pace(): Promise<void> {
    const { commit_interval_ms = 2 } = this.#options
    const wait_ms = this.#lastCommit_ms + commit_interval_ms - performance.now()
    if (wait_ms > 0 && this.#waiting.size_bytes < COMMIT_BYTES_MAX && !this.#closed)
      await new Promise((resolve) => setTimeout(resolve, wait_ms))
    this.#lastCommit_ms = performance.now()
  }

  async #writerFor(size_bytes: number): Promise<SegmentWriter> {
    const current = this.#writer
    const now_ms = this.#time.now_ms()
    const { age_max_ms = Number.POSITIVE_INFINITY } = this.#retention
    if (current !== undefined) {
      const { segment } = current
      const isFull = segment.size_bytes + size_bytes > this.#segment_bytes_max
      // One that was begun in the future would otherwise grow for as long.
      const isOld = Math.abs(now_ms - segment.created_ms) > age_max_ms / AGE_PARTS
      if (segment.size_bytes === 0 || (!isFull && !isOld)) return current
    }
    const number = (this.#segments.at(-1)?.number ?? 0) + 1
    const writer = await SegmentWriter.create(this.#disk, this.#options.directory, number, now_ms)
    await this.#dropWriter()
    this.#segments.push(writer.segment)
    this.#writer = writer
    return writer
  }

  async #dropWriter(): Promise<void> {
    const writer = this.#writer
    this.#writer = undefined
    await writer?.close()
  }

  async #makeRoom(size_bytes: number): Promise<void> {
    const { bytes_max = Number.POSITIVE_INFINITY } = this.#retention
    while (this.#segments.length > 0 && this.size_bytes + size_bytes > bytes_max) await this.#deleteOldest()
  }

  async #expire(): Promise<void> {
    this.#retentionDue = false
    while (this.#segments.length > 0 && this.#segments[0]!.number < segmentOf(this.#forgotten))
      await this.#deleteOldest()
    await this.#makeRoom(0)
    const { age_max_ms = Number.POSITIVE_INFINITY } = this.#retention
    this.#time.observe()
    const oldest_ms = this.#time.now_ms() - age_max_ms
    while (this.#segments.length > 0) {
      const [first, second] = this.#segments
      const newest_ms = second === undefined ? this.#lastAppend_ms : second.created_ms
      if (newest_ms >= oldest_ms || (second === undefined && first!.size_bytes === 0)) return
      await this.#deleteOldest()
    }
  }

  async #deleteOldest(): Promise<void> {
    const segment = this.#segments.shift()!
    if (this.#writer?.segment === segment) await this.#dropWriter()
    this.size_bytes -= segment.size_bytes
    for (const address of this.#known) if (segmentOf(address) === segment.number) this.#known.delete(address)
    await unlink(segment.path).catch((error) => this.#options.onError?.(error))
    this.#options.onDelete?.(segment.number)
  }
}

function failure(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(`${message}: ${code}`, { cause }), { code })
}
