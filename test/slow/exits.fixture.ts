/** The daemon as it is shipped, fed with what a test has, and everything that came out of it, place by place. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Metadata, Server, ServerCredentials } from '@grpc/grpc-js'
import { uncompress } from 'snappyjs'
import { freePort } from '../support/ports.ts'
import { eventually, type Running, startProgram } from './processes.fixture.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const SENDERS = 4
/** Longer than calls settle and metrics wait to be flushed. */
const QUIET_MS = 1200
const PORTS = ['grpc', 'http', 'metrics', 'api', 'health', 'self'] as const
type Ports = Record<(typeof PORTS)[number], number>

export interface Body {
  readonly signal: string
  readonly type: 'x-protobuf' | 'json'
  readonly bytes: Buffer
  /** The status of the answer; 200 unless given. */
  readonly status?: number
}

/** Bytes that left the daemon, without compression. */
export interface Exit {
  readonly name:
    | 'Tempo'
    | 'Loki'
    | 'metrics'
    | 'own metrics'
    | 'store'
    | 'log'
    | 'API traces'
    | 'API trace'
    | 'API logs'
    | 'API pipeline'
    | 'headers'
  readonly bytes: Buffer
}

/**
 * Runs collector.yaml with sinks for Tempo and Loki, a sampler that keeps everything, and short waits, sends the bodies
 * and resolves to what came out when nothing is held any more and the daemon has ended, which it must do with code 0.
 */
export async function exitsOf(
  directory: string,
  content: string,
  bodies: readonly Body[],
  redaction: object = {},
): Promise<Exit[]> {
  const exits: Exit[] = []
  const tempo = await tempoSink(exits)
  const loki = await lokiSink(exits)
  const ports = {} as Ports
  for (const name of PORTS) ports[name] = await freePort()
  writeFileSync(join(directory, 'overlay.json'), JSON.stringify(overlay(ports, redaction)))
  const log = join(directory, 'log')
  const daemon = startLogged(log, ['--config', `${root}collector.yaml`, '--config', join(directory, 'overlay.json')], {
    TEMPO_ENDPOINT: `127.0.0.1:${tempo.port}`,
    LOKI_ENDPOINT: `http://127.0.0.1:${loki.port}`,
    SLUICE_CONTENT: content,
    SLUICE_DATA: join(directory, 'data'),
  })
  let code: number | null = null
  try {
    await eventually(() => fetched(`http://127.0.0.1:${ports.health}/`))
    await sendAll(ports.http, bodies)
    await quiet(ports)
    exits.push(...(await scrapes(ports)), ...(await answersOf(`http://127.0.0.1:${ports.api}`)))
  } catch (error) {
    throw new Error(`the daemon's last words: ${readFileSync(log, 'utf8').slice(-2000)}`, { cause: error })
  } finally {
    code = await daemon.stop()
    tempo.close()
    loki.close()
  }
  if (code !== 0) throw new Error(`the daemon ended with ${code}: ${readFileSync(log, 'utf8').slice(-2000)}`)
  exits.push({ name: 'log', bytes: readFileSync(log) })
  return [...exits, ...filesBelow(join(directory, 'data'))]
}

/** Free ports, everything kept, and shorter waits than in production. */
function overlay(ports: Ports, redaction: object): object {
  const here = (port: number) => `127.0.0.1:${port}`
  const reader = { pull: { exporter: { prometheus: { host: '127.0.0.1', port: ports.self } } } }
  return {
    receivers: { otlp: { protocols: { grpc: { endpoint: here(ports.grpc) }, http: { endpoint: here(ports.http) } } } },
    processors: {
      redaction,
      tail_sampling: { decision_wait: '1s', policies: [{ name: 'all', type: 'always_sample' }] },
    },
    connectors: {
      gen_ai_metrics: { settle_after: '200ms', metrics_flush_interval: '500ms' },
      gen_ai_logs: { settle_after: '200ms' },
    },
    exporters: { prometheus: { endpoint: here(ports.metrics) } },
    extensions: { api: { endpoint: here(ports.api) }, health_check: { endpoint: here(ports.health) } },
    service: { telemetry: { logs: { level: 'debug' }, metrics: { level: 'detailed', readers: [reader] } } },
  }
}

/** The daemon with all that it prints in a file. */
function startLogged(log: string, args: readonly string[], variables: Readonly<Record<string, string>>): Running {
  const command = [process.execPath, `${root}src/main.ts`, ...args]
  return startProgram('/bin/sh', ['-c', 'exec "$@" > "$LOG" 2>&1', 'sluice', ...command], { ...variables, LOG: log })
}

/** An OTLP/gRPC backend that takes everything. */
async function tempoSink(exits: Exit[]): Promise<{ port: number; close(): void }> {
  const server = new Server({ 'grpc.max_receive_message_length': -1 })
  const as = (bytes: Buffer) => bytes
  const codec = { requestSerialize: as, requestDeserialize: as, responseSerialize: as, responseDeserialize: as }
  const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
  const take = (call: { metadata: Metadata; request: Buffer }, done: (error: null, response: Buffer) => void) => {
    exits.push({ name: 'Tempo', bytes: call.request })
    exits.push({ name: 'headers', bytes: Buffer.from(JSON.stringify(call.metadata.toJSON())) })
    done(null, Buffer.alloc(0))
  }
  const definition = { Export: { path, requestStream: false, responseStream: false, ...codec } } as const
  server.addService(definition, { Export: take } as never)
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = ServerCredentials.createInsecure()
    server.bindAsync('127.0.0.1:0', credentials, (error, bound) => (error ? reject(error) : resolve(bound)))
  })
  return { port, close: () => server.forceShutdown() }
}

/** A Loki that takes everything. */
async function lokiSink(exits: Exit[]): Promise<{ port: number; close(): void }> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      exits.push({ name: 'Loki', bytes: Buffer.from(uncompress(Buffer.concat(chunks))) })
      exits.push({ name: 'headers', bytes: Buffer.from(`${request.url} ${JSON.stringify(request.headers)}`) })
      response.writeHead(204).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { port: (server.address() as AddressInfo).port, close }
}

async function sendAll(port: number, bodies: readonly Body[]): Promise<void> {
  const rest = [...bodies]
  const send = async () => {
    for (let body = rest.shift(); body !== undefined; body = rest.shift()) await sendOne(port, body)
  }
  await Promise.all(Array.from({ length: SENDERS }, send))
}

async function sendOne(port: number, { signal, type, bytes, status = 200 }: Body): Promise<void> {
  const headers = { 'content-type': `application/${type}` }
  const body = new Uint8Array(bytes)
  const answer = await fetch(`http://127.0.0.1:${port}/v1/${signal}`, { method: 'POST', headers, body })
  const text = await answer.text()
  if (answer.status !== status) throw new Error(`${signal} were answered with ${answer.status} ${text.slice(0, 200)}`)
}

/** Waits until nothing is held and metrics stand still. */
async function quiet(ports: Ports): Promise<void> {
  let before = ''
  await eventually(
    async () => {
      const { ledger } = JSON.parse((await fetched(`http://127.0.0.1:${ports.api}/api/pipeline`)).toString()) as {
        ledger: { edge: string; held: Record<string, number> }[]
      }
      for (const { edge, held } of ledger)
        for (const [place, items] of Object.entries(held))
          if (items > 0) throw new Error(`${items} items are ${place} at ${edge}`)
      const last = before
      before = (await fetched(`http://127.0.0.1:${ports.metrics}/metrics`)).toString()
      if (before !== last) throw new Error('metrics are still changing')
    },
    40_000,
    QUIET_MS,
  )
}

/** Both /metrics in every format. */
async function scrapes(ports: Ports): Promise<Exit[]> {
  const protobuf = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited'
  const formats = ['text/plain', 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8', protobuf]
  const names = { metrics: ports.metrics, 'own metrics': ports.self } as const
  const exits: Exit[] = []
  for (const [name, port] of Object.entries(names) as ['metrics' | 'own metrics', number][])
    for (const accept of formats)
      exits.push({ name, bytes: await fetched(`http://127.0.0.1:${port}/metrics`, { accept }) })
  return exits
}

/** Every page that the API has of what is stored. */
async function answersOf(api: string): Promise<Exit[]> {
  const exits: Exit[] = []
  for (const path of ['health', 'pipeline'])
    exits.push({ name: 'API pipeline', bytes: await fetched(`${api}/api/${path}`) })
  const ids: string[] = []
  for (let next: string | null = ''; next !== null; ) {
    const page = await fetched(`${api}/api/traces?limit=1000${next === '' ? '' : `&before=${next}`}`)
    exits.push({ name: 'API traces', bytes: page })
    const answer = JSON.parse(page.toString()) as { traces: { trace_id: string }[]; next: string | null }
    ids.push(...answer.traces.map(({ trace_id }) => trace_id))
    next = answer.next
  }
  for (const id of ids) exits.push({ name: 'API trace', bytes: await fetched(`${api}/api/traces/${id}`) })
  for (let until: string | undefined = ''; until !== undefined; ) {
    const page = await fetched(`${api}/api/logs?limit=1000${until === '' ? '' : `&until=${until}`}`)
    exits.push({ name: 'API logs', bytes: page })
    const last = (JSON.parse(page.toString()) as { logs: { time: string }[] }).logs.at(-1)?.time
    until = last === until ? undefined : last
  }
  return exits
}

function filesBelow(directory: string): Exit[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => ({ name: 'store', bytes: readFileSync(join(entry.parentPath, entry.name)) }))
}

async function fetched(url: string, headers: Record<string, string> = {}): Promise<Buffer> {
  const answer = await fetch(url, { headers })
  if (!answer.ok) throw new Error(`${url} answers with ${answer.status} ${await answer.text()}`)
  return Buffer.from(await answer.arrayBuffer())
}
