/**
 * Sampling beside the real Collector: of the same traces, both keep the same, so that tiers and nodes of either kind can
 * be mixed, and a config means the same here as there.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Random } from '../../src/otlp/random.fixture.ts'
import { trusted } from '../../src/telemetry/batch.ts'
import { itemsOf, type PlainAttributes, type SpanOptions, traceBatch } from '../support/otlp.ts'
import { freePort } from '../support/ports.ts'
import { eventually, haveShared, post, type Running, startBackend, startDaemon } from './processes.fixture.ts'

const TRACES = 10_000
const REQUESTS = 20
const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

interface Sink {
  readonly server: Server
  readonly port: number
  /** Ids of the traces that came, and how many spans. */
  readonly traces: Set<string>
  /** Ids of the traces that came, by path without the slash. */
  readonly byPath: Map<string, Set<string>>
  spans: number
}

describe.skipIf(!haveShared())('beside the Collector (skipped where ../shared is missing)', () => {
  let directory: string
  const running: Running[] = []
  const sinks: Sink[] = []

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-agreement-'))
  })

  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop()
    for (const { server } of sinks.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
    rmSync(directory, { recursive: true, force: true })
  })

  async function sink(): Promise<Sink> {
    const server = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        const body = Buffer.concat(parts)
        const path = decodeURIComponent(request.url!.slice(1))
        const bytes = request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body
        for (const span of itemsOf(trusted('traces', bytes))) {
          const id = (span['traceId'] as Buffer).toString('hex')
          made.traces.add(id)
          made.byPath.set(path, (made.byPath.get(path) ?? new Set()).add(id))
          made.spans++
        }
        response.setHeader('content-type', 'application/x-protobuf')
        response.end()
      })
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const made: Sink = {
      server,
      port: (server.address() as AddressInfo).port,
      traces: new Set(),
      byPath: new Map(),
      spans: 0,
    }
    sinks.push(made)
    return made
  }

  test.each([
    { sampling_percentage: 5 },
    { sampling_percentage: 10 },
    { sampling_percentage: 10, hash_salt: 'another salt' },
  ])(`both keep the same traces: %o, seed ${seed}`, async (probabilistic) => {
    const ours = { sink: await sink(), port: await freePort() }
    const theirs = { sink: await sink(), port: await freePort() }
    const path = join(directory, 'collector.json')
    writeFileSync(path, JSON.stringify(configOf(theirs.port, theirs.sink.port, probabilistic)))
    running.push(startBackend('otelcol', ['--config', path]))
    running.push(startDaemon(join(directory, 'sluice.json'), configOf(ours.port, ours.sink.port, probabilistic)))
    const random = new Random(seed)
    const ids = Array.from({ length: TRACES }, () => idOf(random))
    for (let request = 0; request < REQUESTS; request++) {
      const share = ids.slice((request * TRACES) / REQUESTS, ((request + 1) * TRACES) / REQUESTS)
      const { bytes } = traceBatch(share.flatMap((trace) => [{ trace }, { trace, id: '00000000000000aa' }]))
      await post(ours.port, 'traces', bytes)
      await post(theirs.port, 'traces', bytes)
    }
    const expected = (TRACES * probabilistic.sampling_percentage) / 100
    await eventually(async () => {
      const [one, other] = [ours.sink, theirs.sink].map(({ traces }) => [...traces].sort())
      expect(one!.length).toBeGreaterThan(expected * 0.8)
      expect(one).toEqual(other)
    })
    expect(ours.sink.traces.size).toBeLessThan(expected * 1.2)
    for (const one of running) expect(await one.stop(), one.log()).toBe(0)
    expect([...ours.sink.traces].sort()).toEqual([...theirs.sink.traces].sort())
    for (const { spans, traces } of sinks) expect(spans).toBe(traces.size * 2)
  })

  test(`each policy, and how they are combined, keeps the same traces, seed ${seed}`, async () => {
    const ours = { sink: await sink(), port: await freePort() }
    const theirs = { sink: await sink(), port: await freePort() }
    const path = join(directory, 'collector.json')
    writeFileSync(path, JSON.stringify(configOfAll(theirs.port, theirs.sink.port)))
    running.push(startBackend('otelcol', ['--config', path]))
    running.push(startDaemon(join(directory, 'sluice.json'), configOfAll(ours.port, ours.sink.port)))
    for (const body of bodiesOf(new Random(seed))) {
      await post(ours.port, 'traces', body)
      await post(theirs.port, 'traces', body)
    }
    const names = Object.keys(policies)
    const keptBy = ({ byPath }: Sink) => names.map((name) => [name, [...(byPath.get(name) ?? [])].sort()] as const)
    const compare = (): void => {
      const expected = keptBy(theirs.sink)
      for (const [at, one] of keptBy(ours.sink).entries()) expect(one).toEqual(expected[at])
    }
    await eventually(async () => {
      expect(theirs.sink.byPath.get('always_sample')?.size).toBe(VARIED_TRACES)
      compare()
    })
    for (const one of running) expect(await one.stop(), one.log()).toBe(0)
    compare()
    for (const [name, kept] of keptBy(ours.sink)) {
      const isAll = name === 'always_sample' || name === 'rate_limiting'
      const isNone = name === 'drop alone' || name === 'composite without allocation'
      if (!isAll && !isNone) expect([name, kept.length > 20 && kept.length < VARIED_TRACES - 20]).toEqual([name, true])
    }
  })
})

const VARIED_TRACES = 2000
const VARIED_REQUESTS = 20
const START_MS = 1_700_000_000_000

const settingsOf = (type: string, settings: object, name = 'p') => ({ name, type, [type]: settings })
const always = { name: 'always', type: 'always_sample' }
const failed = settingsOf('status_code', { status_codes: ['ERROR'] }, 'failed')
const isA = settingsOf('string_attribute', { key: 'text', values: ['a', 'b'] }, 'is_a')
const isNotA = settingsOf('string_attribute', { key: 'text', values: ['a'], invert_match: true }, 'is_not_a')
const long = settingsOf('latency', { threshold_ms: 500 }, 'long')
const all = (...subs: object[]) => settingsOf('and', { and_sub_policy: subs }, 'and')
const drop = (...subs: object[]) => settingsOf('drop', { drop_sub_policy: subs }, 'drop')
const not = (sub: object) => settingsOf('not', { not_sub_policy: sub }, 'not')
const composite = (rate_allocation: object[]) =>
  settingsOf('composite', {
    max_total_spans_per_second: 1_000_000_000,
    policy_order: ['is_a', 'and'],
    composite_sub_policy: [isA, all(failed, long)],
    rate_allocation,
  })

/** Bounds of 0 and numbers that are no integers mean something else there, and are left out. */
const policies: Readonly<Record<string, readonly object[]>> = {
  always_sample: [always],
  latency: [long],
  'latency band': [settingsOf('latency', { threshold_ms: 300, upper_threshold_ms: 700 })],
  numeric_attribute: [settingsOf('numeric_attribute', { key: 'number', min_value: 5, max_value: 40 })],
  'numeric_attribute without upper bound': [settingsOf('numeric_attribute', { key: 'number', min_value: 90 })],
  'numeric_attribute inverted': [
    settingsOf('numeric_attribute', { key: 'number', min_value: 5, max_value: 60, invert_match: true }),
  ],
  string_attribute: [isA],
  'string_attribute inverted': [isNotA],
  'string_attribute matching': [
    settingsOf('string_attribute', { key: 'text', values: ['^a.+', 'z'], enabled_regex_matching: true }),
  ],
  'string_attribute matching inverted': [
    settingsOf('string_attribute', {
      key: 'text',
      values: ['b', 'c$'],
      enabled_regex_matching: true,
      cache_max_size: 2,
      invert_match: true,
    }),
  ],
  boolean_attribute: [settingsOf('boolean_attribute', { key: 'flag', value: true })],
  'boolean_attribute false': [settingsOf('boolean_attribute', { key: 'flag', value: false })],
  'boolean_attribute inverted': [settingsOf('boolean_attribute', { key: 'flag', value: true, invert_match: true })],
  status_code: [failed],
  'status_code of several': [settingsOf('status_code', { status_codes: ['OK', 'ERROR'] })],
  trace_state: [settingsOf('trace_state', { key: 'tier', values: ['1', '2'] })],
  trace_flags: [{ name: 'p', type: 'trace_flags' }],
  span_count: [settingsOf('span_count', { min_spans: 3 })],
  'span_count band': [settingsOf('span_count', { min_spans: 2, max_spans: 4 })],
  probabilistic: [settingsOf('probabilistic', { sampling_percentage: 12.5 })],
  rate_limiting: [settingsOf('rate_limiting', { spans_per_second: 1_000_000 })],
  and: [all(failed, long)],
  'and of inverted': [all(failed, isNotA)],
  'and of not': [all(long, not(failed))],
  not: [not(failed)],
  'not of inverted': [not(isNotA)],
  'several policies': [settingsOf('probabilistic', { sampling_percentage: 5 }), failed, all(isA, long)],
  'inverted beside others': [isNotA, failed],
  drop: [always, drop(failed)],
  'drop, first in the list': [drop(isA, long), always],
  'drop of inverted': [always, drop(isNotA)],
  'drop of not': [failed, drop(not(long))],
  'drop alone': [drop(failed)],
  'drop beside rate and probability': [
    drop(settingsOf('probabilistic', { sampling_percentage: 50 })),
    settingsOf('rate_limiting', { spans_per_second: 1_000_000, burst_capacity: 2_000_000 }),
  ],
  composite: [composite([{ policy: 'is_a', percent: 50 }, { policy: 'and' }])],
  'composite without allocation': [composite([])],
}

/** A pipeline for each of the policies, which sends to the path of its name. */
function configOfAll(receive: number, send: number): object {
  const ids = Object.keys(policies).map((name) => ({ name, id: name.replaceAll(/[^a-z]+/g, '_') }))
  const sampling = { decision_wait: '4s', num_traces: 50_000 }
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${receive}` } } } },
    processors: {
      batch: {},
      ...Object.fromEntries(
        ids.map(({ name, id }) => [`tail_sampling/${id}`, { ...sampling, policies: policies[name] }]),
      ),
    },
    exporters: Object.fromEntries(
      ids.map(({ name, id }) => [
        `otlp_http/${id}`,
        { traces_endpoint: `http://127.0.0.1:${send}/${encodeURIComponent(name)}` },
      ]),
    ),
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { level: 'error' } },
      pipelines: Object.fromEntries(
        ids.map(({ id }) => [
          `traces/${id}`,
          { receivers: ['otlp'], processors: [`tail_sampling/${id}`, 'batch'], exporters: [`otlp_http/${id}`] },
        ]),
      ),
    },
  }
}

/** Traces of up to six spans in up to three requests, the root first and as long as the trace. */
function bodiesOf(random: Random): Buffer[] {
  const requests = Array.from(
    { length: VARIED_REQUESTS },
    () => [] as { spans: SpanOptions[]; resource: PlainAttributes }[],
  )
  for (let trace = 0; trace < VARIED_TRACES; trace++) {
    const id = idOf(random)
    const start_ms = START_MS + random.below(100) * 10
    const end_ms = start_ms + random.below(100) * 10 + 5
    const first = random.below(VARIED_REQUESTS)
    for (let at = 0; at <= random.below(6); at++) {
      const request = requests[Math.min(VARIED_REQUESTS - 1, first + (at === 0 ? 0 : random.below(3)))]!
      const times = at === 0 ? { start_ms, end_ms } : { start_ms: start_ms + 1, end_ms: end_ms - 1 }
      const more = {
        ...(random.chance(10) && { traceState: `other=7,tier=${random.below(5)}` }),
        ...(random.chance(15) && { flags: 1 }),
      }
      request.push({
        spans: [
          {
            trace: id,
            id: (trace * 8 + at + 1).toString(16).padStart(16, '0'),
            ...(at > 0 && { parent: (trace * 8 + 1).toString(16).padStart(16, '0') }),
            ...times,
            status: { code: random.chance(10) ? 2 : random.below(2) },
            attributes: attributesFor(random, 30),
            more,
          },
        ],
        resource: attributesFor(random, 4),
      })
    }
  }
  return requests.map((groups) =>
    Buffer.concat(groups.map(({ spans, resource }) => traceBatch(spans, { resource }).bytes)),
  )
}

function attributesFor(random: Random, chance: number): PlainAttributes {
  return {
    'service.name': 'shop',
    ...(random.chance(chance) && { text: random.pick(['a', 'b', 'c', 'abc', 'acb', 'xyz']) }),
    ...(random.chance(chance) && { number: random.below(120) - 10 }),
    ...(random.chance(chance) && { flag: random.chance(50) }),
  }
}

/** One config for both. */
function configOf(receive: number, send: number, probabilistic: object): object {
  const policies = [{ name: 'some', type: 'probabilistic', probabilistic }]
  return {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${receive}` } } } },
    processors: { tail_sampling: { decision_wait: '1s', num_traces: 50_000, policies } },
    // The Collector sends each trace alone, and a second's worth would overflow its default queue.
    exporters: { otlp_http: { endpoint: `http://127.0.0.1:${send}`, sending_queue: { queue_size: TRACES } } },
    service: {
      telemetry: { metrics: { level: 'none' }, logs: { level: 'warn' } },
      pipelines: { traces: { receivers: ['otlp'], processors: ['tail_sampling'], exporters: ['otlp_http'] } },
    },
  }
}

function idOf(random: Random): string {
  return Array.from({ length: 16 }, () => random.below(256).toString(16).padStart(2, '0')).join('')
}
