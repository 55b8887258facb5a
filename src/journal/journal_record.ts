/**
 * One record of a journal, little-endian:
 * `length u32 | crc32 u32 | mark u32 | version u8 | kind u8 | 0 u16 | time_ms f64 | payload`.
 *
 * The checksum covers everything but itself. The mark is a random number per segment, which stands in the segment's file
 * name: by it the next record is found after damage, and no payload can pose as a record, since nobody outside knows it.
 */
import { crc32 } from 'node:zlib'

export const HEADER_BYTES = 24
const VERSION = 1

export interface NewRecord {
  /** 0 to 255, the owner's. */
  readonly kind: number
  /** Unix milliseconds. */
  readonly time_ms: number
  readonly payload: Buffer
}

export function sizeOf({ payload }: Pick<NewRecord, 'payload'>): number {
  return HEADER_BYTES + payload.length
}

/** Writes the record at `at`, where there is room for it, and returns the offset behind it. */
export function writeRecord(bytes: Buffer, at: number, mark: number, record: NewRecord): number {
  const { payload } = record
  const end = at + sizeOf(record)
  bytes.writeUInt32LE(payload.length, at)
  bytes.writeUInt32LE(mark, at + 8)
  bytes[at + 12] = VERSION
  bytes[at + 13] = record.kind
  bytes.writeUInt16LE(0, at + 14)
  bytes.writeDoubleLE(record.time_ms, at + 16)
  payload.copy(bytes, at + HEADER_BYTES)
  bytes.writeUInt32LE(checksum(bytes, at, end), at + 4)
  return end
}

/** Size of the record whose header is at `at`, with the payload; -1 if that is no header of this segment. */
export function claimedSize(bytes: Buffer, at: number, mark: number): number {
  if (bytes.readUInt32LE(at + 8) !== mark || bytes[at + 12] !== VERSION) return -1
  return HEADER_BYTES + bytes.readUInt32LE(at)
}

/** Is the record in [at, end) as it was written? */
export function isIntact(bytes: Buffer, at: number, end: number): boolean {
  return bytes.readUInt32LE(at + 4) === checksum(bytes, at, end)
}

export function kindOf(bytes: Buffer, at: number): number {
  return bytes[at + 13]!
}

export function timeOf(bytes: Buffer, at: number): number {
  return bytes.readDoubleLE(at + 16)
}

function checksum(bytes: Buffer, at: number, end: number): number {
  return crc32(bytes.subarray(at + 8, end), crc32(bytes.subarray(at, at + 4)))
}
