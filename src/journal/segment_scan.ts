/** Reading a segment from front to back, over damage. */
import type { FileHandle } from 'node:fs/promises'
import { claimedSize, HEADER_BYTES, isIntact, kindOf, timeOf } from './journal_record.ts'

/** An intact record, or a stretch without any. */
export type Found =
  | {
      readonly damaged: false
      readonly start: number
      readonly end: number
      readonly kind: number
      readonly time_ms: number
      /** Part of a larger buffer: who keeps it for long copies it. */
      readonly payload: Buffer
    }
  | { readonly damaged: true; readonly start: number; readonly end: number }

const WINDOW_BYTES = 1 << 20

/**
 * Everything in [start, end) of the file: records in order, and between them what is none. `end` may lie behind the
 * file's end. Rejects with the system's error if the file cannot be read.
 */
export async function* scanSegment(
  file: Pick<FileHandle, 'read'>,
  mark: number,
  start: number,
  end: number,
): AsyncGenerator<Found> {
  const window = new Window(file, end)
  for (let at = start; at < end; ) {
    const found = await recordAt(window, mark, at)
    if (found !== undefined) {
      yield found
      at = found.end
    } else {
      const behind = await nextRecord(window, mark, at + 1)
      yield { damaged: true, start: at, end: behind }
      at = behind
    }
  }
}

/** The record that begins at `at`, undefined if there is no intact one. */
export async function readRecord(file: Pick<FileHandle, 'read'>, mark: number, at: number, end: number) {
  return recordAt(new Window(file, end, HEADER_BYTES), mark, at)
}

async function recordAt(window: Window, mark: number, start: number) {
  if (!(await window.covers(start, HEADER_BYTES))) return undefined
  const size = claimedSize(window.bytes, start - window.start, mark)
  if (size < 0 || !(await window.covers(start, size))) return undefined
  const { bytes } = window
  const at = start - window.start
  if (!isIntact(bytes, at, at + size)) return undefined
  const payload = bytes.subarray(at + HEADER_BYTES, at + size)
  const [kind, time_ms] = [kindOf(bytes, at), timeOf(bytes, at)]
  return { damaged: false, start, end: start + size, kind, time_ms, payload } as const
}

/** Where the first intact record at or behind `from` begins; the window's end if there is none. */
async function nextRecord(window: Window, mark: number, from: number): Promise<number> {
  const sought = Buffer.alloc(4)
  sought.writeUInt32LE(mark)
  for (let at = from; await window.covers(at, HEADER_BYTES); ) {
    const hit = window.bytes.indexOf(sought, at - window.start + MARK_AT)
    if (hit < 0) {
      at = Math.max(at, window.behind - HEADER_BYTES) + 1
      continue
    }
    const candidate = window.start + hit - MARK_AT
    if ((await recordAt(window, mark, candidate)) !== undefined) return candidate
    at = candidate + 1
  }
  return window.limit
}

/** Offset of the mark in a header. */
const MARK_AT = 8

/** The part of the file that is in memory. A new part has a new buffer, so that payloads stay as they are. */
class Window {
  bytes: Buffer = Buffer.alloc(0)
  /** Offset of the first byte in the file. */
  start = 0
  /** Nothing behind this offset is looked at. */
  readonly limit: number
  readonly #file: Pick<FileHandle, 'read'>
  readonly #size_bytes: number

  constructor(file: Pick<FileHandle, 'read'>, limit: number, size_bytes = WINDOW_BYTES) {
    this.#file = file
    this.limit = limit
    this.#size_bytes = size_bytes
  }

  /** Offset in the file behind the last byte. */
  get behind(): number {
    return this.start + this.bytes.length
  }

  /** Moves so that `length` bytes from `at` on are in memory; false if the file has not so many. */
  async covers(at: number, length: number): Promise<boolean> {
    if (at + length > this.limit) return false
    if (at < this.start || at + length > this.behind) await this.#load(at, length)
    return at + length <= this.behind
  }

  async #load(at: number, length: number): Promise<void> {
    const size = Math.min(Math.max(this.#size_bytes, length), this.limit - at)
    const bytes = Buffer.allocUnsafeSlow(size)
    let filled = 0
    while (filled < size) {
      const { bytesRead } = await this.#file.read(bytes, filled, size - filled, at + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    this.bytes = bytes.subarray(0, filled)
    this.start = at
  }
}
