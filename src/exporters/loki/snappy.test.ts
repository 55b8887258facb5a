import { compress, uncompress } from 'snappyjs'
import { expect, test } from 'vitest'
import { compressInPieces, PIECE_BYTES } from './snappy.ts'

const text = (length: number) => Buffer.from(Array.from({ length }, (_, i) => (i * i + (i >> 7)) % 61))

test.each([
  ['nothing', 0, 0],
  ['a byte', 1, 0],
  ['one piece', PIECE_BYTES, 0],
  ['one piece and a byte', PIECE_BYTES + 1, 1],
  ['a push at the limit', 3_500_000, 13],
])('%s: the same as compressed at once, with pauses between pieces', async (_, length, pauses) => {
  const bytes = text(length)
  const paused: number[] = []
  const packed = await compressInPieces(bytes, (piece) => paused.push(piece.length))
  expect(packed.equals(compress(bytes))).toBe(true)
  expect(uncompress(packed).equals(bytes)).toBe(true)
  expect(paused).toEqual(Array(pauses).fill(PIECE_BYTES))
})
