/** Through a pipeline that changes nothing, what real exporters sent leaves as it came: OTLP/HTTP and gRPC in and out. */
import { createServer } from 'node:http'
import { Client, credentials } from '@grpc/grpc-js'
import { describe, expect, test } from 'vitest'
import { components } from '../../src/components.ts'
import { captures } from '../../src/otlp/captures.fixture.ts'
import type { OtlpReceiver } from '../../src/receivers/otlp/index.ts'
import { atEnd, methods, startReceiver } from '../../src/receivers/otlp/receiver.fixture.ts'
import { daemonOf } from './parts.fixture.ts'

const bodies = captures().filter(({ encoding }) => encoding === 'pb')

const yaml = (exporter: string) =>
  `
receivers:
  otlp:
    trust_sluice: true
    protocols: { http: { endpoint: 127.0.0.1:0 }, grpc: { endpoint: 127.0.0.1:0 } }
processors: { memory_limiter: { limit_mib: 100000 }, batch: { timeout: 0s, send_batch_size: 0 } }
exporters:
  ${exporter}
service:
  pipelines:
    traces: { receivers: [otlp], processors: [memory_limiter], exporters: [out] }
    metrics: { receivers: [otlp], processors: [memory_limiter], exporters: [out] }
    logs: { receivers: [otlp], processors: [memory_limiter, batch], exporters: [out] }
`.replaceAll('[out]', `[${exporter.split(':')[0]}]`)

async function run(config: string) {
  const { daemon, findings } = daemonOf(config, { factories: components })
  await daemon.start()
  const { ports } = daemon.component('receiver/otlp') as OtlpReceiver
  return { daemon, findings, ports }
}

describe('byte for byte', () => {
  test('HTTP', async () => {
    const seen: string[] = []
    const sink = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        seen.push(`${request.url} ${Buffer.concat(parts).toString('latin1')}`)
        response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
      })
    })
    await new Promise<void>((resolve) => sink.listen(0, '127.0.0.1', resolve))
    atEnd(() => sink.close())
    const { port } = sink.address() as { port: number }
    const { daemon, findings, ports } = await run(
      yaml(`otlp_http: { endpoint: "http://127.0.0.1:${port}", compression: none }`),
    )
    for (const { signal, body } of bodies) {
      const headers = { 'content-type': 'application/x-protobuf' }
      const answer = await fetch(`http://127.0.0.1:${ports.http}/v1/${signal}`, { method: 'POST', headers, body })
      expect(answer.status).toBe(200)
    }
    expect(await daemon.stop()).toBe(0)
    expect(findings(true)).toEqual([])
    const expected = bodies.map(({ signal, body }) => `/v1/${signal} ${body.toString('latin1')}`)
    expect(difference(expected, seen)).toEqual([])
  })

  test('gRPC', async () => {
    const sink = await startReceiver({ more: { trust_sluice: true } })
    const { daemon, findings, ports } = await run(
      yaml(`otlp_grpc: { endpoint: "127.0.0.1:${sink.grpcPort}", tls: { insecure: true } }`),
    )
    const client = new Client(`127.0.0.1:${ports.grpc}`, credentials.createInsecure())
    const same = (bytes: Buffer) => bytes
    for (const { signal, body } of bodies) {
      await new Promise<void>((resolve, reject) => {
        client.makeUnaryRequest(methods[signal], same, same, body, (error) => (error ? reject(error) : resolve()))
      })
    }
    client.close()
    expect(await daemon.stop()).toBe(0)
    expect(findings(true)).toEqual([])
    const seen = Object.values(sink.sinks).flatMap((recorder) =>
      recorder.batches.map((batch) => `${batch.signal} ${batch.bytes.toString('latin1')}`),
    )
    const expected = bodies.map(({ signal, body }) => `${signal} ${body.toString('latin1')}`)
    expect(difference(expected, seen)).toEqual([])
  })
})

/** What one list has more or less often than the other, shortened; the order does not matter. */
function difference(expected: readonly string[], seen: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const one of expected) left.set(one, (left.get(one) ?? 0) + 1)
  for (const one of seen) left.set(one, (left.get(one) ?? 0) - 1)
  return [...left].filter(([, times]) => times !== 0).map(([one, times]) => `${times} × ${one.slice(0, 60)}`)
}
