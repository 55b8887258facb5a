/**
 * Reading protobuf primitives at an offset. A varint's length is returned through `next`, a module variable, because
 * a result object per varint would cost more than the read. Reads are checked against `end`.
 */
import { FIXED32, FIXED64, LENGTH, VARINT } from './schema.ts'
import { WireError } from './wire_error.ts'

/** Offset behind what the last read function read. */
export let next = 0

/** Reads a varint that must fit 32 bits unsigned: tags, lengths. Sets `next`. */
export function readUint32(bytes: Uint8Array, at: number, end: number): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    if (at >= end) throw new WireError('varint is cut off', at)
    const byte = bytes[at++]!
    if (shift === 28 && byte > 15) throw new WireError('number is over 32 bits', at)
    value |= (byte & 127) << shift
    if (byte < 128) {
      next = at
      return value >>> 0
    }
  }
  throw new WireError('number is over 32 bits', at)
}

/** Reads a length and checks that so many bytes follow. Sets `next` to the first of them. */
export function readLength(bytes: Uint8Array, at: number, end: number): number {
  const length = readUint32(bytes, at, end)
  if (length > end - next) throw new WireError('length points past the end of its message', at)
  return length
}

/** Reads a varint of up to 64 bits as a double: exact up to 2^53, signed as int64. Sets `next`. */
export function readInt64(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at]!
  if (first < 128 && at < end) {
    next = at + 1
    return first
  }
  return Number(readBigInt64(bytes, at, end))
}

/** Reads a varint of up to 64 bits, signed. Sets `next`. */
export function readBigInt64(bytes: Uint8Array, at: number, end: number): bigint {
  let low = 0
  let high = 0
  for (let shift = 0; shift < 70; shift += 7) {
    if (at >= end) throw new WireError('varint is cut off', at)
    const byte = bytes[at++]!
    if (shift < 28) low |= (byte & 127) << shift
    else if (shift === 28) {
      low |= (byte & 127) << 28
      high |= (byte & 127) >> 4
    } else if (shift < 63) high |= (byte & 127) << (shift - 32)
    else high |= (byte & 1) << 31
    if (byte < 128) {
      next = at
      return (BigInt(high) << 32n) | BigInt(low >>> 0)
    }
  }
  throw new WireError('varint is longer than ten bytes', at)
}

/** Offset behind the varint at `at`. */
export function skipVarint(bytes: Uint8Array, at: number, end: number): number {
  const stop = at + 10
  while (at < end && at < stop) if (bytes[at++]! < 128) return at
  throw new WireError(at >= end ? 'varint is cut off' : 'varint is longer than ten bytes', at)
}

/** Offset behind the value of the given wire type. Groups (3, 4) are no part of proto3 and refused. */
export function skipValue(wire: number, bytes: Uint8Array, at: number, end: number): number {
  let behind: number
  if (wire === VARINT) return skipVarint(bytes, at, end)
  if (wire === LENGTH) {
    const length = readLength(bytes, at, end)
    return next + length
  }
  if (wire === FIXED64) behind = at + 8
  else if (wire === FIXED32) behind = at + 4
  else throw new WireError(`wire type ${wire} is not allowed`, at)
  if (behind > end) throw new WireError('value is cut off', at)
  return behind
}

/** Little-endian 64 bits as a double: exact up to 2^53, rounded beyond. */
export function fixed64(bytes: Uint8Array, at: number): number {
  return uint32(bytes, at + 4) * 4294967296 + uint32(bytes, at)
}

/** Nanoseconds since 1970 as milliseconds, without losing the fraction to 2^53 more than a microsecond. */
export function nanosAsMillis(bytes: Uint8Array, at: number): number {
  return uint32(bytes, at + 4) * 4294.967296 + uint32(bytes, at) / 1e6
}

/** `later - earlier` of two fixed64 nanosecond times, in nanoseconds: subtracted before it becomes a double. */
export function nanosBetween(bytes: Uint8Array, earlier: number, later: number): number {
  const high = uint32(bytes, later + 4) - uint32(bytes, earlier + 4)
  const low = uint32(bytes, later) - uint32(bytes, earlier)
  return high * 4294967296 + low
}

export function uint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
}

const scratch = new DataView(new ArrayBuffer(8))
export function double(bytes: Uint8Array, at: number): number {
  for (let byte = 0; byte < 8; byte++) scratch.setUint8(byte, bytes[at + byte]!)
  return scratch.getFloat64(0, true)
}
