import { describe, expect, it } from 'vitest'
import { decoders } from './decoders.ts'
import { fuzz } from './fuzz.ts'

/** A few thousand are quick; `node test/fuzz/run.ts --inputs 1000000` is the long form. */
const INPUTS = 1500
const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)

describe(`damaged bodies, FUZZ_SEED=${seed}`, () => {
  it.each(decoders.map((decoder) => [decoder.name, decoder] as const))('%s', async (_, decoder) => {
    const { accepted, refused, failures } = await fuzz(decoder, seed, 0, INPUTS)
    expect(failures).toEqual([])
    // Bodies that are all refused, or all accepted, would test nothing.
    expect(accepted).toBeGreaterThan(INPUTS / 20)
    expect(refused).toBeGreaterThan(INPUTS / 50)
  })
})
