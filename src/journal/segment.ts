/** Segments: the files of a journal. What a file name says is known without reading the file. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

export interface Segment {
  /** Rises by one from segment to segment, also over restarts. */
  readonly number: number
  /** Unix milliseconds. */
  readonly created_ms: number
  /** 32 bits, in every record (`journal_record.ts`). */
  readonly mark: number
  readonly path: string
  /** Bytes that are part of the journal. The file may be longer if cutting it off failed. */
  size_bytes: number
}

export function segmentPath(directory: string, number: number, created_ms: number, mark: number): string {
  const name = `${String(number).padStart(8, '0')}-${Math.floor(created_ms)}-${mark.toString(16).padStart(8, '0')}.journal`
  return join(directory, name)
}

/**
 * The segments in a directory, oldest first. Other files are none of ours, nor is what has a segment's name and is no
 * regular file: a link (it may lead anywhere, or nowhere), a directory, a pipe that would keep its reader waiting.
 */
export async function findSegments(directory: string): Promise<Segment[]> {
  const segments: Segment[] = []
  for (const name of await readdir(directory)) {
    const [, number, created_ms, mark] = /^(\d{8,15})-(\d{1,15})-([0-9a-f]{8})\.journal$/.exec(name) ?? []
    if (mark === undefined) continue
    const path = join(directory, name)
    // Gone meanwhile, or not to be looked at: as if it were not there.
    const file = await lstat(path).catch(() => undefined)
    if (file === undefined || !file.isFile()) continue
    segments.push({
      number: Number(number),
      created_ms: Number(created_ms),
      mark: Number.parseInt(mark, 16),
      path,
      size_bytes: file.size,
    })
  }
  return segments.sort((a, b) => a.number - b.number)
}

/** Where a record is: segment and offset in one number, rising in the order of writing. */
export type Address = number

const SPAN = 2 ** 32

export function addressOf(segment: number, offset: number): Address {
  return segment * SPAN + offset
}

export function segmentOf(address: Address): number {
  return Math.floor(address / SPAN)
}

export function offsetOf(address: Address): number {
  return address % SPAN
}
