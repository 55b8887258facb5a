/**
 * npm run chaos [-- --long] [options of vitest]: attacks and drills on the daemon as a process. Short without --long: a
 * few of every kind, in about three minutes.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const rest = process.argv.slice(2)
const isLong = rest.includes('--long')
const args = ['run', '--config', 'vitest.chaos.config.ts', ...rest.filter((argument) => argument !== '--long')]
const { status } = spawnSync(`${root}node_modules/.bin/vitest`, args, {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, CHAOS_FORM: isLong ? 'long' : 'short' },
})
process.exitCode = status ?? 1
