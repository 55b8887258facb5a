import { defineConfig } from 'vitest/config'

/** Tests with real backends: one file after the other, with time to start them. */
export default defineConfig({
  test: {
    include: ['test/slow/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
})
