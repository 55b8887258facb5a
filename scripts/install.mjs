// Installs the locked dependencies if node_modules is missing or older than the lock file.
// Runs on whatever Node is on the machine; the scripts after it use the Node that package.json pins.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const time = (path) => statSync(new URL(path, root), { throwIfNoEntry: false })?.mtimeMs ?? 0

if (time('node_modules/.package-lock.json') < time('package-lock.json')) {
  console.error('installing dependencies …')
  const run = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
  })
  if (run.status !== 0) process.exit(run.status ?? 1)
}
