import { defineConfig } from 'vitest/config'

/** Tests with real backends or many runs: one file after the other, with time for each. */
export default defineConfig({
  test: {
    include: ['test/slow/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 120_000,
  },
})
