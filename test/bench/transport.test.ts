import { connect, createServer, type Server, type Socket } from 'node:net'
import { Client, credentials, Server as GrpcServer, ServerCredentials, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, test } from 'vitest'
import { GrpcClient, serveGrpc } from './grpc.ts'
import { HttpClient, serveHttp } from './http.ts'

const servers: Server[] = []
const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const server of servers.splice(0)) server.close()
})

/** A client and a server that talk over loopback; bodies that arrive are kept. */
async function pair<C>(
  serve: (socket: Socket, onBody: (body: Buffer) => void) => void,
  make: (socket: Socket, host: string) => C,
): Promise<{ client: C; arrived: Buffer[] }> {
  const arrived: Buffer[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    serve(socket, (body) => arrived.push(Buffer.from(body)))
  })
  servers.push(server)
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  await new Promise((resolve) => socket.once('connect', resolve))
  return { client: make(socket, `127.0.0.1:${port}`), arrived }
}

const SIZES = [1, 4, 11, 16_379, 16_384, 70_000, 700_000, 3_000_000]

describe.each([
  { name: 'http', serve: serveHttp, make: (socket: Socket, host: string) => new HttpClient(socket, host) },
  { name: 'grpc', serve: serveGrpc, make: (socket: Socket, host: string) => new GrpcClient(socket, host) },
])('$name', ({ serve, make }) => {
  test('bodies of all sizes arrive whole, one after the other', async () => {
    const { client, arrived } = await pair<HttpClient | GrpcClient>(serve, make)
    for (const size of SIZES) {
      const body = Buffer.alloc(size, size % 251)
      const taken = await new Promise((resolve) => client.send(body, resolve))
      expect(taken).toBe(true)
      expect(arrived.pop()!.equals(body)).toBe(true)
    }
  })

  test('a connection that breaks settles what is under way as not taken', async () => {
    const { client } = await pair<HttpClient | GrpcClient>((socket) => socket.on('data', () => socket.destroy()), make)
    expect(await new Promise((resolve) => client.send(Buffer.alloc(10), resolve))).toBe(false)
  })
})

test('several gRPC calls at a time share a connection', async () => {
  const { client, arrived } = await pair(serveGrpc, (socket, host) => new GrpcClient(socket, host))
  const bodies = SIZES.map((size) => Buffer.alloc(size, size % 249))
  const taken = await Promise.all(bodies.map((body) => new Promise((resolve) => client.send(body, resolve))))
  expect(taken).toEqual(SIZES.map(() => true))
  expect(arrived.map((body) => body.length).sort((a, b) => a - b)).toEqual(SIZES)
})

const EXPORT_PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const same = (bytes: Buffer) => bytes

test('the gRPC sink answers a client of grpc-js', async () => {
  const arrived: number[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    serveGrpc(socket, (body) => arrived.push(body.length))
  })
  servers.push(server)
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port))
  })
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  for (const size of [10, 700_000, 20]) {
    const answer = await new Promise((resolve, reject) => {
      client.makeUnaryRequest(EXPORT_PATH, same, same, Buffer.alloc(size), (error, value) =>
        error ? reject(error) : resolve(value),
      )
    })
    expect(answer).toEqual(Buffer.alloc(0))
  }
  client.close()
  expect(arrived).toEqual([10, 700_000, 20])
})

test.each([
  { code: status.OK, taken: true },
  { code: status.UNAVAILABLE, taken: false },
  { code: status.CANCELLED, taken: false },
])('status $code of a grpc-js server is taken: $taken', async ({ code, taken }) => {
  const server = new GrpcServer()
  const method = {
    path: EXPORT_PATH,
    requestStream: false,
    responseStream: false,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
  server.addService(
    { Export: method },
    {
      Export: (_: unknown, done: (error: { code: number } | null, value: Buffer) => void) =>
        done(code === status.OK ? null : { code }, Buffer.alloc(0)),
    },
  )
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    )
  })
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  const client = new GrpcClient(socket, `127.0.0.1:${port}`)
  const answers: unknown[] = []
  for (const size of [10, 300_000, 10])
    answers.push(await new Promise((resolve) => client.send(Buffer.alloc(size), resolve)))
  server.forceShutdown()
  expect(answers).toEqual([taken, taken, taken])
})
