import { describe, expect, it } from 'vitest'
import {
  fixed64,
  nanosAsMillis,
  nanosBetween,
  next,
  readBigInt64,
  readInt64,
  readLength,
  readUint32,
  skipValue,
  skipVarint,
} from './cursor.ts'
import { Output, varintSize, writeVarint } from './output.ts'
import { varint } from './wire.fixture.ts'
import { WireError } from './wire_error.ts'

const bytesOf = (hex: string) => Buffer.from(hex, 'hex')

describe('varints', () => {
  it.each([0, 1, 127, 128, 300, 16383, 16384, 2 ** 31, 2 ** 32 - 1])('%d', (value) => {
    const bytes = varint(value)
    expect(readUint32(bytes, 0, bytes.length)).toBe(value)
    expect(next).toBe(bytes.length)
    expect(varintSize(value)).toBe(bytes.length)
    const padded = Buffer.concat([varint(value, varintSize(value) < 5 ? 1 : 0), Buffer.from([9])])
    expect(readUint32(padded, 0, padded.length)).toBe(value)
    expect(next).toBe(padded.length - 1)
  })

  it.each([
    0n,
    1n,
    -1n,
    127n,
    128n,
    2n ** 31n,
    2n ** 32n,
    2n ** 53n + 1n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    -123456789012345n,
  ])('%d in 64 bits', (value) => {
    const bytes = varint(value)
    expect(readBigInt64(bytes, 0, bytes.length)).toBe(value)
    expect(readInt64(bytes, 0, bytes.length)).toBe(Number(value))
    expect(next).toBe(bytes.length)
    const out = new Output(1)
    out.bigVarint(value)
    expect(out.take().equals(bytes)).toBe(true)
  })

  it.each([
    ['cut off', '80'],
    ['empty', ''],
    ['33 bits', 'ffffffff1f'],
    ['six bytes', '808080808000'],
  ])('of 32 bits: %s', (_, hex) => {
    expect(() => readUint32(bytesOf(hex), 0, hex.length / 2)).toThrow(WireError)
  })

  it.each([
    ['cut off', 'ffffff'],
    ['empty', ''],
    ['eleven bytes', 'ffffffffffffffffffff01'],
  ])('of 64 bits: %s', (_, hex) => {
    expect(() => readBigInt64(bytesOf(hex), 0, hex.length / 2)).toThrow(WireError)
    expect(() => readInt64(bytesOf(hex), 0, hex.length / 2)).toThrow(WireError)
    expect(() => skipVarint(bytesOf(hex), 0, hex.length / 2)).toThrow(WireError)
  })

  it('stops at the end of the message, not of the buffer', () => {
    expect(() => readUint32(bytesOf('8001'), 0, 1)).toThrow(WireError)
    expect(() => readInt64(bytesOf('05'), 0, 0)).toThrow(WireError)
    expect(() => readLength(bytesOf('0200ff'), 0, 2)).toThrow(WireError)
  })
})

describe('values', () => {
  it.each([
    ['fixed64', 1, '00000000000000', '0000000000000000'],
    ['fixed32', 5, '000000', '00000000'],
    ['length', 2, '0401', '0401020304'],
    ['varint', 0, '80', '8001'],
  ])('%s: cut off and whole', (_, wire, cut, whole) => {
    expect(() => skipValue(wire, bytesOf(cut), 0, cut.length / 2)).toThrow(WireError)
    expect(skipValue(wire, bytesOf(whole), 0, whole.length / 2)).toBe(whole.length / 2)
  })

  it.each([3, 4, 6, 7])('wire type %d is refused', (wire) => {
    expect(() => skipValue(wire, Buffer.alloc(16), 0, 16)).toThrow(WireError)
  })
})

describe('nanoseconds', () => {
  const bytes = Buffer.alloc(16)
  it.each([
    [1700000000123456789n, 1700000000123456790n, 1],
    [1700000000999999999n, 1700000001000000001n, 2],
    [4294967295n, 4294967296n, 1],
    [1700000000000000001n, 1700000000000000000n, -1],
    [0n, 2n ** 53n - 1n, 2 ** 53 - 1],
  ])('%d to %d is %d', (earlier, later, expected) => {
    bytes.writeBigUInt64LE(earlier, 0)
    bytes.writeBigUInt64LE(later, 8)
    expect(nanosBetween(bytes, 0, 8)).toBe(expected)
  })

  it('become milliseconds to the microsecond', () => {
    bytes.writeBigUInt64LE(1700000000123456789n)
    expect(nanosAsMillis(bytes, 0)).toBeCloseTo(1700000000123.4568, 2)
    expect(fixed64(bytes, 0)).toBe(1700000000123456800)
  })
})

describe('Output', () => {
  it.each([0, 1, 127, 128, 16383, 16384, 70000])(
    'closes a message of %d bytes, whatever length was expected',
    (size) => {
      for (const expected of [0, 100, 128, 20000, 3_000_000]) {
        const out = new Output(1)
        out.byte(7)
        const mark = out.open(3, expected)
        out.copy(Buffer.alloc(size, 5), 0, size)
        out.close(mark, expected)
        const whole = Buffer.concat([Buffer.from([7, 26]), varint(size), Buffer.alloc(size, 5)])
        expect(out.take().equals(whole)).toBe(true)
      }
    },
  )

  it('keeps what was taken when it is used again', () => {
    const out = new Output(4)
    out.text('aé😀')
    const taken = out.take()
    out.reset()
    out.text('zzzzzzzz')
    expect(taken.toString()).toBe('aé😀')
    expect(out.take(2).toString()).toBe('zzzzzz')
  })

  it('writes numbers above 32 bits', () => {
    const bytes = Buffer.alloc(10)
    expect(writeVarint(bytes, 0, 2 ** 53 - 1)).toBe(8)
    expect(readBigInt64(bytes, 0, 8)).toBe(2n ** 53n - 1n)
  })
})
