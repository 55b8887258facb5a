import { defineConfig } from 'vitest/config'

/** Attacks and drills on the daemon as a process: one after the other, each with time. `npm run chaos` starts them. */
export default defineConfig({
  test: {
    include: ['test/chaos/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 1,
    fileParallelism: false,
    testTimeout: 900_000,
    hookTimeout: 120_000,
  },
})
