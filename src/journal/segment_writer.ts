/** Writing the newest segment. What was not written as a whole is taken off again. */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { type NewRecord, sizeOf, writeRecord } from './journal_record.ts'
import { type Segment, segmentPath } from './segment.ts'

/** What a segment writer needs of the file system. */
export interface Disk {
  open(path: string, flags: string, mode?: number): Promise<DiskFile>
}
export type DiskFile = Pick<FileHandle, 'write' | 'datasync' | 'truncate' | 'sync' | 'close'>

export const DISK: Disk = { open }

/** Larger buffers are not kept for the next write. */
const KEPT_BYTES_MAX = 4 << 20

export class SegmentWriter {
  readonly segment: Segment
  /** True: what the file holds behind the last commit is unknown, and nothing more is to be written to it. */
  broken = false
  readonly #file: DiskFile
  #scratch: Buffer = Buffer.alloc(0)

  private constructor(segment: Segment, file: DiskFile) {
    this.segment = segment
    this.#file = file
  }

  /** Rejects with the system's error. */
  static async create(disk: Disk, directory: string, number: number, now_ms: number): Promise<SegmentWriter> {
    const mark = randomBytes(4).readUInt32LE()
    const path = segmentPath(directory, number, now_ms, mark)
    const file = await disk.open(path, 'wx', 0o600)
    await syncDirectory(disk, directory)
    return new SegmentWriter({ number, created_ms: Math.floor(now_ms), mark, path, size_bytes: 0 }, file)
  }

  static async continue(disk: Disk, segment: Segment): Promise<SegmentWriter> {
    return new SegmentWriter(segment, await disk.open(segment.path, 'r+'))
  }

  /** Offsets of the records, which are on the disk (`sync`) or with the system. Rejects with the system's error. */
  async write(records: readonly NewRecord[], sync: boolean): Promise<number[]> {
    const before_bytes = this.segment.size_bytes
    const bytes = this.#room(records.reduce((sum, record) => sum + sizeOf(record), 0))
    const offsets: number[] = []
    let end = 0
    for (const record of records) {
      offsets.push(before_bytes + end)
      end = writeRecord(bytes, end, this.segment.mark, record)
    }
    try {
      for (let at = 0; at < end; ) {
        const { bytesWritten } = await this.#file.write(bytes, at, end - at, before_bytes + at)
        at += bytesWritten
      }
    } catch (error) {
      await this.#takeBack(before_bytes)
      throw error
    }
    if (sync) await this.#sync(before_bytes)
    this.segment.size_bytes = before_bytes + end
    return offsets
  }

  async close(): Promise<void> {
    await this.#file.close().catch(() => undefined)
  }

  #room(size_bytes: number): Buffer {
    if (size_bytes <= this.#scratch.length) return this.#scratch
    const bytes = Buffer.allocUnsafeSlow(size_bytes)
    if (size_bytes <= KEPT_BYTES_MAX) this.#scratch = bytes
    return bytes
  }

  async #sync(before_bytes: number): Promise<void> {
    try {
      await this.#file.datasync()
    } catch (error) {
      // After a failed sync the system may say of pages that are lost that they are written: no second try.
      this.broken = true
      await this.#takeBack(before_bytes)
      throw error
    }
  }

  async #takeBack(size_bytes: number): Promise<void> {
    try {
      await this.#file.truncate(size_bytes)
    } catch {
      this.broken = true
    }
  }
}

/** So that the new file's name survives a crash of the machine. */
async function syncDirectory(disk: Disk, directory: string): Promise<void> {
  try {
    const handle = await disk.open(directory, 'r')
    await handle.sync().finally(() => handle.close())
  } catch {
    // Not every file system knows it.
  }
}
