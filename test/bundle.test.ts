/** What the image runs: the bundle does what the sources do. */
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bundle } from '../scripts/bundle.ts'
import { configFile, node, runDaemon, scratch, sluice } from './pipelines/process.fixture.ts'
import { healthCommand, imageCommand } from './support/image.ts'
import { freePort } from './support/ports.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
/** As the image has it. */
const image = mkdtempSync(join(realpathSync(tmpdir()), 'sluice-image-'))
const [, ...args] = imageCommand().command
/** The arguments of Node, where there is no working directory to be had. */
const program = args.map((arg) => (arg.startsWith('dist/') ? join(image, arg) : arg))
const files = () => readdirSync(join(image, 'dist'))

beforeAll(async () => {
  await bundle(join(image, 'dist'))
  copyFileSync(join(root, 'package.json'), join(image, 'package.json'))
})
afterAll(() => rmSync(image, { recursive: true, force: true }))

test('commands say what they say from the sources', async () => {
  const collector = join(root, 'collector.yaml')
  const commands = [
    ['print-config', '--config', collector],
    ['validate', '--config', 'yaml:{ exporters: { lokki: { endpoint: 3 } } }'],
    ['schema'],
    ['components'],
    ['--version'],
  ]
  for (const command of commands) {
    const [bundled, source] = await Promise.all([node([...program, ...command]), sluice(...command)])
    expect(bundled, command.join(' ')).toEqual(source)
    expect(bundled.stdout + bundled.stderr).not.toBe('')
  }
})

test('it takes requests, prices calls, reads large bodies in its thread, and a bug names the line of its source', async () => {
  const [out, health] = [join(scratch(), 'out.json'), await freePort()]
  const path = configFile(`
receivers: { otlp: { protocols: { http: { endpoint: 127.0.0.1:0 }, grpc: { endpoint: 127.0.0.1:0 } } } }
processors: { gen_ai: , redaction: { content: drop } }
exporters: { file: { path: ${JSON.stringify(out)} } }
extensions: { health_check: { endpoint: "127.0.0.1:${health}" } }
service:
  extensions: [health_check]
  telemetry: { logs: { encoding: json }, metrics: { level: none } }
  pipelines: { traces: { receivers: [otlp], processors: [gen_ai, redaction], exporters: [file] } }
`)
  const broken = `data:text/javascript,let calls = 0
    const time = process.threadCpuUsage
    process.threadCpuUsage = () => { if (++calls === 2) throw new Error('broken for this test'); return time() }`
  const { http, child, line, ended } = await runDaemon(path, () => {}, ['--import', encodeURI(broken), ...program])
  const isWell = () => {
    const [probe, ...words] = healthCommand(health)
    return spawnSync(probe!, words).status === 0
  }
  await vi.waitUntil(isWell)
  const send = async (spans: object[]) => {
    const answer = await fetch(`http://127.0.0.1:${http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] }),
    })
    expect([answer.status, await answer.text()]).toEqual([200, '{}'])
  }
  await send([call])
  await vi.waitUntil(() => readFileSync(out, 'utf8').includes('sluice.cost.usd'))
  const threads = () => readdirSync(`/proc/${child.pid}/task`).length
  const before = process.platform === 'linux' ? threads() : 0
  await send(Array.from({ length: 5000 }, () => call))
  if (process.platform === 'linux') expect(threads()).toBeGreaterThan(before)
  const bug = await line('a bug: an exception that nobody caught')
  expect((bug['err'] as { stack: string }).stack).toMatch(/\n {4}at .*\(src\/self\/metrics\/loop_lag\.ts:\d+:\d+\)\n/)
  child.kill('SIGTERM')
  expect((await ended).code).toBe(0)
  expect(isWell()).toBe(false)
})

test('its files name no place of this machine, and the licences of what is in them', () => {
  const places = [root, homedir(), image].map((place) => `${resolve(place)}/`)
  for (const file of files()) {
    const text = readFileSync(join(image, 'dist', file), 'utf8')
    for (const place of places) expect(text.includes(place), `${file} names ${place}`).toBe(false)
  }
  const maps = files().filter((file) => file.endsWith('.map'))
  const sources = maps.flatMap((file) => (JSON.parse(readFileSync(join(image, 'dist', file), 'utf8')) as Map).sources)
  expect(sources.filter((source) => !/^\.\.\/(src|node_modules)\//.test(source))).toEqual([])
  const notices = readFileSync(join(image, 'dist', 'NOTICES.txt'), 'utf8')
  const packages = sources.flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? [])
  for (const name of new Set([...packages, '@pydantic/genai-prices'])) expect(notices).toContain(`\n${name} `)
})

interface Map {
  readonly sources: readonly string[]
}

const call = {
  traceId: '1'.padStart(32, '0'),
  spanId: '2'.padStart(16, '0'),
  name: 'chat gpt-4o-mini',
  startTimeUnixNano: '1700000000000000000',
  endTimeUnixNano: '1700000002000000000',
  attributes: [
    { key: 'gen_ai.operation.name', value: { stringValue: 'chat' } },
    { key: 'gen_ai.provider.name', value: { stringValue: 'openai' } },
    { key: 'gen_ai.request.model', value: { stringValue: 'gpt-4o-mini' } },
    { key: 'gen_ai.usage.input_tokens', value: { intValue: '1200' } },
    { key: 'gen_ai.usage.output_tokens', value: { intValue: '300' } },
  ],
}
