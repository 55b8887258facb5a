import { expect, test } from 'vitest'
import { fuzzGrpcClient } from './grpc_client.ts'

const seed = Number(process.env.FUZZ_SEED ?? Date.now() % 1_000_000)

test(`damaged HTTP/2 answers, FUZZ_SEED=${seed}`, async () => {
  const { failures, outcomes, clients } = await fuzzGrpcClient(seed, 0, 10_000)
  expect(failures).toEqual([])
  // Calls that all fail, or all succeed, would test nothing.
  const calls = [...outcomes.values()].reduce((sum, one) => sum + one, 0)
  expect(calls).toBe(clients * 8)
  expect(outcomes.get(0)).toBeGreaterThan(calls / 20)
  expect(outcomes.get(0)).toBeLessThan(calls / 1.5)
})
