/** What senders get: success, refusal, blame. By OTLP 1.11 and the conformance cases of the field. */
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { anyBatch, traceBatch } from '../../../test/support/otlp.ts'
import { requestNames } from '../../otlp/captures.fixture.ts'
import { protobufToJson } from '../../otlp/json_from_protobuf.ts'
import { Refusal, retryLater } from '../../refusal.ts'
import { pressureOf } from '../../self/memory/pressure.ts'
import {
  callRaw,
  framed,
  JSON_TYPE,
  methods,
  PROTOBUF,
  readStatus,
  SIGNALS,
  startReceiver,
} from './receiver.fixture.ts'

const bodies = Object.fromEntries(SIGNALS.map((signal) => [signal, anyBatch(signal, 3).bytes])) as Record<
  (typeof SIGNALS)[number],
  Buffer
>
const CANARY = 'CANARY-7f3a'
const NONE = Buffer.alloc(0)

const encodings: [name: string, pack: (body: Buffer) => Buffer][] = [
  ['identity', (body) => body],
  ['gzip', (body) => gzipSync(body)],
  ['zstd', (body) => zstdCompressSync(body)],
  ['deflate', (body) => deflateSync(body)],
]

describe.each(SIGNALS)('%s', (signal) => {
  test.each(encodings)(
    '%s: gRPC, HTTP protobuf and HTTP JSON give the same batch and bare success',
    async (name, pack) => {
      const { post, grpcPort, sinks, findings } = await startReceiver()
      const body = bodies[signal]
      const headers = { 'content-encoding': name }
      const proto = await post(`/v1/${signal}`, pack(body), { headers })
      expect(proto).toMatchObject({ status: 200, type: PROTOBUF, bytes: NONE })
      const json = await post(`/v1/${signal}`, pack(protobufToJson(requestNames[signal], body)), {
        type: JSON_TYPE,
        headers,
      })
      expect({ ...json, bytes: json.bytes.toString() }).toMatchObject({ status: 200, type: JSON_TYPE, bytes: '{}' })
      const grpc = await callRaw(grpcPort, methods[signal], framed(pack(body), name !== 'identity'), {
        'grpc-encoding': name,
      })
      expect(grpc.trailers['grpc-status']).toBe('0')
      expect(grpc.body).toEqual(framed(NONE))
      expect(sinks[signal].batches.map((batch) => batch.bytes)).toEqual([body, body, body])
      expect(findings()).toEqual([])
    },
  )

  test('an empty request is a success, and nothing goes further', async () => {
    const { post, call, sinks } = await startReceiver()
    const resourceOnly = Buffer.from([0x0a, 0x00])
    expect((await post(`/v1/${signal}`, NONE)).status).toBe(200)
    expect((await post(`/v1/${signal}`, resourceOnly)).status).toBe(200)
    expect((await post(`/v1/${signal}`, '{}', { type: JSON_TYPE })).status).toBe(200)
    expect((await call(methods[signal], NONE)).code).toBe(0)
    expect((await call(methods[signal], resourceOnly)).code).toBe(0)
    expect(sinks[signal].asked).toBe(0)
  })
})

describe('content types', () => {
  test.each([
    ['application/json; charset=utf-8', '{}', JSON_TYPE],
    ['Application/JSON', '{}', JSON_TYPE],
    ['application/x-protobuf; messageType="x"', '', PROTOBUF],
  ])('%s is taken', async (type, body, answered) => {
    const { post } = await startReceiver()
    expect(await post('/v1/traces', body, { type })).toMatchObject({ status: 200, type: answered })
  })

  test.each([['text/plain'], ['application/grpc'], ['constructor'], ['__proto__'], ['toString'], [null]])(
    '%s is refused with 415',
    async (type) => {
      const { post } = await startReceiver()
      const answer = await post('/v1/traces', bodies.traces, { type })
      expect(answer).toMatchObject({ status: 415, type: JSON_TYPE })
      expect(JSON.parse(answer.bytes.toString())).toMatchObject({ code: 3, message: /expected application/ })
    },
  )
})

describe('paths', () => {
  test.each(SIGNALS.flatMap((signal) => [`/api/public/otel/v1/${signal}`, `/otel/v1/${signal}`, `/v1/${signal}?x=1`]))(
    '%s',
    async (path) => {
      const { post, sinks } = await startReceiver()
      const signal = SIGNALS.find((one) => path.includes(one))!
      expect((await post(path, bodies[signal])).status).toBe(200)
      expect(sinks[signal].count).toBe(3)
    },
  )

  test('a configured path replaces the standard one', async () => {
    const { post } = await startReceiver({ http: { traces_url_path: '/mine' } })
    expect((await post('/mine', bodies.traces)).status).toBe(200)
    expect((await post('/v1/traces', bodies.traces)).status).toBe(404)
    expect((await post('/v1/logs', bodies.logs)).status).toBe(200)
  })

  test.each([
    ['/v1/profiles', 'POST', 404],
    ['/v1/traces/', 'POST', 404],
    ['/', 'POST', 404],
    ['/v1/traces', 'GET', 405],
    ['/v1/traces', 'PUT', 405],
  ] as const)('%s %s: %i with a Status in the encoding of the request', async (path, method, status) => {
    const { post } = await startReceiver()
    const proto = await post(path, bodies.traces, { method })
    expect(proto).toMatchObject({ status, type: PROTOBUF })
    expect(readStatus(proto.bytes)).toMatchObject({ code: 12 })
    const json = await post(path, '{}', { method, type: JSON_TYPE })
    expect(json).toMatchObject({ status, type: JSON_TYPE })
    expect(JSON.parse(json.bytes.toString()).code).toBe(12)
    if (status === 405) expect(json.headers['allow']).toBe('POST')
  })

  test('a signal that no pipeline takes has neither path nor method', async () => {
    const { post, call } = await startReceiver({ signals: ['traces'] })
    expect((await post('/v1/logs', bodies.logs)).status).toBe(404)
    expect((await call(methods.logs, bodies.logs)).code).toBe(12)
    expect((await call(methods.traces, bodies.traces)).code).toBe(0)
  })
})

describe('bad bodies', () => {
  const secret = traceBatch([{ name: CANARY, attributes: { [CANARY]: CANARY } }]).bytes
  const cases: [name: string, body: Buffer][] = [
    ['cut off', secret.subarray(0, secret.length - 3)],
    ['length past the end', Buffer.concat([Buffer.from([0x0a, 0x7f]), Buffer.from(CANARY)])],
    ['field number 0', Buffer.concat([Buffer.from([0x02, CANARY.length]), Buffer.from(CANARY)])],
    ['wrong wire type', Buffer.from([0x08, 0x01])],
    ['JSON sent as protobuf', Buffer.from(`{"resourceSpans":"${CANARY}"}`)],
    ['text', Buffer.from(CANARY)],
  ]
  test.each(cases)('%s: 400 and INVALID_ARGUMENT with BadRequest, without the content', async (_name, body) => {
    const { post, call, sinks, host } = await startReceiver()
    const answer = await post('/v1/traces', body)
    expect(answer).toMatchObject({ status: 400, type: PROTOBUF })
    const status = readStatus(answer.bytes)
    expect(status.code).toBe(3)
    expect(status.message).toMatch(/no valid OTLP traces request: .* at byte \d+/)
    expect(status.details).toEqual({ BadRequest: { fieldViolations: [{ description: status.message }] } })
    expect(answer.headers['retry-after']).toBeUndefined()
    expect(answer.bytes.toString()).not.toContain(CANARY)
    const outcome = await call(methods.traces, body)
    expect(outcome).toMatchObject({ code: 3, message: status.message, status })
    expect(sinks.traces.asked).toBe(0)
    expect(host.meter.value('sluice_receiver_bad_requests')).toBe(2)
  })

  test.each([
    ['attributes', 'item_attributes_max', traceBatch([{ attributes: { a: 1, b: 2, c: 3 } }]).bytes],
    ['spans', 'request_points_max', traceBatch([{ name: CANARY }, { name: 'b' }, { name: 'c' }]).bytes],
  ])('more %s than %s: 400 and INVALID_ARGUMENT, counted with the limit', async (_name, limit, body) => {
    const { post, call, sinks, host, receiver, config } = await startReceiver({ more: { limits: { [limit]: 2 } } })
    const answer = await post('/v1/traces', body)
    const json = await post('/v1/traces', protobufToJson('TracesRequest', body), { type: JSON_TYPE })
    const outcome = await call(methods.traces, body)
    expect(answer).toMatchObject({ status: 400, type: PROTOBUF })
    expect(readStatus(answer.bytes).message).toMatch(/^the traces request is too much: more than 2 /)
    expect(readStatus(answer.bytes).message).toContain(`limits.${limit}`)
    expect(json).toMatchObject({ status: 400, type: JSON_TYPE })
    expect(outcome).toMatchObject({ code: 3, message: readStatus(answer.bytes).message })
    expect(answer.headers['retry-after']).toBeUndefined()
    expect(`${answer.bytes}${json.bytes}`).not.toContain(CANARY)
    expect(sinks.traces.asked).toBe(0)
    expect(host.meter.value('sluice_receiver_bad_requests', { reason: limit })).toBe(3)
    expect(await receiver.update({ ...config, limits: { ...config.limits, [limit]: 3 } })).toBe(true)
    expect(await post('/v1/traces', body)).toMatchObject({ status: 200 })
  })

  test.each([
    ['cut off', `{"resourceSpans":[{"resource":{"attributes":[{"key":"${CANARY}"`],
    ['no JSON', `${CANARY}`],
    ['not an object', `["${CANARY}"]`],
    ['wrong type', `{"resourceSpans":"${CANARY}"}`],
    ['base64 id', `{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"${CANARY}AAAAAAAA=="}]}]}]}`],
    ['short id', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"abcd"}]}]}]}'],
    ['enum by name', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"kind":"SPAN_KIND_SERVER"}]}]}]}'],
    ['trailing', `{} ${CANARY}`],
  ])('JSON, %s: 400 with a JSON Status, without the content', async (_name, body) => {
    const { post } = await startReceiver()
    const answer = await post('/v1/traces', body, { type: JSON_TYPE })
    expect(answer).toMatchObject({ status: 400, type: JSON_TYPE })
    const status = JSON.parse(answer.bytes.toString())
    expect(status).toMatchObject({ code: 3, message: /no valid OTLP traces request/ })
    expect(status.details).toEqual([
      { '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ description: status.message }] },
    ])
    expect(answer.bytes.toString()).not.toContain(CANARY)
  })

  test('corrupt compression is 400, and INTERNAL on gRPC, as gRPC has it', async () => {
    const { post, grpcPort } = await startReceiver()
    const corrupt = gzipSync(bodies.traces).subarray(0, 30)
    expect((await post('/v1/traces', corrupt, { headers: { 'content-encoding': 'gzip' } })).status).toBe(400)
    const call = await callRaw(grpcPort, methods.traces, framed(corrupt, true), { 'grpc-encoding': 'gzip' })
    expect(call.headers['grpc-status']).toBe('13')
  })

  test.each([64, 65])('attribute values nested %i deep', async (depth) => {
    const { post, call } = await startReceiver()
    let value: unknown = 1
    let json = '{"stringValue":"x"}'
    // The value inside is one of them.
    for (let level = 1; level < depth; level++) {
      value = [value]
      json = `{"arrayValue":{"values":[${json}]}}`
    }
    const body = traceBatch([{ attributes: { deep: value as never[] } }]).bytes
    const text = `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"a","value":${json}}]}]}]}]}`
    expect((await post('/v1/traces', body)).status).toBe(depth === 64 ? 200 : 400)
    expect((await post('/v1/traces', text, { type: JSON_TYPE })).status).toBe(depth === 64 ? 200 : 400)
    expect((await call(methods.traces, body)).code).toBe(depth === 64 ? 0 : 3)
  })
})

describe('limits', () => {
  const limit = bodies.traces.length
  const larger = Buffer.concat([bodies.traces, Buffer.from([0x0a, 0x00])])

  test('a body of the limit passes, one byte more is 413, packed or not', async () => {
    const { post } = await startReceiver({ http: { max_request_body_size: limit } })
    const headers = { 'content-encoding': 'gzip' }
    expect((await post('/v1/traces', bodies.traces)).status).toBe(200)
    expect((await post('/v1/traces', gzipSync(bodies.traces), { headers })).status).toBe(200)
    for (const answer of [
      await post('/v1/traces', larger),
      await post('/v1/traces', gzipSync(larger), { headers }),
      await post('/v1/traces', gzipSync(Buffer.alloc(1 << 20)), { headers }),
    ]) {
      expect(answer).toMatchObject({ status: 413, type: PROTOBUF })
      expect(readStatus(answer.bytes).code).toBe(8)
    }
  })

  test('on gRPC it is RESOURCE_EXHAUSTED without RetryInfo', async () => {
    const { call, grpcPort } = await startReceiver({ grpc: { max_recv_msg_size_mib: limit / (1 << 20) } })
    expect((await call(methods.traces, bodies.traces)).code).toBe(0)
    expect(await call(methods.traces, larger)).toEqual({ code: 8, message: expect.stringMatching('limit') })
    const packed = await callRaw(grpcPort, methods.traces, framed(gzipSync(larger), true), { 'grpc-encoding': 'gzip' })
    expect(packed.headers['grpc-status']).toBe('8')
    expect(packed.headers['grpc-status-details-bin']).toBeUndefined()
  })

  test('by default it is 64 MiB', async () => {
    const { config } = await startReceiver()
    expect(config.protocols.http?.max_request_body_size).toBe(64 << 20)
    expect(config.protocols.grpc?.max_recv_msg_size_mib).toBe(64)
  })

  test('a body that the whole budget could not hold is too large, not to be sent again', async () => {
    const { post, call, host } = await startReceiver({ more: { max_in_flight_bytes: '1MiB' } })
    const huge = traceBatch([{ attributes: { text: 'x'.repeat(1 << 20) } }]).bytes
    expect((await post('/v1/traces', huge)).status).toBe(413)
    expect((await call(methods.traces, huge)).code).toBe(8)
    const refused = (transport: string) =>
      host.meter.value('sluice_receiver_refused_requests', { receiver: 'otlp', transport, reason: 'too_large' })
    expect([refused('http'), refused('grpc')]).toEqual([1, 1])
  })

  test('an unknown encoding is 415, and UNIMPLEMENTED on gRPC', async () => {
    const { post, grpcPort } = await startReceiver()
    expect((await post('/v1/traces', bodies.traces, { headers: { 'content-encoding': 'br' } })).status).toBe(415)
    const call = await callRaw(grpcPort, methods.traces, framed(bodies.traces, true), { 'grpc-encoding': 'br' })
    expect(call.headers['grpc-status']).toBe('12')
  })
})

describe('refusals', () => {
  test.each([
    ['queue_full', 2500, 429, '3'],
    ['memory_limit', 1000, 429, '1'],
    ['shutdown', 1000, 503, '1'],
    ['export_failed', undefined, 503, undefined],
  ])('%s after %s ms: HTTP %i with Retry-After, UNAVAILABLE with RetryInfo', async (reason, wait_ms, status, after) => {
    const { post, call, sinks, host, findings } = await startReceiver()
    sinks.traces.refuse(retryLater(reason, 'not now', wait_ms))
    const answer = await post('/v1/traces', bodies.traces)
    expect(answer).toMatchObject({ status, type: PROTOBUF })
    expect(answer.headers['retry-after']).toBe(after)
    expect(readStatus(answer.bytes).message).toBe('not now')
    const outcome = await call(methods.traces, bodies.traces)
    expect(outcome).toMatchObject({ code: 14, message: 'not now' })
    const delay = outcome.status?.details['RetryInfo'] as
      | { retryDelay: { seconds?: number; nanos?: number } }
      | undefined
    const { seconds = 0, nanos = 0 } = delay?.retryDelay ?? {}
    expect(delay && seconds * 1000 + nanos / 1e6).toBe(wait_ms)
    expect(host.meter.value('otelcol_receiver_refused_spans', { receiver: 'otlp', transport: 'http' })).toBe(3)
    expect(host.meter.value('otelcol_receiver_refused_spans', { transport: 'grpc' })).toBe(3)
    expect(host.meter.value('otelcol_receiver_accepted_spans')).toBe(0)
    expect(host.meter.value('sluice_receiver_refused_requests', { transport: 'http', reason })).toBe(1)
    sinks.traces.refuse(undefined)
    expect((await post('/v1/traces', bodies.traces)).status).toBe(200)
    expect(host.meter.value('otelcol_receiver_accepted_spans')).toBe(3)
    expect(findings()).toEqual([])
  })

  test('for good: 500 and INTERNAL; a bug says nothing of itself', async () => {
    const { post, call, sinks, host } = await startReceiver()
    sinks.logs.refuse(new Refusal('export_failed', 'the backend refuses it', { retryable: false }))
    expect(await post('/v1/logs', bodies.logs)).toMatchObject({ status: 500 })
    expect(await call(methods.logs, bodies.logs)).toMatchObject({ code: 13, message: 'the backend refuses it' })
    sinks.logs.refuse(new TypeError(CANARY))
    const answer = await post('/v1/logs', bodies.logs)
    expect(answer.status).toBe(500)
    expect(answer.bytes.toString()).not.toContain(CANARY)
    expect(await call(methods.logs, bodies.logs)).toMatchObject({ code: 13, message: 'internal error' })
    expect(host.meter.value('otelcol_receiver_failed_log_records')).toBe(12)
    expect(host.meter.value('sluice_receiver_bugs')).toBe(2)
  })

  test('under pressure a request is refused before it is read', async () => {
    const { post, call, host, sinks } = await startReceiver()
    pressureOf(host).set('x', retryLater('memory_limit', 'short of memory', 1000))
    const bad = Buffer.from('would be 400')
    expect(await post('/v1/traces', bad)).toMatchObject({ status: 429, headers: { 'retry-after': '1' } })
    expect(await call(methods.traces, bad)).toMatchObject({ code: 14 })
    expect(sinks.traces.asked).toBe(0)
  })
})
