/** A receiver that listens on free ports, with clients and recorders. Tests only. */
import { connect, type IncomingHttpHeaders } from 'node:http2'
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import protobuf from 'protobufjs'
import { Agent, request } from 'undici'
import { afterEach } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { testHost } from '../../../test/support/host.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import type { Signal } from '../../component.ts'
import { Edge } from '../../pipeline/edge.ts'
import { findings } from '../../pipeline/ledger.ts'
import { schema } from './config.ts'
import { OtlpReceiver } from './index.ts'

export const SIGNALS = ['traces', 'metrics', 'logs'] as const
export const PROTOBUF = 'application/x-protobuf'
export const JSON_TYPE = 'application/json'
export const methods: Record<Signal, string> = {
  traces: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
  metrics: '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export',
  logs: '/opentelemetry.proto.collector.logs.v1.LogsService/Export',
}

/** google.rpc.Status and its details, written from their specification. */
const rpc = protobuf.parse(`syntax = "proto3";
  message Any { string type_url = 1; bytes value = 2; }
  message Status { int32 code = 1; string message = 2; repeated Any details = 3; }
  message Violation { string field = 1; string description = 2; }
  message BadRequest { repeated Violation field_violations = 1; }
  message Duration { int64 seconds = 1; int32 nanos = 2; }
  message RetryInfo { Duration retry_delay = 1; }`).root

export interface Status {
  code: number
  message: string
  details: Record<string, unknown>
}

/** A serialised google.rpc.Status, details by their short type name. */
export function readStatus(bytes: Buffer): Status {
  const plain = (name: string, value: Uint8Array) =>
    rpc.lookupType(name).toObject(rpc.lookupType(name).decode(value), { longs: Number, defaults: false })
  const {
    code,
    message,
    details = [],
  } = plain('Status', bytes) as {
    code: number
    message: string
    details?: { type_url: string; typeUrl: string; value: Buffer }[]
  }
  const named = details.map(({ typeUrl, value }) => {
    const name = typeUrl.replace('type.googleapis.com/google.rpc.', '')
    return [name, plain(name, value ?? Buffer.alloc(0))]
  })
  return { code, message, details: Object.fromEntries(named) }
}

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})
export const atEnd = (clean: () => unknown) => void cleanups.push(clean)

export interface ReceiverOptions {
  /** Beside endpoints with free ports. */
  readonly grpc?: object | null
  readonly http?: object | null
  readonly more?: object
  readonly signals?: readonly Signal[]
}

export async function startReceiver(options: ReceiverOptions = {}) {
  const { grpc = {}, http = {}, more = {}, signals = SIGNALS } = options
  const config = schema.parse({
    protocols: {
      ...(grpc && { grpc: { endpoint: '127.0.0.1:0', ...grpc } }),
      ...(http && { http: { endpoint: '127.0.0.1:0', ...http } }),
    },
    ...more,
  })
  const host = testHost({ id: 'otlp' })
  const sinks = { traces: new Recorder<'traces'>(), metrics: new Recorder<'metrics'>(), logs: new Recorder<'logs'>() }
  const accounts = signals.map((signal) => bookedAccount(signal))
  const next = Object.fromEntries(
    signals.map((signal, at) => [signal, new Edge(accounts[at]!.book, sinks[signal] as Recorder<Signal>)]),
  )
  const receiver = new OtlpReceiver(config, host, next)
  await receiver.start()
  atEnd(() => receiver.shutdown(AbortSignal.abort()))
  return {
    receiver,
    config,
    host,
    sinks,
    grpcPort: receiver.ports.grpc ?? 0,
    httpPort: receiver.ports.http ?? 0,
    post: poster(receiver.ports.http ?? 0),
    call: caller(receiver.ports.grpc ?? 0),
    /** What is wrong with the books now that nothing is under way. */
    findings: () =>
      findings(
        accounts.map((account) => account.balance()),
        true,
      ),
  }
}

export type Sent = { method?: 'POST' | 'GET' | 'PUT'; type?: string | null; headers?: Record<string, string> }

function poster(port: number) {
  const dispatcher = new Agent()
  atEnd(() => dispatcher.destroy())
  return async (path: string, body: Buffer | string, sent: Sent = {}) => {
    const { method = 'POST', type = PROTOBUF, headers = {} } = sent
    const answer = await request(`http://127.0.0.1:${port}${path}`, {
      method,
      dispatcher,
      headers: { ...(type !== null && { 'content-type': type }), ...headers },
      ...(method !== 'GET' && { body }),
    })
    const bytes = Buffer.from(await answer.body.arrayBuffer())
    return { status: answer.statusCode, headers: answer.headers, type: answer.headers['content-type'], bytes }
  }
}

export type Outcome = { code: number; message: string; body?: Buffer; status?: Status }

function caller(port: number) {
  let client: Client | undefined
  const same = (bytes: Buffer) => bytes
  return (path: string, body: Buffer, headers: Record<string, string> = {}, options: { deadline?: Date } = {}) => {
    if (client === undefined) {
      const made = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
        'grpc.use_local_subchannel_pool': 1,
        'grpc.max_send_message_length': -1,
        'grpc.enable_retries': 0,
      })
      client = made
      atEnd(() => made.close())
    }
    const metadata = new Metadata()
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
    return new Promise<Outcome>((resolve) => {
      client?.makeUnaryRequest(path, same, same, body, metadata, options, (error: ServiceError | null, answer) => {
        if (error === null) return resolve({ code: 0, message: '', body: answer as Buffer })
        const details = error.metadata.get('grpc-status-details-bin')[0] as Buffer | undefined
        resolve({ code: error.code, message: error.details, ...(details && { status: readStatus(details) }) })
      })
    })
  }
}

/** One call on a connection of its own whose framed and perhaps compressed message is given as it stands on the wire. */
export function callRaw(port: number, path: string, wire: Buffer, headers: Record<string, string> = {}) {
  const session = connect(`http://127.0.0.1:${port}`)
  return new Promise<{ headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders; body: Buffer }>(
    (resolve, reject) => {
      session.on('error', reject)
      const stream = session.request({
        ':method': 'POST',
        ':path': path,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      })
      const got: { headers: IncomingHttpHeaders; trailers: IncomingHttpHeaders } = { headers: {}, trailers: {} }
      const parts: Buffer[] = []
      stream.on('response', (answer) => (got.headers = answer))
      stream.on('trailers', (answer) => (got.trailers = answer))
      stream.on('data', (chunk: Buffer) => parts.push(chunk))
      stream.on('error', reject)
      stream.on('close', () => resolve({ ...got, body: Buffer.concat(parts) }))
      stream.end(wire)
    },
  ).finally(() => session.destroy())
}

/** A message with the 5-byte prefix of gRPC. */
export function framed(message: Buffer, compressed = false): Buffer {
  const prefix = Buffer.alloc(5)
  prefix[0] = compressed ? 1 : 0
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}
