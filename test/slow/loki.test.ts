/** The exporter `loki` with the real Loki: what it takes, what it refuses, and a restart in the middle. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { z } from 'zod'
import type { schema } from '../../src/exporters/loki/config.ts'
import { loki } from '../../src/exporters/loki/index.ts'
import { Random } from '../../src/otlp/random.fixture.ts'
import { systemClock } from '../../src/self/clock.ts'
import { TestHost } from '../../src/sending/host.fixture.ts'
import { type Batches, join as joined } from '../../src/telemetry/batch.ts'
import { bookedAccount } from '../support/account.ts'
import { type LogOptions, logBatch, type PlainAttributes } from '../support/otlp.ts'
import { freePort } from '../support/ports.ts'
import { eventually, haveShared, type Running, startBackend } from './processes.fixture.ts'

const config = fileURLToPath(new URL('../../../shared/backends/config/loki.yaml', import.meta.url))
const HOUR_MS = 3_600_000

interface Found {
  readonly labels: Record<string, string>
  readonly time: string
  readonly text: string
  readonly metadata: Record<string, string>
}

describe.skipIf(!haveShared())('with the real Loki (skipped where ../shared is missing)', () => {
  let directory: string
  let server: Running
  let endpoint: string
  const now_ms = Date.now()

  async function start(): Promise<void> {
    server = startBackend('loki', [`-config.file=${config}`, '-config.expand-env=true'])
    await eventually(async () => {
      const answer = await fetch(`${endpoint}/ready`)
      if (!answer.ok) throw new Error(`not ready: ${answer.status}`)
    })
  }

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-loki-'))
    const [http, grpc] = [await freePort(), await freePort()]
    Object.assign(process.env, { DATA_DIR: directory, LOKI_HTTP_PORT: String(http), LOKI_GRPC_PORT: String(grpc) })
    endpoint = `http://127.0.0.1:${http}`
    await start()
  })

  afterAll(async () => {
    await server?.stop()
    rmSync(directory, { recursive: true, force: true })
  })

  /** An exporter, its host and its books. */
  async function exporting(options: Partial<z.input<typeof schema>> = {}) {
    const test = new TestHost(systemClock, 'loki')
    const exporter = loki.create(loki.schema.parse({ endpoint, ...options }), test.host)
    const account = bookedAccount('logs')
    await exporter.start?.()
    return {
      test,
      account,
      pass: (batch: Batches['logs']) => account.feed(exporter.inputs.logs!, batch),
      /** Resolves when everything has been sent, to the books. */
      async ended() {
        await exporter.shutdown!(AbortSignal.timeout(60_000))
        expect(account.discrepancy()).toBe(0)
        return account.balance()
      },
    }
  }

  async function sendAll(batch: Batches['logs'], options: Partial<z.input<typeof schema>> = {}) {
    const one = await exporting(options)
    await one.pass(batch)
    return { ...one, balance: await one.ended() }
  }

  async function query(text: string): Promise<Found[]> {
    const parameters = new URLSearchParams({
      query: text,
      limit: '5000',
      start: String(BigInt(now_ms - 24 * HOUR_MS) * 1_000_000n),
      end: String(BigInt(now_ms + HOUR_MS) * 1_000_000n),
      direction: 'forward',
    })
    const headers = { 'X-Loki-Response-Encoding-Flags': 'categorize-labels' }
    const answer = await fetch(`${endpoint}/loki/api/v1/query_range?${parameters}`, { headers })
    if (!answer.ok) throw new Error(`query: ${answer.status} ${await answer.text()}`)
    const { data } = (await answer.json()) as {
      data: {
        result: {
          stream: Record<string, string>
          values: [string, string, { structuredMetadata?: Record<string, string> }][]
        }[]
      }
    }
    return data.result.flatMap(({ stream, values }) =>
      values.map(([time, line, more]) => ({
        labels: stream,
        time,
        text: line,
        metadata: { ...more.structuredMetadata },
      })),
    )
  }

  const batchOf = (service: string, records: readonly LogOptions[], resource: PlainAttributes = {}) =>
    logBatch(
      records.map((record) => ({ time_ms: now_ms, ...record })),
      { resource: { 'service.name': service, ...resource } },
    )

  test('lines are found by what they are about', async () => {
    const trace = '0af7651916cd43dd8448eb211c80319c'
    const record: LogOptions = {
      body: 'an answer\nof two lines',
      trace,
      span: 'b7ad6b7169203331',
      severity: 17,
      severityText: 'ERROR',
      event: 'sluice.gen_ai.summary',
      attributes: { 'gen_ai.request.model': 'm1', tokens: 12, tools: ['a', 'b'], nested: { a: { b: 'ä"\\' } } },
    }
    const resource = { 'service.namespace': 'eu', 'host.name': 'h"1' }
    const { balance } = await sendAll(batchOf('found', [record, { body: 'of nobody' }], resource))
    expect(balance).toMatchObject({ entered: 2, delivered: 2, dropped: {} })
    const expected = {
      labels: { service_name: 'found', service_namespace: 'eu' },
      text: 'an answer\nof two lines',
      time: `${now_ms}000000`,
      metadata: {
        trace_id: trace,
        span_id: 'b7ad6b7169203331',
        severity_text: 'ERROR',
        severity_number: '17',
        event_name: 'sluice.gen_ai.summary',
        gen_ai_request_model: 'm1',
        tokens: '12',
        tools: '["a","b"]',
        nested_a_b: 'ä"\\',
        host_name: 'h"1',
        detected_level: 'error',
      },
    }
    expect(await query(`{service_name="found"} | trace_id="${trace}"`)).toEqual([expected])
    expect(await query('{service_namespace="eu"} | gen_ai_request_model="m1" | tokens > 11')).toEqual([expected])
    expect(await query('{service_name="found"}')).toHaveLength(2)
  })

  test('labels may say anything', async () => {
    const service = 'q"\\\n\t\u0001{}\u2028ä😀'
    const { balance } = await sendAll(batchOf(service, [{ body: 'hostile' }]))
    expect(balance).toMatchObject({ delivered: 1, dropped: {} })
    const found = (await query('{service_name=~"q.*"}')).map(({ labels, text }) => [labels['service_name'], text])
    expect(found).toEqual([[service, 'hostile']])
  })

  test('takes everything at its limits, cut to them', async () => {
    const many = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, at) => [`a.${at}`, at]))
    const long = (size: number) => 'ä'.repeat(size / 2)
    const records: LogOptions[] = [
      { body: long(400_000), attributes: { kind: 'long line', value: 'x'.repeat(60_000) }, severity: 9 },
      { body: 'x'.repeat(262_144), attributes: { kind: 'line at the limit' } },
      { body: '130 attributes', attributes: many(130), severity: 9 },
      { body: '128 attributes', attributes: many(128) },
      { body: 'long value', attributes: { value: long(70_000), id: 'i' }, severityText: 'WARN' },
      { body: 'value at the limit', attributes: { value: 'x'.repeat(65_536 - 5) } },
      {
        body: 'names',
        attributes: { '': 1, '.': 2, __error__: 'no', '1a': 3, 'ö.ö': 4, a_b: 5, 'a.b': 6, __name__: 7 },
      },
      { body: '' },
      { body: '\u0000', attributes: { nul: '\u0000' } },
    ]
    const { balance, test } = await sendAll(
      batchOf(
        'limits',
        records.map((record, at) => ({ ...record, time_ms: now_ms + at })),
      ),
    )
    expect(balance).toMatchObject({ entered: 9, delivered: 9, dropped: {} })
    const found = await query('{service_name="limits"}')
    const line = (text: string) => found.find((one) => one.text === text)!
    expect(found).toHaveLength(9)
    expect(found[0]!.text).toMatch(/^ä+\.\.\.\[truncated\]$/)
    expect(Buffer.byteLength(found[0]!.text)).toBeGreaterThan(262_140)
    expect(line('130 attributes').metadata).toMatchObject({ a_0: '0', a_125: '125', metadata_dropped: '4' })
    expect(line('128 attributes').metadata).toMatchObject({ a_127: '127' })
    expect(line('long value').metadata['value']).toMatch(/^ä+\.\.\.\[truncated\]$/)
    expect(line('long value').metadata).toMatchObject({ id: 'i', severity_text: 'WARN' })
    expect(line('value at the limit').metadata['value']).toHaveLength(65_531)
    expect(line('names').metadata).toMatchObject({
      unnamed: '1',
      unnamed_2: '2',
      _error_: 'no',
      key_1a: '3',
      a_b: '5',
      a_b_2: '6',
    })
    expect(test.counter('sluice_loki_truncated', 'line')).toBe(1)
  })

  test('takes any name', async () => {
    const random = new Random(11)
    const letters = ['a', 'B', '0', '_', '__', '.', '-', 'ä', '😀', '\u0000', '"', '{', ' ']
    const name = () => Array.from({ length: random.below(6) }, () => random.pick(letters)).join('')
    const attributes = Array.from({ length: 100 }, (_, at) => [name(), String(at)] as const)
    const { balance } = await sendAll(batchOf('names', [{ body: 'names', attributes }]))
    expect(balance, 'seed 11').toMatchObject({ delivered: 1, dropped: {} })
    const { detected_level: _level, ...metadata } = (await query('{service_name="names"}'))[0]!.metadata
    const numbers = attributes.map(([, value]) => value)
    expect(Object.values(metadata).sort(), 'seed 11').toEqual(numbers.sort())
  })

  test('keeps lines of the same time apart, and takes them in any order', async () => {
    const records = [5, 3, 3, 4, 1, 2, 5].map((second, at) => ({ body: `${second}-${at}`, time_ms: now_ms + second }))
    await sendAll(batchOf('order', records))
    await sendAll(batchOf('order', [{ body: 'half an hour earlier', time_ms: now_ms - HOUR_MS / 2 }]))
    const found = await query('{service_name="order"}')
    expect(found.map(({ text }) => text.slice(0, 2))).toEqual(['ha', '1-', '2-', '3-', '3-', '4-', '5-', '5-'])
  })

  test('counts exactly what is too old, and delivers the rest', async () => {
    const names = ['a', 'b', 'c', 'd']
    await sendAll(
      joined(
        'logs',
        names.map((name) => batchOf(`old-${name}`, [{ body: 'new' }])),
      ),
    )
    const ages = { a: [2, 3, 0], b: [0, 0], c: [2, 0, 0, 200, 200], d: [200, 0] }
    const batch = joined(
      'logs',
      Object.entries(ages).map(([name, hours]) =>
        batchOf(
          `old-${name}`,
          hours.map((age, at) => ({ body: `${name}${at}`, time_ms: now_ms - age * HOUR_MS + at })),
        ),
      ),
    )
    const { balance, test } = await sendAll(batch)
    expect(balance).toMatchObject({ entered: 12, delivered: 6, dropped: { rejected_by_backend: 6 } })
    const counted = ['too_old', 'other'].map((reason) => test.counter('sluice_loki_refused_lines', reason))
    // The ingester's word about c hides that its distributor found two lines too old.
    expect(counted).toEqual([4, 2])
    const found = await query('{service_name=~"old-.*"} != "new"')
    expect(found.map(({ text }) => text).sort()).toEqual(['a2', 'b0', 'b1', 'c1', 'c2', 'd1'])
    expect(JSON.stringify(test.lines)).not.toContain('old-')
  })

  test('sends what is larger than Loki takes in pieces', async () => {
    const records = Array.from({ length: 60 }, (_, at) => ({ body: `${at} ${'x'.repeat(200_000)}` }))
    for (const [service, max_request_size] of [
      ['large', 3_500_000],
      ['larger', 50_000_000],
    ] as const) {
      const { balance } = await sendAll(batchOf(service, records), { max_request_size })
      expect(balance).toMatchObject({ entered: 60, delivered: 60, dropped: {} })
      const found = await query(`{service_name="${service}"} |= "x" | line_format "{{ __line__ | trunc 3 }}"`)
      expect(new Set(found.map(({ text }) => text.trim())).size).toBe(60)
    }
  })

  test('loses nothing and doubles nothing when Loki is restarted', async () => {
    const one = await exporting({
      retry_on_failure: { initial_interval: '200ms', max_interval: '500ms' },
      sending_queue: { num_consumers: 4 },
    })
    const texts: string[] = []
    const stopping = { done: undefined as Promise<void> | undefined }
    for (let batch = 0; batch < 100; batch++) {
      const records = Array.from({ length: 20 }, (_, at) => ({ body: `${batch}-${at}`, more: { timeUnixNano: 0n } }))
      texts.push(...records.map(({ body }) => body))
      await one.pass(batchOf('restart', records))
      if (batch === 40) {
        stopping.done = (async () => {
          await server.stop()
          await start()
        })()
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await stopping.done
    await eventually(async () => {
      if (one.account.balance().held.queued > 0) throw new Error('something is still queued')
    })
    expect(await one.ended()).toMatchObject({ entered: 2000, delivered: 2000, dropped: {} })
    expect(one.test.counter('sluice_exporter_retries', 'logs')).toBeGreaterThan(0)
    const found = (await query('{service_name="restart"}')).map(({ text }) => text)
    expect(found.length).toBe(2000)
    expect(new Set(found)).toEqual(new Set(texts))
  })
})
