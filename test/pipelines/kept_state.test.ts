/** What components keep under `service.data_directory`: over restarts and reloads. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { daemonOf } from './parts.fixture.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-kept-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const yaml = (service = `data_directory: "${directory}"`, sink = 'journal: drift', plain = '') => `
receivers: { source: {} }
processors: { plain: { ${plain} } }
exporters: { sink: { ${sink} } }
service:
  ${service}
  pipelines: { traces: { receivers: [source], processors: [plain], exporters: [sink] } }
`

type Running = ReturnType<typeof daemonOf>

const keep = (daemon: Running, text: string) => daemon.part('exporter/sink').journal!.append(Buffer.from(text))

async function keptBy(daemon: Running): Promise<string[]> {
  const texts: string[] = []
  for await (const record of daemon.part('exporter/sink').journal!.records()) texts.push(record.toString())
  return texts
}

test('a component finds it again after a restart, and its next instance after a reload', async () => {
  for (const [at, text] of ['a', 'b', 'c'].entries()) {
    const running = daemonOf(yaml())
    await running.daemon.start()
    expect(await keptBy(running)).toEqual(['a', 'b', 'c'].slice(0, at))
    await keep(running, text)
    await running.daemon.stop()
  }
  const running = daemonOf(yaml())
  await running.daemon.start()
  const before = running.part('exporter/sink')
  await running.reload(yaml(undefined, 'journal: drift, version: 2'))
  expect(running.part('exporter/sink')).not.toBe(before)
  expect(await keptBy(running)).toEqual(['a', 'b', 'c'])
  await running.daemon.stop()
})

test('without the key nothing is kept, and the component can tell', async () => {
  const running = daemonOf(yaml(''))
  await running.daemon.start()
  expect(running.part('exporter/sink')).toMatchObject({ running: true, journal: undefined })
  await running.daemon.stop()
})

test('another directory is taken at the next start, and so are other shards; a reload says so', async () => {
  const [running, other] = [daemonOf(yaml()), join(directory, 'other')]
  await running.daemon.start()
  await keep(running, 'a')
  await running.reload(yaml(`data_directory: "${other}"\n  shards: 2`, 'journal: drift, version: 2'))
  const told = () => running.lines.filter((line) => line['keys'] !== undefined)
  expect(told()).toMatchObject([{ level: 'warn', keys: ['service.data_directory', 'service.shards'] }])
  expect(await keptBy(running)).toEqual(['a'])
  expect(existsSync(other)).toBe(false)
  expect(running.part('exporter/sink').host.shards).toBe(1)
  await running.reload(yaml())
  expect(told()).toHaveLength(1)
  await running.daemon.stop()
})

test('two components of one name do not start', async () => {
  const running = daemonOf(yaml(undefined, 'journal: drift', 'journal: drift'))
  await expect(running.daemon.start()).rejects.toThrow(
    'processor/plain @ traces cannot start: the journal `drift` is taken by exporter/sink: each needs a name of its own',
  )
  await running.daemon.stop()
  const again = daemonOf(yaml())
  await again.daemon.start()
  await again.daemon.stop()
})

test('a directory that cannot be used is told at the start', async () => {
  const file = join(directory, 'file')
  writeFileSync(file, '')
  const running = daemonOf(yaml(`data_directory: "${file}"`))
  await expect(running.daemon.start()).rejects.toThrow(
    `exporter/sink cannot start: service.data_directory: cannot use the directory ${file}/journals/drift for a journal: ENOTDIR; make it writable`,
  )
  await running.daemon.stop()
})
