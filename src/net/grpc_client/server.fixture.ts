/** For tests: servers for the client to meet, and calls to them. */
import {
  createServer as createHttp2Server,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import { type AddressInfo, createServer, type Socket, type Server as TcpServer } from 'node:net'
import { type Metadata, Server, ServerCredentials, type ServerOptions, type ServiceError } from '@grpc/grpc-js'
import type { GrpcChannelCall } from './flight.ts'
import { GrpcChannel, type GrpcChannelOptions } from './grpc_channel.ts'
import type { GrpcOutcome } from './grpc_outcome.ts'

export const PATH = '/test.Service/Call'
const closers: (() => unknown)[] = []

/** For afterEach: ends everything that the test began. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

export function atEnd(close: () => unknown): void {
  closers.push(close)
}

export interface SeenCall {
  readonly metadata: Metadata
  readonly request: Buffer
  readonly deadline: Date | number
}
type Done = (error: Partial<ServiceError> | null, response?: Buffer, trailers?: Metadata) => void

/** A server of grpc-js. Resolves with its port. */
export async function peerServer(
  handle: (call: SeenCall, done: Done) => void,
  options: ServerOptions = {},
  { port = 0, credentials = ServerCredentials.createInsecure(), host = '127.0.0.1' } = {},
): Promise<{ port: number; server: Server }> {
  const server = new Server({ 'grpc.max_receive_message_length': -1, ...options })
  const same = (bytes: Buffer) => bytes
  const codec = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same }
  server.addService({ Call: { path: PATH, requestStream: false, responseStream: false, ...codec } }, {
    Call: (call: SeenCall & { getDeadline(): Date | number }, done: Done) =>
      handle({ metadata: call.metadata, request: call.request, deadline: call.getDeadline() }, done),
  } as never)
  const address = host.startsWith('unix:') ? host : `${host}:${port}`
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, value) => (error ? reject(error) : resolve(value)))
  })
  closers.push(() => server.forceShutdown())
  return { port: bound, server }
}

/** A server of HTTP/2 that does with each stream what the test says. */
export async function streamServer(
  onStream: (stream: ServerHttp2Stream, session: ServerHttp2Session) => void,
  settings = {},
  at: { readonly port?: number; readonly host?: string } = {},
): Promise<{ port: number; server: Http2Server; sessions: ServerHttp2Session[] }> {
  const server = createHttp2Server({ settings })
  const sessions: ServerHttp2Session[] = []
  server.on('session', (session) => sessions.push(session.on('error', () => {})))
  server.on('sessionError', () => {})
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    onStream(stream, stream.session as ServerHttp2Session)
  })
  closers.push(() => {
    for (const session of sessions) session.destroy()
    server.close()
  })
  return { port: await listen(server as unknown as TcpServer, at.port, at.host), server, sessions }
}

/** A server of TCP. Resolves with its port. */
export async function socketServer(onSocket: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket.on('error', () => {}))
    onSocket(socket)
  })
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return listen(server)
}

export async function listen(server: TcpServer, port = 0, host = '127.0.0.1'): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  return (server.address() as AddressInfo).port
}

/** Answers OK, with a message if one is given. */
export function answerOk(stream: ServerHttp2Stream, message: Buffer = Buffer.alloc(5)): void {
  stream.resume()
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true })
  stream.once('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }))
  stream.end(message)
}

export function open(port: number, options: Partial<GrpcChannelOptions> = {}): GrpcChannel {
  const channel = new GrpcChannel({ address: { host: '127.0.0.1', port }, balancer: 'round_robin', ...options })
  closers.push(() => channel.close())
  return channel
}

export interface CallOptions extends Partial<GrpcChannelCall> {
  readonly headers?: readonly string[]
  readonly isCompressed?: boolean
}

export function call(
  channel: GrpcChannel,
  body: Buffer = Buffer.alloc(0),
  options: CallOptions = {},
): Promise<GrpcOutcome> {
  const { headers = [], isCompressed = false, ...more } = options
  const prefix = Buffer.alloc(5)
  prefix[0] = Number(isCompressed)
  prefix.writeUInt32BE(body.length, 1)
  const pseudo = [':method', 'POST', ':scheme', 'http', ':path', PATH, ':authority', 'test']
  const head = [...pseudo, 'te', 'trailers', 'content-type', 'application/grpc', ...headers]
  return channel.call({
    head,
    headAfter: () => head,
    prefix,
    body,
    answer_bytes_max: 100_000,
    signal: new AbortController().signal,
    ...more,
  })
}
