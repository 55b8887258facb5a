import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { contextOf, logs, spans, TestAccount, testHost } from '../../sending/host.fixture.ts'
import type { Batches } from '../../telemetry/batch.ts'
import type { schema } from './config.ts'
import { file } from './index.ts'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sluice-file-'))
  path = join(directory, 'out.json')
})
afterEach(() => rmSync(directory, { recursive: true }))

async function setUp(config: Partial<z.input<typeof schema>> = {}) {
  const test = testHost('file')
  const exporter = file.create(file.schema.parse({ path, ...config }), test.host)
  await exporter.start!()
  const account = new TestAccount()
  const pass = (batch: Batches['traces']) =>
    account.pass(batch.count, () => exporter.inputs.traces!.consume(batch, contextOf(account)))
  return { test, exporter, account, pass }
}
const never = new AbortController().signal

it('writes one request a line, into a file that only its owner reads', async () => {
  const { pass, account, exporter, test } = await setUp()
  await Promise.all([pass(spans(2, 'a')), pass(spans(3, 'b'))])
  const logAccount = new TestAccount('logs')
  await logAccount.pass(1, () => exporter.inputs.logs!.consume(logs(1), contextOf(logAccount)))
  const lines = readFileSync(path, 'utf8').split('\n')
  expect(lines).toHaveLength(4)
  const names = lines
    .slice(0, 2)
    .map((line) => JSON.parse(line).resourceSpans[0].scopeSpans[0].spans.map((span: { name: string }) => span.name))
  expect(names).toEqual([
    ['a-0', 'a-1'],
    ['b-0', 'b-1', 'b-2'],
  ])
  expect(JSON.parse(lines[2]!)).toHaveProperty('resourceLogs')
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(account).toMatchObject({ delivered: 5, held: { in_flight: 0 } })
  expect(test.counter('otelcol_exporter_sent_spans')).toBe(5)
  await exporter.shutdown!(never)
})

it('writes protobuf with lengths', async () => {
  const { pass, exporter } = await setUp({ format: 'proto' })
  const batches = [spans(2), spans(1)]
  for (const batch of batches) await pass(batch)
  await exporter.shutdown!(never)
  const bytes = readFileSync(path)
  for (let at = 0, batch = 0; at < bytes.length; batch++) {
    const length = bytes.readUInt32BE(at)
    expect(bytes.subarray(at + 4, at + 4 + length)).toEqual(batches[batch]!.bytes)
    at += 4 + length
  }
})

it.each([
  [undefined, 2],
  [false, 1],
])('appends to what is there, with append %s or not', async (append, lines) => {
  writeFileSync(path, '{}\n')
  const { pass, exporter } = await setUp(append === undefined ? {} : { append })
  await pass(spans(1))
  await exporter.shutdown!(never)
  expect(readFileSync(path, 'utf8').trimEnd().split('\n')).toHaveLength(lines)
})

it('says at start what is wrong with the path', async () => {
  await expect(setUp({ path: join(directory, 'none', 'x') })).rejects.toThrow(/none\/x for writing: ENOENT/)
})

it('refuses after the shutdown, which works twice and without a start', async () => {
  const { pass, exporter } = await setUp()
  await exporter.shutdown!(never)
  await exporter.shutdown!(never)
  await expect(pass(spans(1))).rejects.toMatchObject({ reason: 'shutdown', retryable: true })
  await file.create(file.schema.parse({ path }), testHost().host).shutdown!(never)
})

it.skipIf(!statSync('/dev/full', { throwIfNoEntry: false }))('gives a batch back when the disk is full', async () => {
  const { pass, account, test, exporter } = await setUp({ path: '/dev/full' })
  await expect(pass(spans(2))).rejects.toMatchObject({
    reason: 'export_failed',
    retryable: true,
    message: 'cannot write: ENOSPC',
  })
  expect(account.entered).toBe(0)
  expect(test.statuses[0]).toContain('ENOSPC')
  await exporter.shutdown!(never)
})

describe('rotation', () => {
  it('puts the file aside when it is full, keeps whole requests and deletes the oldest', async () => {
    const { pass, exporter, test } = await setUp({ rotation: { max_megabytes: 1, max_backups: 2 } })
    for (let at = 0; at < 9; at++) {
      await pass(spans(1, `batch-${at}`, 400_000))
      await test.clock.advance(1000)
    }
    await exporter.shutdown!(never)
    const names = readdirSync(directory).sort()
    expect(names).toHaveLength(3)
    expect(names.at(-1)).toBe('out.json')
    expect(names[0]).toMatch(/^out-2023-11-14T22-13-\d\d\.000\.json$/)
    const found = names
      .flatMap((name) => readFileSync(join(directory, name), 'utf8').trimEnd().split('\n'))
      .map((line) => JSON.parse(line).resourceSpans[0].scopeSpans[0].spans[0].name)
    expect(found).toEqual([4, 5, 6, 7, 8].map((at) => `batch-${at}-0`))
    for (const name of names) expect(statSync(join(directory, name)).size).toBeLessThanOrEqual(1024 * 1024)
  })

  it('deletes by age, and only its own files', async () => {
    for (const name of [
      'out-2023-11-01T00-00-00.000.json',
      'out-2023-11-14T00-00-00.000.json',
      'out-of-order.json',
      'other.json',
    ]) {
      writeFileSync(join(directory, name), '')
    }
    const { pass, exporter } = await setUp({ rotation: { max_megabytes: 1, max_days: 7 } })
    for (let at = 0; at < 3; at++) await pass(spans(1, 'x', 400_000))
    await exporter.shutdown!(never)
    expect(readdirSync(directory).sort()).toEqual([
      'other.json',
      'out-2023-11-14T00-00-00.000.json',
      'out-2023-11-14T22-13-20.000.json',
      'out-of-order.json',
      'out.json',
    ])
  })
})
