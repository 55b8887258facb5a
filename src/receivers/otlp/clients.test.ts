/** Real exporters, and bodies that real exporters sent. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { request } from 'node:http'
import { OTLPTraceExporter as GrpcTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc'
import { OTLPTraceExporter as ProtoTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { describe, expect, test } from 'vitest'
import { itemsOf } from '../../../test/support/otlp.ts'
import type { Signal } from '../../component.ts'
import { captures, requestNames } from '../../otlp/captures.fixture.ts'
import { protobufToJson } from '../../otlp/json_from_protobuf.ts'
import { jsonToProtobuf } from '../../otlp/json_to_protobuf.ts'
import { retryLater } from '../../refusal.ts'
import { callRaw, JSON_TYPE, methods, startReceiver } from './receiver.fixture.ts'

describe('the JavaScript SDK', () => {
  const exporters: [string, (ports: { grpc: number; http: number }) => GrpcTraceExporter | ProtoTraceExporter][] = [
    ['gRPC', ({ grpc }) => new GrpcTraceExporter({ url: `http://127.0.0.1:${grpc}` })],
    [
      'gRPC gzip',
      ({ grpc }) => new GrpcTraceExporter({ url: `http://127.0.0.1:${grpc}`, compression: 'gzip' as never }),
    ],
    ['HTTP', ({ http }) => new ProtoTraceExporter({ url: `http://127.0.0.1:${http}/v1/traces` })],
    [
      'HTTP gzip',
      ({ http }) => new ProtoTraceExporter({ url: `http://127.0.0.1:${http}/v1/traces`, compression: 'gzip' as never }),
    ],
  ]
  test.each(exporters)('%s: spans arrive', async (name, create) => {
    const { grpcPort, httpPort, sinks, findings } = await startReceiver()
    // The gRPC exporter leaves repeats to others.
    const refusals = name.startsWith('HTTP') ? 1 : 0
    sinks.traces.refuse(retryLater('queue_full', 'full', 1), refusals)
    const exporter = create({ grpc: grpcPort, http: httpPort })
    const provider = new BasicTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] })
    for (let index = 0; index < 20; index++) {
      provider.getTracer('test').startSpan(`span ${index}`, { attributes: { index } }).end()
    }
    await provider.forceFlush()
    await provider.shutdown()
    expect(sinks.traces.asked).toBe(1 + refusals)
    const names = sinks.traces.batches.flatMap((batch) => itemsOf(batch).map((span) => span['name']))
    expect(names.sort()).toEqual(Array.from({ length: 20 }, (_, index) => `span ${index}`).sort())
    expect(findings()).toEqual([])
  })
})

const all = captures()
const protobufs = all.filter(({ encoding }) => encoding === 'pb')

describe('captured bodies', () => {
  test('protobuf over HTTP and gRPC arrives byte for byte', async () => {
    const { post, call, sinks, findings } = await startReceiver({ more: { trust_sluice: true } })
    expect(protobufs.length).toBeGreaterThan(50)
    for (const { path, signal, body } of protobufs) {
      expect((await post(`/v1/${signal}`, body)).status, path).toBe(200)
      expect((await call(methods[signal], body)).code, path).toBe(0)
      for (const batch of sinks[signal].batches) expect(body.equals(batch.bytes), path).toBe(true)
      expect(sinks[signal].taken.splice(0), path).toHaveLength(sinks[signal].asked > 0 ? 2 : 0)
      sinks[signal].asked = 0
    }
    expect(findings()).toEqual([])
  })

  test('JSON arrives as what it says', async () => {
    const { post, sinks } = await startReceiver({ more: { trust_sluice: true } })
    const jsons = [
      ...all
        .filter(({ encoding }) => encoding === 'json')
        .map((one) => ({ ...one, expected: jsonToProtobuf(one.name, one.body) })),
      ...protobufs.slice(0, 200).map((one) => {
        const body = protobufToJson(one.name, one.body)
        return { ...one, body, expected: jsonToProtobuf(one.name, body) }
      }),
    ]
    for (const { path, signal, body, expected } of jsons) {
      expect((await post(`/v1/${signal}`, body, { type: JSON_TYPE })).status, path).toBe(200)
      for (const batch of sinks[signal].batches) expect(expected.equals(batch.bytes), path).toBe(true)
      sinks[signal].taken.length = 0
    }
  })
})

const collection = new URL('../../../../shared/data/captures/', import.meta.url)
if (!existsSync(collection))
  process.stderr.write('SKIPPED: the tests with bytes from the wire need ../shared/data/captures\n')

interface Sent {
  file: string
  transport: string
  path: string
  headers: [name: string, value: string][]
  wire_file?: string
}

describe.skipIf(!existsSync(collection))('bytes as they were on the wire, with the headers that came with them', () => {
  const sent = (existsSync(collection) ? readdirSync(collection, { recursive: true, encoding: 'utf8' }) : [])
    .filter((path) => path.endsWith('headers.json'))
    .flatMap((path) => {
      const folder = new URL(path.replace('headers.json', ''), collection)
      const list = JSON.parse(readFileSync(new URL(path, collection), 'utf8')) as Sent[]
      return list
        .filter(({ wire_file }) => wire_file !== undefined)
        .map((one) => ({ ...one, folder, name: `${path} ${one.file}` }))
    })

  test('every one is taken', async () => {
    const { grpcPort, httpPort, sinks } = await startReceiver({ more: { trust_sluice: true } })
    expect(sent.length).toBeGreaterThan(50)
    for (const { folder, name, file, wire_file, transport, headers, path } of sent) {
      const body = readFileSync(new URL(file, folder))
      const wire = readFileSync(new URL(wire_file!, folder))
      const signal = file.split('.')[1] as Signal
      const own = Object.fromEntries(
        headers.filter(([name]) => !name.startsWith(':') && !/^(host|te|content-length)$/i.test(name)),
      )
      if (transport === 'grpc') {
        const answer = await callRaw(grpcPort, path, wire, own)
        expect(answer.trailers['grpc-status'], name).toBe('0')
      } else expect(await plainPost(httpPort, signal, wire, own), name).toBe(200)
      const [taken] = sinks[signal].taken.splice(0)
      const expected = file.endsWith('.json') ? jsonToProtobuf(requestNames[signal], body) : body
      expect(taken?.batch.bytes.equals(expected), name).toBe(true)
    }
  })
})

/** With headers that fetch-like clients do not let pass, such as `Upgrade: h2c`. */
function plainPost(port: number, signal: Signal, body: Buffer, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const call = request({ host: '127.0.0.1', port, path: `/v1/${signal}`, method: 'POST', headers })
    call.on('response', (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)))
    call.on('upgrade', () => reject(new Error('the connection was upgraded')))
    call.on('error', reject)
    call.end(body)
  })
}
