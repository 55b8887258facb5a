import { constants, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { ByteBudget } from './budget.ts'
import { BodyTooLarge, compress, contentEncoding } from './compress.ts'
import { DecompressError, decompress, type Encoding, encodingOf } from './decompress.ts'

const MIB = 1 << 20
const text = Buffer.from('the quick brown fox jumps over the lazy dog. '.repeat(500))
const large = Buffer.alloc(5 * MIB, 'some larger text that does not fit into one go, ')
const zstdStream = (body: Buffer) => zstdCompressSync(body, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } })
const checksummed = zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })

const forms: [string, Encoding, (body: Buffer) => Buffer][] = [
  ['gzip', 'gzip', (body) => gzipSync(body)],
  ['deflate', 'deflate', (body) => deflateSync(body)],
  ['raw deflate', 'deflate', (body) => deflateRawSync(body)],
  ['zstd', 'zstd', (body) => zstdCompressSync(body)],
  ['zstd without size', 'zstd', zstdStream],
]

async function failure(run: () => Buffer | Promise<Buffer>): Promise<string> {
  try {
    await run()
    return 'none'
  } catch (error) {
    if (error instanceof DecompressError) return error.kind
    throw error
  }
}

describe.each(forms)('%s', (_, encoding, pack) => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['small', text],
    ['large', large],
  ])('gives back the body: %s', async (_, body) => {
    const unpacked = await decompress(pack(body), encoding, 64 * MIB)
    expect(unpacked.equals(body)).toBe(true)
  })

  test.each([
    ['small', text],
    ['large', large],
  ])('takes a body of exactly the limit and not one byte more: %s', async (_, body) => {
    expect((await decompress(pack(body), encoding, body.length)).length).toBe(body.length)
    expect(await failure(() => decompress(pack(body), encoding, body.length - 1))).toBe('too_large')
  })

  test('stops a bomb at the limit', async () => {
    const bomb = pack(Buffer.alloc(48 * MIB))
    expect(await failure(() => decompress(bomb, encoding, MIB))).toBe('too_large')
  })

  test.each([
    ['truncated', (packed: Buffer) => packed.subarray(0, packed.length - 3)],
    ['cut to its head', (packed: Buffer) => packed.subarray(0, 6)],
    ['empty', () => Buffer.alloc(0)],
    ['followed by junk', (packed: Buffer) => Buffer.concat([packed, Buffer.from('junk')])],
    ['followed by zeros', (packed: Buffer) => Buffer.concat([packed, Buffer.alloc(3)])],
  ])('refuses what is %s', async (_, damage) => {
    expect(await failure(() => decompress(damage(pack(text)), encoding, 64 * MIB))).toBe('corrupt')
    expect(await failure(() => decompress(damage(pack(large)), encoding, 64 * MIB))).toBe('corrupt')
  })
})

describe('bodies of several parts', () => {
  test.each([
    ['gzip', 'gzip', gzipSync],
    ['zstd', 'zstd', zstdCompressSync],
    ['zstd without size', 'zstd', zstdStream],
  ] as const)('%s: all of them count, limit included', async (_, encoding, pack) => {
    for (const body of [text, large]) {
      const packed = Buffer.concat([pack(body), pack(Buffer.from('and more')), pack(body)])
      const unpacked = await decompress(packed, encoding, 64 * MIB)
      expect(unpacked.equals(Buffer.concat([body, Buffer.from('and more'), body]))).toBe(true)
      expect((await decompress(packed, encoding, unpacked.length)).length).toBe(unpacked.length)
      expect(await failure(() => decompress(packed, encoding, unpacked.length - 1))).toBe('too_large')
      expect(await failure(() => decompress(packed, encoding, body.length))).toBe('too_large')
    }
  })

  test('a flood of empty zstd frames is refused', async () => {
    const frames = Buffer.concat(Array.from({ length: 65 }, () => zstdCompressSync(Buffer.alloc(0))))
    expect(await failure(() => decompress(frames, 'zstd', MIB))).toBe('corrupt')
  })
})

describe('lies', () => {
  test('a wrong checksum is refused', async () => {
    const gzip = gzipSync(text)
    gzip[gzip.length - 6]! ^= 1
    expect(await failure(() => decompress(gzip, 'gzip', MIB))).toBe('corrupt')
    const zstd = Buffer.from(checksummed)
    zstd[zstd.length - 2]! ^= 1
    expect(await failure(() => decompress(zstd, 'zstd', MIB))).toBe('corrupt')
  })

  test('random bytes are refused or taken, but nothing else happens', async () => {
    let seed = 20260101
    const random = () => (seed = (seed * 1103515245 + 12345) & 0x7fffffff)
    for (let round = 0; round < 300; round++) {
      const [, encoding, pack] = forms[random() % forms.length]!
      const packed = pack(text)
      for (let hit = 0; hit < 3; hit++) packed[random() % packed.length] = random() & 255
      await failure(() => decompress(packed, encoding, MIB))
    }
  })

  test('a zstd frame that claims a gigabyte allocates little', async () => {
    const lie = Buffer.concat([Buffer.from('28b52ffda0000000400000', 'hex'), Buffer.alloc(20)])
    expect(await failure(() => decompress(lie, 'zstd', 64 * MIB))).not.toBe('none')
  })
})

test.each([
  [undefined, 'identity'],
  ['', 'identity'],
  ['identity', 'identity'],
  ['none', 'identity'],
  [' GZIP ', 'gzip'],
  ['x-gzip', 'gzip'],
  ['zlib', 'deflate'],
  ['deflate', 'deflate'],
  ['zstd', 'zstd'],
  ['br', undefined],
  ['gzip, gzip', undefined],
])('encoding %j is %s', (header, expected) => {
  expect(encodingOf(header)).toBe(expected)
})

describe('compress', () => {
  test.each(['gzip', 'deflate', 'zstd'] as const)('%s can be read back', async (compression) => {
    for (const body of [Buffer.alloc(0), text, large]) {
      const packed = await compress(body, compression, { level: 2 })
      expect((await decompress(packed, compression, 64 * MIB)).equals(body)).toBe(true)
    }
    expect(contentEncoding(compression)).toBe(compression)
  })

  test('none leaves the body as it is', async () => {
    expect(await compress(text, 'none')).toBe(text)
    expect(contentEncoding('none')).toBeUndefined()
  })

  test('the limit holds before compression', async () => {
    await expect(compress(text, 'gzip', { limit_bytes: text.length })).resolves.toBeInstanceOf(Buffer)
    await expect(compress(text, 'gzip', { limit_bytes: text.length - 1 })).rejects.toThrow(BodyTooLarge)
    await expect(compress(text, 'none', { limit_bytes: text.length - 1 })).rejects.toThrow(BodyTooLarge)
  })
})

describe('room', () => {
  /** Of so many bytes; remembers how many were taken at most. */
  function room(size_bytes: number) {
    const budget = new ByteBudget(size_bytes)
    let peak_bytes = 0
    const take = (bytes: number) => {
      const taken = budget.take(bytes)
      peak_bytes = Math.max(peak_bytes, budget.taken_bytes)
      return taken
    }
    return { take, give: (bytes: number) => budget.give(bytes), peak: () => peak_bytes, left: () => budget.taken_bytes }
  }
  const plain = Buffer.alloc(24 * MIB, 'a')
  const lying = gzipSync(plain)
  lying.writeUInt32LE(10, lying.length - 4)
  const members = Buffer.concat([gzipSync(plain.subarray(0, 20 * MIB)), gzipSync(plain.subarray(0, 4 * MIB))])
  const bodies: [string, Encoding, Buffer][] = [
    ['gzip', 'gzip', gzipSync(plain)],
    ['gzip of two members', 'gzip', members],
    ['deflate', 'deflate', deflateSync(plain)],
    ['raw deflate', 'deflate', deflateRawSync(plain)],
    ['zstd', 'zstd', zstdCompressSync(plain)],
    ['zstd of two frames', 'zstd', Buffer.concat([zstdCompressSync(plain), zstdCompressSync(Buffer.alloc(10))])],
  ]

  test.each(bodies)('%s: what is unpacked has been taken, and no more stays taken', async (_, encoding, body) => {
    const some = room(200 * MIB)
    const unpacked = await decompress(body, encoding, 64 * MIB, some)
    expect(unpacked.length).toBeGreaterThanOrEqual(24 * MIB)
    expect(some.left()).toBe(unpacked.length)
    expect(some.peak()).toBeLessThanOrEqual(64 * MIB)
  })

  test.each(bodies)('%s: without room it is refused for now, and takes nothing', async (_, encoding, body) => {
    const some = room(20 * MIB)
    const unpacked = async () => decompress(body, encoding, 64 * MIB, some)
    await expect(unpacked()).rejects.toMatchObject({ name: 'Refusal', retryable: true, reason: 'in_flight' })
    expect(some.left()).toBe(0)
    expect(some.peak()).toBeLessThanOrEqual(20 * MIB)
  })

  test.each(bodies)(
    '%s: over the limit it is refused for good, and takes no more than the limit',
    async (_, encoding, body) => {
      const some = room(200 * MIB)
      const unpacked = async () => decompress(body, encoding, 22 * MIB, some)
      await expect(unpacked()).rejects.toMatchObject({ kind: 'too_large' })
      expect(some.left()).toBe(0)
      expect(some.peak()).toBeLessThanOrEqual(22 * MIB)
    },
  )

  test('a size that is not true does not help', async () => {
    const some = room(10 * MIB)
    const unpacked = async () => decompress(lying, 'gzip', 64 * MIB, some)
    await expect(unpacked()).rejects.toThrow()
    expect([some.left(), some.peak() <= 10 * MIB]).toEqual([0, true])
  })

  test('damaged and followed by something else: all is given back', async () => {
    const small = gzipSync(Buffer.alloc(1000))
    for (const body of [Buffer.concat([small, Buffer.from('xyz')]), small.subarray(0, 20)]) {
      const some = room(MIB)
      await expect((async () => decompress(body, 'gzip', MIB, some))()).rejects.toMatchObject({ kind: 'corrupt' })
      expect(some.left()).toBe(0)
    }
  })
})
