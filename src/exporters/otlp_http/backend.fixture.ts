import {
  createServer,
  type IncomingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Server as TcpServer } from 'node:net'
import type { z } from 'zod'
import type { Exporter } from '../../component.ts'
import { contextOf, TestAccount, testHost } from '../../sending/host.fixture.ts'
import type { Batches } from '../../telemetry/batch.ts'
import { schema } from './config.ts'
import { otlpHttp } from './index.ts'

export interface Request {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export const closers: (() => Promise<unknown>)[] = []
/** For afterEach: ends everything that the test began. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

/** A backend that notes requests and answers with `answer`. */
export async function backend(answer: (response: ServerResponse, at: number) => void) {
  const requests: Request[] = []
  const server = createServer(listener(requests, answer))
  return { requests, endpoint: `http://127.0.0.1:${await listen(server)}` }
}

export function listener(requests: Request[], answer: (response: ServerResponse, at: number) => void): RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      requests.push({ path: request.url!, headers: request.headers, body: Buffer.concat(chunks) })
      answer(response, requests.length - 1)
    })
  }
}

export async function listen(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    if ('closeAllConnections' in server) server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** The sender sees the result: queue off, no repeats. */
export const direct = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } } as const

export async function setUp(config: z.input<typeof schema>) {
  const test = testHost()
  const exporter: Exporter = otlpHttp.create(schema.parse(config), test.host)
  const account = new TestAccount()
  const pass = (batch: Batches['traces']) =>
    account.pass(batch.count, () => exporter.inputs.traces!.consume(batch, contextOf(account)))
  await exporter.start?.()
  closers.push(() => exporter.shutdown!(AbortSignal.abort()))
  return { test, exporter, account, pass }
}
