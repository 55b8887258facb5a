import { describe, expect, test } from 'vitest'
import { Random } from '../../../otlp/random.fixture.ts'
import { DEFAULT_SALT, Probability, thresholdOf } from './probability.ts'

/** The definition, in big integers. */
function fnv1a64(bytes: Uint8Array): bigint {
  return bytes.reduce(
    (hash, byte) => ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn,
    0xcbf29ce484222325n,
  )
}

describe('the probabilistic hash', () => {
  test.each([
    [0, 0n],
    [0.1, 0x4189374bc6a7efn],
    [1, 0x28f5c28f5c28f5fn],
    [5, 0xcccccccccccccffn],
    [10, 0x19999999999999ffn],
    [25, 0x3fffffffffffffffn],
    [50, 0x7fffffffffffffffn],
    [99.9, 0xffbe76c8b4395fffn],
    [100, 0xffffffffffffffffn],
  ])('%d %% has the threshold of the Collector', (percentage, threshold) => {
    expect(thresholdOf(percentage)).toBe(threshold)
  })

  test.each([
    ['4bf92f3577b34da6a3ce929d0e0e4736', 0xa54533ba2e4970b5n, false, false],
    ['7bba9f33312b3dbb8b2c2c62bb7abe2d', 0x916c994024483ea3n, false, false],
    ['0102030405060708090a0b0c0d0e0f10', 0xdbcf64d5420f4cadn, false, false],
    ['00000000000000000000000000000001', 0xe19535eed1bbaa8an, false, false],
    ['ffffffffffffffffffffffffffffffff', 0x17bec3739634fe2dn, true, false],
  ])('%s is judged as by the Collector', (id, hash, atTen, atFive) => {
    const bytes = Buffer.from(`00${id}`, 'hex')
    expect(fnv1a64(Buffer.concat([Buffer.from(DEFAULT_SALT), bytes.subarray(1)]))).toBe(hash)
    expect(new Probability(10, DEFAULT_SALT).keeps(bytes, 1)).toBe(atTen)
    expect(new Probability(5, DEFAULT_SALT).keeps(bytes, 1)).toBe(atFive)
  })

  const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)
  test.each([
    [7.5, DEFAULT_SALT],
    [33.3, 'grüße'],
    [0.01, ''],
    [99.99, 'x'.repeat(100)],
  ])(`%d %% with salt "%s" is the definition, seed ${seed}`, (percentage, salt) => {
    const random = new Random(seed)
    const probability = new Probability(percentage, salt)
    const prefix = Buffer.from(salt)
    for (let round = 0; round < 3000; round++) {
      const id = Buffer.from(Array.from({ length: 16 }, () => random.below(256)))
      const expected = fnv1a64(Buffer.concat([prefix, id])) <= thresholdOf(percentage)
      expect(probability.keeps(id, 0)).toBe(expected)
    }
  })
})
