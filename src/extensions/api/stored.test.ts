import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { type TestHost, testHost } from '../../../test/support/host.ts'
import { logBatch, type SpanOptions, traceBatch } from '../../../test/support/otlp.ts'
import type { Batches } from '../../component.ts'
import { store as factory, StoreExporter } from '../../exporters/store/index.ts'
import { schema } from './config.ts'
import { Api } from './index.ts'

const START_MS = 1_700_000_000_000
const directory = mkdtempSync(join(tmpdir(), 'sluice-api-'))
const running: { shutdown?(deadline: AbortSignal): Promise<void> }[] = []
let stores = 0

/** What answers hold, as far as it is looked at. */
interface Body {
  readonly traces: { readonly trace_id: string }[]
  readonly next: string | null
  readonly truncated: boolean
  readonly loading: boolean
  readonly summary: { readonly spans: number }
  readonly trace: {
    readonly resourceSpans: {
      readonly resource: { readonly attributes: unknown }
      readonly scopeSpans: { readonly spans: unknown }[]
    }[]
  }
  readonly logs: { readonly body: { readonly second: number } }[]
  readonly error: { readonly status: number; readonly message: string }
}

afterEach(async () => {
  for (const one of running.splice(0)) await one.shutdown?.(AbortSignal.abort())
  rmSync(directory, { recursive: true, force: true })
})

async function api(host: TestHost = testHost()) {
  const made = new Api(schema.parse({ endpoint: '127.0.0.1:0' }), host)
  running.push(made)
  await made.start()
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${made.port}${path}`)
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Body }
  }
  return { host, get }
}

async function store(host: TestHost, ...batches: (Batches['traces'] | Batches['logs'])[]) {
  const config = factory.schema.parse({ directory: join(directory, `${++stores}`) })
  const made = new StoreExporter(config, host)
  running.push(made)
  await made.start()
  await made.loaded()
  for (const batch of batches) {
    if (batch.signal === 'traces') await bookedAccount().feed(made.inputs.traces!, batch)
    else await bookedAccount('logs').feed(made.inputs.logs!, batch)
  }
}

function span(trace: string, minutes: number, more: SpanOptions = {}): SpanOptions {
  const start_ms = START_MS + minutes * 60_000
  return { trace: trace.padStart(32, '0'), start_ms, end_ms: start_ms + 1500, ...more }
}
const shop = { resource: { 'service.name': 'shop' } }
const call = {
  attributes: {
    'sluice.dialect': 'semconv',
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'gpt-5',
    'gen_ai.usage.input_tokens': 12,
    'sluice.cost.usd': 0.0125,
    'sluice.quality.score': 0.3,
    'sluice.quality.signals': ['refusal'],
    'sluice.sampling.policy': 'quality',
    'sluice.sampling.decision': 'decided',
    'sluice.sampling.reason': 'low quality',
  },
  name: 'chat gpt-5',
}

describe('traces', () => {
  test('are listed newest first', async () => {
    const { host, get } = await api()
    await store(host, traceBatch([span('a', 1, call), span('b', 2, { status: { code: 2 } })], shop))
    const { status, headers, body } = await get('/api/traces')
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store'])
    const unknown = { cost_usd: null, input_tokens: null, output_tokens: null, quality_score: null }
    expect(body).toEqual({
      traces: [
        {
          trace_id: '0000000000000000000000000000000b',
          service: 'shop',
          root_name: 'span',
          start: '2023-11-14T22:15:20.000Z',
          duration_ms: 1500,
          spans: 1,
          models: [],
          ...unknown,
          quality_signals: [],
          error: true,
          policy: '',
          decision: '',
          reason: '',
        },
        {
          trace_id: '0000000000000000000000000000000a',
          service: 'shop',
          root_name: 'chat gpt-5',
          start: '2023-11-14T22:14:20.000Z',
          duration_ms: 1500,
          spans: 1,
          models: ['gpt-5'],
          cost_usd: 0.0125,
          input_tokens: 12,
          output_tokens: null,
          quality_score: 0.3,
          quality_signals: ['refusal'],
          error: false,
          policy: 'quality',
          decision: 'decided',
          reason: 'low quality',
        },
      ],
      next: null,
      loading: false,
    })
  })

  test.each([
    ['service=shop', 'ba'],
    ['service=other', ''],
    ['model=gpt-5', 'a'],
    ['signal=refusal', 'a'],
    ['policy=quality', 'a'],
    ['reason=LOW', 'a'],
    ['status=error', 'b'],
    ['status=ok', 'a'],
    ['min_cost_usd=0.0125', 'a'],
    ['min_cost_usd=1', ''],
    ['max_score=0.3', 'a'],
    ['limit=1', 'b'],
    ['since=2023-11-14T22:15:00Z', 'b'],
    ['since=2023-11-14T23:15:00+01:00', 'b'],
    ['until=1700000100', 'a'],
    ['since=90s', 'b'],
    ['since=1h&until=90s', 'a'],
    ['service=', 'ba'],
  ])('?%s', async (query, expected) => {
    const { host, get } = await api()
    await host.clock.advance(180_000)
    await store(host, traceBatch([span('a', 1, call), span('b', 2, { status: { code: 2 } })], shop))
    const { body } = await get(`/api/traces?${query}`)
    expect(body.traces.map(({ trace_id }) => trace_id.at(-1)).join('')).toBe(expected)
  })

  test('come page by page, each once, also of several stores', async () => {
    const { host, get } = await api()
    const ids = Array.from({ length: 25 }, (_, at) => `${100 + at}`)
    // Several of one time: the cursor tells them apart.
    const spans = ids.map((id, at) =>
      span(id, Math.floor(at / 10), {
        more: { startTimeUnixNano: BigInt(START_MS + Math.floor(at / 10)) * 1_000_000n + 123_456n },
      }),
    )
    await store(host, traceBatch(spans.slice(0, 15)))
    await store(host, traceBatch(spans.slice(10)))
    const found: string[] = []
    let next: string | null = ''
    for (let page = 0; page < 9 && next !== null; page++) {
      const { body } = await get(`/api/traces?limit=10${next && `&before=${next}`}`)
      found.push(...body.traces.map((trace) => trace.trace_id.replace(/^0+/, '')))
      next = body.next
    }
    expect(found).toHaveLength(25)
    expect(found.toSorted()).toEqual(ids)
    expect(found[0]).toBe('120')
  })

  test.each([
    ['limit=0', 'limit: found "0", expected a number from 1 to 1000'],
    ['limit=1.5', 'limit: found "1.5", expected a whole number from 1 to 1000'],
    ['since=yesterday', 'since: found "yesterday", expected a time such as 2026-01-31T12:00:00Z, Unix seconds, or a'],
    ['until=2026-13-01T00:00:00Z', 'until: found "2026-13-01T00:00:00Z", expected a time'],
    ['status=bad', 'status: found "bad", expected error or ok'],
    ['max_score=2', 'max_score: found "2", expected a number from 0 to 1'],
    ['min_cost_usd=-1', 'min_cost_usd: found "-1", expected a number at least 0'],
    ['before=x', 'before: found "x", expected `next` of an earlier answer'],
    ['models=x', 'found the parameter "models", expected some of service, model,'],
    ['model=a&model=b', 'found model more than once, expected it once'],
  ])('?%s is refused', async (query, message) => {
    const { host, get } = await api()
    await store(host)
    const { status, body } = await get(`/api/traces?${query}`)
    expect([status, body.error.status]).toEqual([400, 400])
    expect(body.error.message).toContain(message)
  })
})

describe('a trace', () => {
  test('is shown as OTLP, with its summary and logs', async () => {
    const { host, get } = await api()
    const log = logBatch([{ body: 'hello', trace: 'a'.padStart(32, '0') }, { body: 'other' }], shop)
    await store(host, traceBatch([span('a', 1, call), span('b', 2)], shop), log)
    for (const id of ['a', 'A', '0000000000000000000000000000000a']) {
      const { status, body } = await get(`/api/traces/${id}`)
      expect(status).toBe(200)
      expect(body).toMatchObject({
        summary: { trace_id: 'a'.padStart(32, '0'), root_name: 'chat gpt-5' },
        truncated: false,
        loading: false,
        logs: [{ body: 'hello' }],
      })
      const resource = body.trace.resourceSpans[0]!
      expect(body.trace.resourceSpans).toHaveLength(1)
      expect(resource.resource.attributes).toEqual([{ key: 'service.name', value: { stringValue: 'shop' } }])
      expect(resource.scopeSpans[0]!.spans).toMatchObject([
        { traceId: 'a'.padStart(32, '0'), startTimeUnixNano: '1700000060000000000', name: 'chat gpt-5' },
      ])
    }
  })

  test('that is very large is cut', async () => {
    const { host, get } = await api()
    const filling = { attributes: { text: 'x'.repeat(1 << 20) } }
    const spans = Array.from({ length: 20 }, (_, at) =>
      span('a', 1, { ...filling, id: `${1000 + at}`.padStart(16, '0') }),
    )
    await store(host, traceBatch(spans))
    const { body } = await get('/api/traces/a')
    expect(body.truncated).toBe(true)
    expect(body.summary.spans).toBe(20)
    const count = body.trace.resourceSpans.length
    expect([count, JSON.stringify(body).length < 16 << 20]).toEqual([15, true])
  })

  test.each([
    ['abc', 404, /no trace with this id is stored: it may not have been kept/],
    ['xyz', 400, /the trace id: found "xyz", expected a trace id of 32 hexadecimal digits/],
    ['', 400, /found ""/],
    ['a/b', 400, /found "a\/b"/],
    ['a?limit=1', 400, /found the parameter "limit"/],
  ])('%s is answered with %i', async (id, status, message) => {
    const { host, get } = await api()
    await store(host)
    const answer = await get(`/api/traces/${id}`)
    expect(answer.status).toBe(status)
    expect(answer.body.error.message).toMatch(message)
  })
})

describe('logs', () => {
  test('are listed newest first', async () => {
    const { host, get } = await api()
    const at = (second: number, severity: number) => ({
      body: { second },
      severity,
      time_ms: START_MS + second * 1000,
      trace: `${second}`.padStart(32, '0'),
    })
    await store(host, logBatch([at(1, 9), at(3, 17)], shop))
    await store(host, logBatch([at(2, 13)]))
    const seconds = async (query: string) => {
      const { status, body } = await get(`/api/logs?${query}`)
      expect([status, body.truncated, body.loading]).toEqual([200, false, false])
      return body.logs.map((log) => log.body.second)
    }
    expect(await seconds('')).toEqual([3, 2, 1])
    expect(await seconds('limit=2')).toEqual([3, 2])
    expect(await seconds('severity=warn')).toEqual([3, 2])
    expect(await seconds('severity=17')).toEqual([3])
    expect(await seconds('trace_id=2')).toEqual([2])
    expect(await seconds('service=shop&until=1700000002')).toEqual([1])
    expect(await seconds('event=none')).toEqual([])
    expect((await get('/api/logs?severity=loud')).body.error.message).toMatch(/severity: found "loud", expected trace,/)
  })
})

test.each(['/api/traces', '/api/traces/abc', '/api/logs'])('%s without a store says what to add', async (path) => {
  const { get } = await api()
  const { status, body } = await get(path)
  expect(status).toBe(404)
  expect(body.error.message).toBe(
    'nothing is stored: add the exporter `store` to a pipeline of traces or logs in the config',
  )
})
