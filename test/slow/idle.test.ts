/** What the image takes when it has nothing to do. Figures and how they are measured: docs/benchmarks.md. */
import { copyFileSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { bundle } from '../../scripts/bundle.ts'
import { usageOf } from '../bench/bench_subject.ts'
import { imageCommand } from '../support/image.ts'
import { shippedArguments, shippedPorts } from '../support/shipped_config.ts'
import { eventually, startProgram } from './processes.fixture.ts'

/** A tenth above what it takes. */
const RESIDENT_MAX_BYTES = 112e6

const image = mkdtempSync(join(realpathSync(tmpdir()), 'sluice-idle-'))
afterAll(() => rmSync(image, { recursive: true, force: true }))

test.runIf(process.platform === 'linux')('after its start it comes down to little memory', async () => {
  await bundle(join(image, 'dist'))
  copyFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), join(image, 'package.json'))
  const [program, ...args] = imageCommand().command
  const ports = await shippedPorts()
  const started = startProgram(
    program!,
    [...args.map((arg) => (arg.startsWith('dist/') ? join(image, arg) : arg)), ...shippedArguments(ports)],
    { SLUICE_DATA: join(image, 'data') },
  )
  try {
    await eventually(async () => expect((await fetch(`http://127.0.0.1:${ports.health}/`)).status).toBe(200))
    // V8 collects what the start needed when it finds the process idle.
    await eventually(async () => expect(await uptime_s(ports.self)).toBeGreaterThan(20), 60_000, 1000)
    await eventually(async () => expect(usageOf(started.pid).rss_bytes).toBeLessThan(RESIDENT_MAX_BYTES), 30_000, 1000)
  } finally {
    expect(await started.stop()).toBe(0)
  }
})

async function uptime_s(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^otelcol_process_uptime_total (\S+)$/m.exec(text)?.[1])
}
