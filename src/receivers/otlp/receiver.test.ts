/** What the receiver does beside answering: stripping, metadata, listening, stopping. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { type ChannelCredentials, Client, credentials, Metadata } from '@grpc/grpc-js'
import { Agent, request } from 'undici'
import { describe, expect, test } from 'vitest'
import { testHost } from '../../../test/support/host.ts'
import { anyBatch, logBatch, metricBatch, requestOf, traceBatch } from '../../../test/support/otlp.ts'
import { hasOpenssl, makeCertificates } from '../../net/certificates.fixture.ts'
import { listenAddress, schema } from './config.ts'
import { OtlpReceiver } from './index.ts'
import { atEnd, callRaw, framed, JSON_TYPE, methods, SIGNALS, startReceiver } from './receiver.fixture.ts'

/** The same request with and without our attributes, at every level that has attributes. */
function marked(ours: boolean) {
  const attributes: [string, string | { [key: string]: string }][] = [
    ['a', 'x'],
    ...(ours ? ([['sluice.cost.usd', '1']] as [string, string][]) : []),
    ['sluices', 'not ours'],
    ['map', ours ? { inner: 'y', 'sluice.deep': 'z' } : { inner: 'y' }],
    ...(ours ? ([['sluice.cost.usd', '2']] as [string, string][]) : []),
  ]
  const group = { resource: attributes, scope: { name: 's', attributes: attributes as never } }
  return {
    traces: traceBatch([{ attributes, events: [{ name: 'e', attributes: attributes as never }] }], group).bytes,
    logs: logBatch([{ attributes, body: 'b' }], group).bytes,
    metrics: metricBatch([{ name: 'm', points: [{ attributes }] }], group).bytes,
  }
}
/** Three on each of: resource, scope, item; on spans also the event. */
const stripped = { traces: 12, logs: 9, metrics: 9 }

describe.each(SIGNALS)('sluice.* attributes on %s', (signal) => {
  test('are removed at all depths and counted, and nothing else changes', async () => {
    const { post, call, sinks, host } = await startReceiver()
    await post(`/v1/${signal}`, marked(true)[signal])
    await call(methods[signal], marked(true)[signal])
    expect(sinks[signal].batches.map(({ bytes }) => bytes)).toEqual([marked(false)[signal], marked(false)[signal]])
    for (const transport of ['http', 'grpc']) {
      expect(host.meter.value('sluice_receiver_stripped_attributes', { transport })).toBe(stripped[signal])
    }
  })

  test('stay with trust_sluice, which can be changed while it runs', async () => {
    const { post, sinks, receiver, config, host } = await startReceiver({ more: { trust_sluice: true } })
    await post(`/v1/${signal}`, marked(true)[signal])
    expect(sinks[signal].batches[0]!.bytes).toEqual(marked(true)[signal])
    expect(host.meter.value('sluice_receiver_stripped_attributes')).toBe(0)
    expect(await receiver.update({ ...config, trust_sluice: false })).toBe(true)
    await post(`/v1/${signal}`, marked(true)[signal])
    expect(sinks[signal].batches[1]!.bytes).toEqual(marked(false)[signal])
    expect(await receiver.update({ ...config, max_in_flight_bytes: 1 })).toBe(false)
  })
})

test('sluice.* attributes in JSON are removed too', async () => {
  const { post, sinks } = await startReceiver()
  const attributes = '[{"key":"sluice.x","value":{"stringValue":"1"}},{"key":"b","value":{"stringValue":"2"}}]'
  await post('/v1/logs', `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":${attributes}}]}]}]}`, {
    type: JSON_TYPE,
  })
  expect(JSON.stringify(requestOf(sinks.logs.batches[0]!))).toMatch(/"b"/)
  expect(JSON.stringify(requestOf(sinks.logs.batches[0]!))).not.toMatch(/sluice/)
})

describe('what travels beside the data', () => {
  const headers = {
    'x-tenant': 'seven',
    authorization: 'Bearer secret',
    traceparent: '00-aa-bb-01',
    'user-agent': 'me',
  }

  test('is the peer, and headers only if they are wanted', async () => {
    const { post, call, sinks } = await startReceiver()
    await post('/v1/logs', anyBatch('logs', 1).bytes, { headers })
    await call(methods.logs, anyBatch('logs', 1).bytes, { 'x-tenant': 'seven' })
    for (const { context } of sinks.logs.taken) {
      expect(context.peer).toMatch(/^127\.0\.0\.1:\d+$/)
      expect(context.metadata.size).toBe(0)
    }
  })

  test('has neither credentials nor what belongs to the transport or the single request', async () => {
    const wanted = { include_metadata: true }
    const { post, call, sinks } = await startReceiver({ grpc: wanted, http: wanted })
    await post('/v1/logs', anyBatch('logs', 1).bytes, { headers })
    await call(methods.logs, anyBatch('logs', 1).bytes, { 'x-tenant': 'seven', authorization: 'Bearer secret' })
    const [http, grpc] = sinks.logs.taken.map(({ context }) => Object.fromEntries(context.metadata))
    expect(http).toEqual({ 'x-tenant': 'seven', 'user-agent': 'me' })
    expect(grpc).toEqual({ 'x-tenant': 'seven', 'user-agent': expect.stringMatching(/grpc-node/) })
  })

  test('on gRPC the deadline', async () => {
    const { call, sinks, host } = await startReceiver()
    const deadline = new Date(Date.now() + 5000)
    await call(methods.logs, anyBatch('logs', 1).bytes, {}, { deadline })
    const left_ms = sinks.logs.taken[0]!.context.deadline_ms! - host.clock.monotonic_ms()
    expect(left_ms).toBeGreaterThan(1000)
    expect(left_ms).toBeLessThanOrEqual(5000)
  })
})

describe('listening', () => {
  test('is on loopback, unless SLUICE_HOST says otherwise', () => {
    const config = fileURLToPath(new URL('./config.ts', import.meta.url))
    const script = `import { schema } from ${JSON.stringify(config)}
      const { grpc, http } = schema.parse({ protocols: { grpc: {}, http: {} } }).protocols
      console.log(grpc.endpoint, http.endpoint)`
    const said = (host: string | undefined) => {
      const { SLUICE_HOST: _, ...env } = process.env
      const more = host === undefined ? {} : { SLUICE_HOST: host }
      return execFileSync(process.execPath, ['--input-type=module', '-e', script], { env: { ...env, ...more } })
        .toString()
        .trim()
    }
    expect(said(undefined)).toBe('localhost:4317 localhost:4318')
    expect(said('')).toBe('localhost:4317 localhost:4318')
    expect(said('0.0.0.0')).toBe('0.0.0.0:4317 0.0.0.0:4318')
    expect(said('::')).toBe('[::]:4317 [::]:4318')
    expect(listenAddress('localhost:4317')).toEqual({ host: '127.0.0.1', port: 4317 })
    expect(listenAddress('[::]:4317')).toEqual({ host: '::', port: 4317 })
  })

  test('needs one transport; unknown keys are errors', () => {
    expect(() => schema.parse({ protocols: {} })).toThrow(/needs grpc, http or both/)
    expect(() => schema.parse({ protocols: { http: {} }, trust: 1 })).toThrow(/trust/)
  })

  test('on all addresses or none: after a taken port it can be started again', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    atEnd(() => other.close())
    const taken = (other.address() as { port: number }).port
    const config = schema.parse({
      protocols: { grpc: { endpoint: '127.0.0.1:0' }, http: { endpoint: `127.0.0.1:${taken}` } },
    })
    const receiver = new OtlpReceiver(config, testHost(), {})
    await expect(receiver.start()).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await expect(fetch(`http://127.0.0.1:${receiver.ports.grpc}`)).rejects.toThrow()
    await new Promise((resolve) => other.close(resolve))
    await receiver.start()
    expect(receiver.ports.http).toBe(taken)
    expect((await fetch(`http://127.0.0.1:${taken}/`)).status).toBe(404)
    const answer = await callRaw(receiver.ports.grpc!, methods.logs, framed(Buffer.alloc(0)))
    expect(answer.headers['grpc-status']).toBe('12')
    await receiver.shutdown(AbortSignal.abort())
  })
})

describe('pages in browsers', () => {
  const preflight = (httpPort: number, origin: string) =>
    fetch(`http://127.0.0.1:${httpPort}/v1/traces`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-key' },
    })

  test('may send from the origins of the config', async () => {
    const cors = { allowed_origins: ['https://*.example.com'], allowed_headers: ['x-key'], max_age: 600 }
    const { httpPort } = await startReceiver({ http: { cors } })
    const answer = await preflight(httpPort, 'https://shop.example.com')
    expect(answer.status).toBe(204)
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': 'https://shop.example.com',
      'access-control-allow-headers': 'x-key',
      'access-control-max-age': '600',
    })
    const evil = await preflight(httpPort, 'https://shop.example.com.evil.io')
    expect(evil.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('may not without it', async () => {
    const { httpPort } = await startReceiver()
    const answer = await preflight(httpPort, 'https://shop.example.com')
    expect(answer.status).toBe(405)
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe.skipIf(!hasOpenssl)('with TLS', () => {
  test('clients that show a certificate get in, others do not', async () => {
    const certificates = makeCertificates()
    atEnd(() => rmSync(certificates.directory, { recursive: true }))
    const { cert, key } = certificates.server
    const tls = { cert_file: cert, key_file: key, client_ca_file: certificates.ca }
    const { grpcPort, httpPort, sinks } = await startReceiver({ grpc: { tls }, http: { tls } })
    const ca = readFileSync(certificates.ca)
    const own = { cert: readFileSync(certificates.client.cert), key: readFileSync(certificates.client.key) }
    const body = anyBatch('logs', 2).bytes
    const post = async (connect: object) => {
      const dispatcher = new Agent({ connect: { ca, ...connect } })
      const headers = { 'content-type': 'application/x-protobuf' }
      const answer = await request(`https://127.0.0.1:${httpPort}/v1/logs`, {
        method: 'POST',
        dispatcher,
        headers,
        body,
      })
      await dispatcher.destroy()
      return answer.statusCode
    }
    const call = (secure: ChannelCredentials) => {
      const client = new Client(`127.0.0.1:${grpcPort}`, secure)
      const same = (bytes: Buffer) => bytes
      const options = { deadline: new Date(Date.now() + 2000) }
      return new Promise<number>((resolve) => {
        client.makeUnaryRequest(methods.logs, same, same, body, new Metadata(), options, (error) =>
          resolve(error?.code ?? 0),
        )
      }).finally(() => client.close())
    }
    expect(await post(own)).toBe(200)
    await expect(post({})).rejects.toThrow()
    expect(await call(credentials.createSsl(ca, own.key, own.cert))).toBe(0)
    expect(await call(credentials.createSsl(ca))).not.toBe(0)
    expect(sinks.logs.count).toBe(4)
  })

  test('a file that is missing is an error before anything is started', () => {
    const tls = { cert_file: '/no/cert.pem', key_file: '/no/key.pem' }
    const config = schema.parse({ protocols: { http: { endpoint: '127.0.0.1:0', tls } } })
    expect(() => new OtlpReceiver(config, testHost(), {})).toThrow('/no/cert.pem')
  })
})

describe('stopping', () => {
  test('works without start, and twice', async () => {
    const receiver = new OtlpReceiver(schema.parse({ protocols: { grpc: {}, http: {} } }), testHost(), {})
    await receiver.shutdown(AbortSignal.abort())
    const { receiver: started } = await startReceiver()
    await started.shutdown(AbortSignal.abort())
    await started.shutdown(AbortSignal.abort())
  })

  test('answers what is under way first', async () => {
    const { receiver, post, call, sinks, findings } = await startReceiver()
    const open = sinks.logs.block()
    const answers = [post('/v1/logs', anyBatch('logs', 2).bytes), call(methods.logs, anyBatch('logs', 3).bytes)]
    await expect.poll(() => sinks.logs.asked).toBe(2)
    let over = false
    const stopped = receiver.shutdown(new AbortController().signal).then(() => {
      over = true
    })
    await expect(post('/v1/logs', anyBatch('logs', 1).bytes)).rejects.toThrow(/ECONNREFUSED/)
    expect(over).toBe(false)
    open()
    expect(await Promise.all(answers)).toMatchObject([{ status: 200 }, { code: 0 }])
    await stopped
    expect(sinks.logs.count).toBe(5)
    expect(findings()).toEqual([])
  })

  test('at the deadline cuts off what has no answer', async () => {
    const { receiver, post, sinks } = await startReceiver()
    const open = sinks.logs.block()
    const answer = post('/v1/logs', anyBatch('logs', 2).bytes).catch((error: Error) => error)
    await expect.poll(() => sinks.logs.asked).toBe(1)
    const deadline = new AbortController()
    const stopped = receiver.shutdown(deadline.signal)
    deadline.abort()
    await stopped
    expect(await answer).toBeInstanceOf(Error)
    open()
  })
})

test('a client that goes away leaves nothing behind, and what it sent is in the books', async () => {
  const { call, sinks, findings } = await startReceiver()
  const open = sinks.logs.block()
  const deadline = new Date(Date.now() + 1000)
  const outcome = call(methods.logs, anyBatch('logs', 2).bytes, {}, { deadline })
  await expect.poll(() => sinks.logs.asked).toBe(1)
  expect((await outcome).code).toBe(4)
  open()
  await expect.poll(() => sinks.logs.count).toBe(2)
  expect(findings()).toEqual([])
})

test('200 requests at once on one HTTP/2 connection and on many HTTP/1.1 ones', async () => {
  const { post, call, sinks, findings } = await startReceiver()
  const body = anyBatch('traces', 5).bytes
  const calls = Array.from({ length: 200 }, () => [call(methods.traces, body), post('/v1/traces', body)]).flat()
  for (const answer of await Promise.all(calls))
    expect('code' in answer ? answer.code : answer.status).toBeOneOf([0, 200])
  expect(sinks.traces.count).toBe(2000)
  expect(findings()).toEqual([])
})
