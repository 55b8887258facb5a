/** For tests: a backend of grpc-js, and an exporter that sends to it. */
import type { AddressInfo, Server as TcpServer } from 'node:net'
import { type Metadata, Server, ServerCredentials, type ServiceError } from '@grpc/grpc-js'
import type { z } from 'zod'
import { contextOf, TestAccount, testHost } from '../../sending/host.fixture.ts'
import type { Batches } from '../../telemetry/batch.ts'
import { schema } from './config.ts'
import { otlpGrpc } from './index.ts'

export type Answer = Buffer | { code: number; details?: string; metadata?: Metadata } | 'hang'
export interface Call {
  readonly path: string
  readonly metadata: Metadata
  readonly bytes: Buffer
}

export const closers: (() => unknown)[] = []
/** For afterEach: ends everything that the test began. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

export const PATHS = ['trace.v1.TraceService', 'metrics.v1.MetricsService', 'logs.v1.LogsService'].map(
  (service) => `/opentelemetry.proto.collector.${service}/Export`,
)

/** A backend that notes calls and answers with `answer`. */
export async function backend(
  answer: (at: number) => Answer,
  credentials = ServerCredentials.createInsecure(),
  port = 0,
) {
  const calls: Call[] = []
  const server = new Server({ 'grpc.max_receive_message_length': -1 })
  const identity = (bytes: Buffer) => bytes
  for (const path of PATHS) {
    const method = { path, requestStream: false, responseStream: false } as const
    const codec = {
      requestSerialize: identity,
      requestDeserialize: identity,
      responseSerialize: identity,
      responseDeserialize: identity,
    }
    server.addService({ Export: { ...method, ...codec } }, {
      Export: (
        call: { metadata: Metadata; request: Buffer },
        done: (error: Partial<ServiceError> | null, response?: Buffer) => void,
      ) => {
        calls.push({ path, metadata: call.metadata, bytes: call.request })
        const result = answer(calls.length - 1)
        if (result === 'hang') return
        if (Buffer.isBuffer(result)) done(null, result)
        else done({ name: 'x', message: result.details ?? '', ...result })
      },
    } as never)
  }
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => (error ? reject(error) : resolve(bound)))
  })
  closers.push(() => server.forceShutdown())
  return { calls, endpoint: `127.0.0.1:${bound}`, server }
}

export const insecure = { tls: { insecure: true } } as const
/** The sender sees the result: queue off, no repeats. */
export const direct = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } } as const

export async function setUp(config: z.input<typeof schema>) {
  const test = testHost('otlp_grpc/test')
  const exporter = otlpGrpc.create(schema.parse(config), test.host)
  const account = new TestAccount()
  const pass = (batch: Batches['traces']) =>
    account.pass(batch.count, () => exporter.inputs.traces!.consume(batch, contextOf(account)))
  await exporter.start?.()
  closers.push(() => exporter.shutdown!(AbortSignal.abort()))
  return { test, exporter, account, pass }
}

export async function listen(server: TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => server.close())
  return (server.address() as AddressInfo).port
}
