/** Invented applications, of which everything is known; many more with `npm run simulate`. */
import { expect, test } from 'vitest'
import { simulate } from './run.ts'

const SEEDS = 100
const FIRST = Number(process.env['SEED'] ?? 1)

test.each([1, 2])(
  'metrics, summaries and store say what is true, with %i shards',
  async (shards) => {
    for (let seed = FIRST; seed < FIRST + SEEDS; seed++)
      expect(await simulate(seed, shards), `SEED=${seed}`).toEqual([])
  },
  180_000,
)
