/**
 * A growing buffer to which protobuf is written. Reused: `reset` keeps an ordinary amount of memory (`scratch.ts`),
 * `take` copies out what was written.
 */
import { KEPT_BYTES } from './scratch.ts'

const MAX_PREFIX = 5

/** Bytes that are written again and again, such as the key of an attribute: four at a time, which is several times quicker. */
export class Constant {
  readonly length: number
  readonly words: Int32Array

  constructor(bytes: Uint8Array) {
    this.length = bytes.length
    const padded = Buffer.alloc(Math.ceil(bytes.length / 4) * 4)
    padded.set(bytes)
    this.words = Int32Array.from({ length: padded.length / 4 }, (_, at) => padded.readInt32LE(at * 4))
  }
}

export class Output {
  #bytes: Buffer
  #view: DataView
  /** Offset behind the last byte written. */
  end = 0

  readonly #usual_bytes: number

  constructor(size_bytes = 4096) {
    this.#usual_bytes = Math.min(size_bytes, KEPT_BYTES)
    this.#bytes = Buffer.allocUnsafeSlow(size_bytes)
    this.#view = viewOf(this.#bytes)
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  reset(): void {
    this.end = 0
    if (this.#bytes.length > KEPT_BYTES) this.#use(Buffer.allocUnsafeSlow(this.#usual_bytes))
  }

  #use(bytes: Buffer): void {
    this.#bytes = bytes
    this.#view = viewOf(bytes)
  }

  /** A copy of what was written from `start` on. */
  take(start = 0): Buffer {
    return Buffer.from(this.bytes.subarray(start, this.end))
  }

  reserve(size_bytes: number): void {
    if (this.end + size_bytes <= this.bytes.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.end + size_bytes))
    larger.set(this.bytes.subarray(0, this.end))
    this.#use(larger)
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.end++] = value
  }

  /** Unsigned up to 2^53. */
  varint(value: number): void {
    this.reserve(10)
    this.end = writeVarint(this.bytes, this.end, value)
  }

  /** Signed 64 bits as protobuf's int64. */
  bigVarint(value: bigint): void {
    this.reserve(10)
    let rest = BigInt.asUintN(64, value)
    while (rest > 127n) {
      this.bytes[this.end++] = Number(rest & 127n) | 128
      rest >>= 7n
    }
    this.bytes[this.end++] = Number(rest)
  }

  tag(field: number, wire: number): void {
    this.varint(field * 8 + wire)
  }

  double(value: number): void {
    this.reserve(8)
    this.#view.setFloat64(this.end, value, true)
    this.end += 8
  }

  fixed32(value: number): void {
    this.reserve(4)
    this.#view.setUint32(this.end, value, true)
    this.end += 4
  }

  fixed64(value: bigint): void {
    this.reserve(8)
    this.#view.setBigUint64(this.end, BigInt.asUintN(64, value), true)
    this.end += 8
  }

  /** UTF-8 without a length. */
  text(value: string): void {
    this.reserve(value.length * 3)
    this.end += this.bytes.write(value, this.end)
  }

  /** Bytes of another buffer, without a length. */
  copy(source: Uint8Array, start: number, end: number): void {
    this.reserve(end - start)
    this.end = copyBytes(source, start, end, this.bytes, this.end)
  }

  /** The bytes of a constant, without a length. */
  constant({ words, length }: Constant): void {
    this.reserve(words.length * 4)
    const { end } = this
    const view = this.#view
    for (let at = 0; at < words.length; at++) view.setInt32(end + at * 4, words[at]!, true)
    this.end = end + length
  }

  /** Begins a length-delimited field, whose length is not known yet. Returns the mark for `close`. */
  open(field: number, expected_bytes = 0): number {
    this.tag(field, 2)
    this.reserve(MAX_PREFIX)
    this.end += varintSize(expected_bytes)
    return this.end - varintSize(expected_bytes)
  }

  /** Ends what `open` began with the same expected length: writes the length, moving the content if it needs more or fewer bytes. */
  close(mark: number, expected_bytes = 0): void {
    const start = mark + varintSize(expected_bytes)
    const length = this.end - start
    const shift = varintSize(length) - varintSize(expected_bytes)
    if (shift !== 0) {
      this.reserve(MAX_PREFIX)
      this.bytes.copyWithin(start + shift, start, this.end)
      this.end += shift
    }
    writeVarint(this.bytes, mark, length)
  }
}

function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
}

/** Below this many bytes a loop is quicker than a call into native code. */
const LOOP_BYTES = 24

/** Copies [start, end) to `at` of the target, which has the room, and returns the offset behind it. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Uint8Array, at: number): number {
  if (end - start < LOOP_BYTES) {
    while (start < end) target[at++] = source[start++]!
    return at
  }
  target.set(new Uint8Array(source.buffer, source.byteOffset + start, end - start), at)
  return at + end - start
}

/** Writes an unsigned number (below 2^53) and returns the offset behind it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value > 127) {
    bytes[at++] = (value % 128) | 128
    value = Math.floor(value / 128)
  }
  bytes[at++] = value
  return at
}

export function varintSize(value: number): number {
  let size = 1
  while (value > 127) {
    value = Math.floor(value / 128)
    size++
  }
  return size
}
