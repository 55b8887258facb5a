/**
 * The shipped collector.yaml with the real Tempo, Loki and Prometheus of the compose file, each of them restarted in the
 * middle: what has to be there is there, what has to be counted is counted, and no personal data is anywhere.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../support/ports.ts'
import { eventually, haveShared, type Running, startBackend, startProgram } from './processes.fixture.ts'
import { type MadeTrace, makeTraffic, PLANTED, randomFrom } from './traffic.fixture.ts'

const TRACES = 10_000
const TRACES_PER_REQUEST = 50
const KEPT_OF_THE_REST = 0.075
const SEED = Number(process.env['SEED'] ?? Date.now() % 1e6)

const root = fileURLToPath(new URL('../../', import.meta.url))
const compose = join(root, 'deploy/compose')
const NAMES = [
  'grpc',
  'http',
  'metrics',
  'api',
  'health',
  'self',
  'tempo',
  'tempoGrpc',
  'tempoOtlp',
  'loki',
  'lokiGrpc',
  'prometheus',
] as const

describe.skipIf(!haveShared())('real backends', () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-backends-'))
  const port = {} as Record<(typeof NAMES)[number], number>
  const traces: MadeTrace[] = []
  let daemon: Running
  let tempo: Running
  let loki: Running
  let prometheus: Running

  beforeAll(async () => {
    process.stderr.write(`seed ${SEED}\n`)
    for (const name of NAMES) port[name] = await freePort()
    writeFileSync(join(directory, 'prometheus.yml'), prometheusConfig(port.metrics, port.self))
    tempo = startTempo()
    loki = startLoki()
    prometheus = startPrometheus()
    writeFileSync(join(directory, 'overlay.json'), JSON.stringify(overlay(port)))
    daemon = startProgram(
      process.execPath,
      ['src/main.ts', '--config', 'collector.yaml', '--config', join(directory, 'overlay.json')].map((argument) =>
        argument === 'src/main.ts' || argument === 'collector.yaml' ? join(root, argument) : argument,
      ),
      {
        TEMPO_ENDPOINT: `127.0.0.1:${port.tempoOtlp}`,
        LOKI_ENDPOINT: `http://127.0.0.1:${port.loki}`,
        SLUICE_CONTENT: 'mask',
        SLUICE_DATA: join(directory, 'sluice'),
      },
    )
    await eventually(() => text(`http://127.0.0.1:${port.health}/`))
    const random = randomFrom(SEED)
    await sendTraces(TRACES / 4, random)
    tempo = await restarted(tempo, startTempo, () => sendTraces(TRACES / 4, random))
    loki = await restarted(loki, startLoki, () => sendTraces(TRACES / 4, random))
    prometheus = await restarted(prometheus, startPrometheus, () => sendTraces(TRACES / 4, random))
    await allHandedOn()
  }, 300_000)

  afterAll(async () => {
    const code = await daemon?.stop()
    await Promise.all([tempo?.stop(), loki?.stop(), prometheus?.stop()])
    rmSync(directory, { recursive: true, force: true })
    expect(code, daemon?.log()).toBe(0)
  }, 60_000)

  function startTempo(): Running {
    return startBackend('tempo', [`-config.file=${compose}/tempo.yaml`, '-config.expand-env=true'], {
      TEMPO_HOST: '127.0.0.1',
      TEMPO_HTTP_PORT: String(port.tempo),
      TEMPO_GRPC_PORT: String(port.tempoGrpc),
      TEMPO_OTLP_GRPC_PORT: String(port.tempoOtlp),
      TEMPO_DATA: join(directory, 'tempo'),
    })
  }

  function startLoki(): Running {
    return startBackend('loki', [`-config.file=${compose}/loki.yaml`, '-config.expand-env=true'], {
      LOKI_HOST: '127.0.0.1',
      LOKI_HTTP_PORT: String(port.loki),
      LOKI_GRPC_PORT: String(port.lokiGrpc),
      LOKI_DATA: join(directory, 'loki'),
    })
  }

  function startPrometheus(): Running {
    return startBackend('prometheus', [
      `--config.file=${join(directory, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(directory, 'prometheus')}`,
      `--web.listen-address=127.0.0.1:${port.prometheus}`,
      '--enable-feature=exemplar-storage',
      '--scrape.discovery-reload-interval=100ms',
    ])
  }

  /** Sends while the backend is away and comes back. */
  async function restarted(backend: Running, start: () => Running, send: () => Promise<void>): Promise<Running> {
    const sending = send()
    await backend.stop()
    const again = start()
    await sending
    return again
  }

  async function sendTraces(count: number, random: () => number): Promise<void> {
    for (let sent = 0; sent < count; sent += TRACES_PER_REQUEST) {
      const made = makeTraffic(TRACES_PER_REQUEST, random)
      for (const body of made.bodies) await postUntilTaken(body)
      traces.push(...made.traces)
    }
  }

  /** As an SDK does: what is refused for now comes again. */
  function postUntilTaken(body: Buffer): Promise<void> {
    return eventually(async () => {
      const headers = { 'content-type': 'application/x-protobuf' }
      const answer = await fetch(`http://127.0.0.1:${port.http}/v1/traces`, {
        method: 'POST',
        headers,
        body: new Uint8Array(body),
      })
      await answer.arrayBuffer()
      if (answer.status !== 200) throw new Error(`a body was answered with ${answer.status}`)
    }, 60_000)
  }

  /** Waits until nothing is held anywhere and the last metrics were scraped. */
  async function allHandedOn(): Promise<void> {
    await eventually(
      async () => {
        const { ledger } = (await json(`http://127.0.0.1:${port.api}/api/pipeline`)) as { ledger: Balance[] }
        for (const { edge, held } of ledger)
          for (const [place, items] of Object.entries(held))
            if (items > 0) throw new Error(`${items} items are ${place} at ${edge}`)
        const calls = traces.reduce((sum, trace) => sum + trace.calls.length, 0)
        const [counted] = await query('sum(llm_requests_total)')
        if (Number(counted?.value[1]) < calls) throw new Error(`${counted?.value[1]} of ${calls} calls are counted`)
      },
      120_000,
      500,
    )
  }

  async function query(promql: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]> {
    const url = `http://127.0.0.1:${port.prometheus}/api/v1/query?query=${encodeURIComponent(promql)}`
    return ((await json(url)) as { data: { result: [] } }).data.result
  }

  async function countInLoki(logql: string): Promise<number> {
    const parameters = new URLSearchParams({ query: `sum(count_over_time(${logql} [1h]))` })
    const { data } = (await json(`http://127.0.0.1:${port.loki}/loki/api/v1/query?${parameters}`)) as LokiAnswer
    return Number(data.result[0]?.value?.[1] ?? 0)
  }

  /** Trace ids of all lines that match; pages overlap by one moment, so that no line between two is missed. */
  async function tracesInLoki(logql: string, texts: string[] = []): Promise<Set<string>> {
    const ids = new Set<string>()
    for (let start = String((Date.now() - 3_600_000) * 1e6); ; ) {
      const parameters = new URLSearchParams({ query: logql, limit: '5000', direction: 'forward', start })
      const { data } = (await json(`http://127.0.0.1:${port.loki}/loki/api/v1/query_range?${parameters}`)) as LokiAnswer
      texts.push(JSON.stringify(data))
      let last = start
      let lines = 0
      for (const { stream, values } of data.result) {
        ids.add(stream!['trace_id'] ?? 'none')
        lines += values!.length
        for (const [time] of values!) if (BigInt(time) > BigInt(last)) last = time
      }
      if (lines < 5000 || last === start) return ids
      start = last
    }
  }

  test('nothing was dropped on any way', async () => {
    const { ledger } = (await json(`http://127.0.0.1:${port.api}/api/pipeline`)) as { ledger: Balance[] }
    expect(ledger.filter(({ dropped }) => Object.keys(dropped).length > 0)).toEqual([])
  })

  test('Tempo has every failed and every low-quality trace, and of the others a fair sample', async () => {
    const kept = await keptInTempo(traces, port.tempo, port.api)
    const missing = traces.filter(({ id, outcome }) => outcome !== 'good' && !kept.has(id))
    expect(missing).toEqual([])
    const rest = traces.filter(({ outcome }) => outcome === 'good')
    const keptOfRest = rest.filter(({ id }) => kept.has(id)).length
    const expected = rest.length * KEPT_OF_THE_REST
    const deviation = Math.sqrt(expected * (1 - KEPT_OF_THE_REST))
    process.stderr.write(`kept ${keptOfRest} of ${rest.length} good traces, expected ${expected} ± ${3 * deviation}\n`)
    expect(Math.abs(keptOfRest - expected)).toBeLessThan(3 * deviation)
    const lost = [...(await keptInStore(port.api))].filter((id) => !kept.has(id))
    expect(lost).toEqual([])
  })

  test('Loki has a summary of every call, and the content of kept traces only', async () => {
    const calls = traces.reduce((sum, trace) => sum + trace.calls.length, 0)
    const all = '{service_name=~".+"}'
    expect(await countInLoki(`${all} | event_name="sluice.gen_ai.summary"`)).toBe(calls)
    expect(await tracesInLoki(`${all} | event_name="sluice.gen_ai.summary"`)).toEqual(
      new Set(traces.map(({ id }) => id)),
    )
    expect(await tracesInLoki(`${all} | event_name="sluice.gen_ai.content"`)).toEqual(await keptInStore(port.api))
  })

  test('Prometheus has the true totals', async () => {
    const truth = new Map<string, { calls: number; input: number; output: number }>()
    for (const { model, input, output } of traces.flatMap((trace) => trace.calls)) {
      const sums = truth.get(model) ?? { calls: 0, input: 0, output: 0 }
      truth.set(model, { calls: sums.calls + 1, input: sums.input + input, output: sums.output + output })
    }
    const found = new Map<string, Record<string, number>>()
    const families = { calls: 'llm_requests_total', input: 'llm_tokens_input_total', output: 'llm_tokens_output_total' }
    for (const [name, family] of Object.entries(families))
      for (const { metric, value } of await query(`sum by (model) (${family})`))
        found.set(metric['model']!, { ...found.get(metric['model']!), [name]: Number(value[1]) })
    expect(found).toEqual(truth)
  })

  test('every query of the dashboard is valid and most have data', async () => {
    const dashboard = readFileSync(join(root, 'deploy/grafana/dashboards/llm_overview.json'), 'utf8')
    const { panels } = JSON.parse(dashboard) as { panels: { title: string; targets: { expr?: string }[] }[] }
    const empty: string[] = []
    for (const { title, targets } of panels)
      for (const { expr } of targets) {
        if (expr === undefined || expr.startsWith('{')) continue
        const filled = expr.replaceAll('$model', '.*').replaceAll(/\$__(range|rate_interval)/g, '5m')
        if ((await query(filled)).length === 0) empty.push(title)
      }
    // Nothing streams and nothing is refused by a provider here.
    expect(empty).toEqual(['Time to first token', 'Time per output token', 'Errors and rate limits'])
  })

  test('no planted personal data is anywhere', async () => {
    const places = new Map([['log', daemon.log()]])
    places.set('metrics', await text(`http://127.0.0.1:${port.metrics}/metrics`))
    for (const path of ['traces', 'logs'])
      places.set(`api ${path}`, await text(`http://127.0.0.1:${port.api}/api/${path}?limit=1000`))
    for (const id of [...(await keptInTempo(traces, port.tempo, port.api))].slice(0, 200)) {
      places.set(`Tempo ${id}`, await text(`http://127.0.0.1:${port.tempo}/api/traces/${id}`))
      places.set(`store ${id}`, await text(`http://127.0.0.1:${port.api}/api/traces/${id}`))
    }
    const lines: string[] = []
    await tracesInLoki('{service_name=~".+"}', lines)
    places.set('Loki', lines.join('\n'))
    const files = readdirSync(join(directory, 'sluice'), { recursive: true, withFileTypes: true })
    for (const file of files.filter((entry) => entry.isFile()))
      places.set(file.name, readFileSync(join(file.parentPath, file.name), 'latin1'))
    for (const [place, content] of places)
      for (const planted of PLANTED)
        for (const form of [planted, planted.replaceAll(' ', ''), Buffer.from(planted).toString('base64')])
          expect(content.includes(form), `a planted text in ${place}`).toBe(false)
    // The prompts are there, with the data masked, so that there was something to find.
    expect(places.get('Loki')).toContain('Card [CREDIT_CARD], account [IBAN]')
    expect(places.get('Loki')).toContain('[EMAIL]')
  })
})

interface Balance {
  readonly edge: string
  readonly dropped: Readonly<Record<string, number>>
  readonly held: Readonly<Record<string, number>>
}

interface LokiAnswer {
  readonly data: {
    readonly result: { stream?: Record<string, string>; values?: [string, string][]; value?: [number, string] }[]
  }
}

let keptOnce: Promise<Set<string>> | undefined

/**
 * Ids of the traces that Tempo finds. While it moves a trace from memory to a block it does not find it for a moment: those
 * that the store has as well are asked for again.
 */
function keptInTempo(traces: readonly MadeTrace[], tempo: number, api: number): Promise<Set<string>> {
  keptOnce ??= (async () => {
    const kept = await foundInTempo(
      traces.map(({ id }) => id),
      tempo,
    )
    const expected = await keptInStore(api)
    await eventually(async () => {
      const missing = [...expected].filter((id) => !kept.has(id))
      for (const id of await foundInTempo(missing, tempo)) kept.add(id)
      if (missing.length > 0) throw new Error('Tempo was asked again')
    }, 20_000).catch(() => undefined)
    return kept
  })()
  return keptOnce
}

async function foundInTempo(ids: readonly string[], port: number): Promise<Set<string>> {
  const found = new Set<string>()
  const left = [...ids]
  const ask = async () => {
    for (let id = left.pop(); id !== undefined; id = left.pop()) {
      const answer = await fetch(`http://127.0.0.1:${port}/api/traces/${id}`)
      await answer.arrayBuffer()
      if (answer.status === 200) found.add(id)
      else if (answer.status !== 404) throw new Error(`Tempo answers with ${answer.status}`)
    }
  }
  await Promise.all([ask(), ask(), ask(), ask()])
  return found
}

/** Ids of the traces that the daemon's own store has: all that were kept. */
async function keptInStore(port: number): Promise<Set<string>> {
  const kept = new Set<string>()
  for (let before: string | undefined = ''; before !== undefined; ) {
    const cursor: string = before === '' ? '' : `&before=${encodeURIComponent(before)}`
    const page = (await json(`http://127.0.0.1:${port}/api/traces?limit=1000${cursor}`)) as StorePage
    for (const { trace_id } of page.traces) kept.add(trace_id)
    before = page.next ?? undefined
  }
  return kept
}

interface StorePage {
  readonly traces: readonly { readonly trace_id: string }[]
  readonly next?: string | null
}

async function text(url: string): Promise<string> {
  const answer = await fetch(url)
  if (!answer.ok) throw new Error(`${url} answers with ${answer.status}`)
  return answer.text()
}

async function json(url: string): Promise<unknown> {
  return JSON.parse(await text(url))
}

/** What the compose file has, with ports and haste of a test. */
function prometheusConfig(metrics: number, self: number): string {
  return readFileSync(join(compose, 'prometheus.yml'), 'utf8')
    .replace('sluice:8889', `127.0.0.1:${metrics}`)
    .replace('sluice:8888', `127.0.0.1:${self}`)
    .replace('scrape_interval: 15s', 'scrape_interval: 1s')
    .replace('scrape_timeout: 10s', 'scrape_timeout: 900ms')
}

/** Free ports, and shorter waiting than in production. */
function overlay(port: Record<(typeof NAMES)[number], number>): object {
  const here = (number: number) => `127.0.0.1:${number}`
  return {
    receivers: { otlp: { protocols: { grpc: { endpoint: here(port.grpc) }, http: { endpoint: here(port.http) } } } },
    processors: { tail_sampling: { decision_wait: '3s' } },
    connectors: {
      gen_ai_metrics: { settle_after: '500ms', metrics_flush_interval: '1s' },
      gen_ai_logs: { settle_after: '500ms' },
    },
    exporters: { prometheus: { endpoint: here(port.metrics) } },
    extensions: { api: { endpoint: here(port.api) }, health_check: { endpoint: here(port.health) } },
    service: {
      telemetry: {
        logs: { level: 'warn' },
        metrics: { readers: [{ pull: { exporter: { prometheus: { host: '127.0.0.1', port: port.self } } } }] },
      },
    },
  }
}
