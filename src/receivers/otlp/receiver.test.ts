/** What the receiver does beside answering: stripping, metadata, listening, stopping. */
import { execFileSync } from 'node:child_process'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { testHost } from '../../../test/support/host.ts'
import { anyBatch, logBatch, metricBatch, requestOf, traceBatch } from '../../../test/support/otlp.ts'
import { listenAddress, schema } from './config.ts'
import { OtlpReceiver } from './index.ts'
import { atEnd, JSON_TYPE, methods, SIGNALS, startReceiver } from './receiver.fixture.ts'

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
    const left_ms = sinks.logs.taken[0]!.context.deadline_ms! - host.clock.now_ms()
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
    await receiver.shutdown(AbortSignal.abort())
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
  const outcome = await call(methods.logs, anyBatch('logs', 2).bytes, {}, { deadline: new Date(Date.now() + 50) })
  expect(outcome.code).toBe(4)
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
