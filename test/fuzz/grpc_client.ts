/** The gRPC client against a server that answers with damaged frames. */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { GrpcChannel } from '../../src/net/grpc_client/grpc_channel.ts'
import type { GrpcOutcome } from '../../src/net/grpc_client/grpc_outcome.ts'
import { Random } from '../../src/otlp/random.fixture.ts'
import { FakeClock } from '../../src/self/clock.ts'
import { FLAG, FRAME, FrameReader, PREFACE } from '../bench/frames.ts'
import { answer, damaged, greeting } from './grpc_answers.ts'

const CALLS = 8
/** A client that is given up lets calls end that a server leaves without an answer. */
const PATIENCE_MS = 20
/** Calls that have not ended so long after they should have hang. */
const HANG_MS = 2_000

export interface GrpcFuzz {
  /** Frames that the server has sent. */
  frames: number
  /** Of how many clients. */
  clients: number
  /** Calls by their code. */
  readonly outcomes: Map<number, number>
  /** What should not have been, with the number of the client, which with the seed makes it again. */
  readonly failures: string[]
}

/** Runs clients from number `first` on until the server has sent so many frames. Stops after five failures. */
export async function fuzzGrpcClient(seed: number, first: number, frames: number): Promise<GrpcFuzz> {
  const run: GrpcFuzz = { frames: 0, clients: 0, outcomes: new Map(), failures: [] }
  let random = new Random(seed)
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}))
    socket.on('close', () => sockets.delete(socket))
    serve(socket, random, (count) => (run.frames += count))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const note = (error: unknown) =>
    run.failures.push(`client ${first + run.clients}: ${(error as Error)?.stack ?? error}`)
  process.on('uncaughtException', note).on('unhandledRejection', note)
  for (; run.frames < frames && run.failures.length < 5; run.clients++) {
    random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(first + run.clients + 1, 0x85ebca6b))
    await runClient(port, random, () => sockets.size > 0).then((outcomes) => count(run, outcomes), note)
    for (const socket of sockets) socket.destroy()
  }
  process.off('uncaughtException', note).off('unhandledRejection', note)
  await new Promise((resolve) => server.close(resolve))
  return run
}

function serve(socket: Socket, random: Random, sent: (frames: number) => void): void {
  const streams: number[] = []
  // Not the same for all: a connection that dies of its first frame says nothing about the others.
  const permille = random.pick([0, 0, 5, 20, 80])
  const write = (frames: readonly Buffer[]) => {
    sent(frames.length)
    if (frames.length > 0) socket.write(Buffer.concat(frames))
  }
  write(damaged(greeting(random), streams, permille, random))
  const reader = new FrameReader(
    {
      onData: () => {},
      onFrame: (type, flags, stream) => {
        if (type !== FRAME.headers || (flags & FLAG.ack) !== 0) return
        streams.push(stream)
        write(damaged(answer(stream, random), streams, permille, random))
        if (random.chance(2)) socket.end()
        else if (random.chance(1)) socket.resetAndDestroy()
      },
    },
    PREFACE.length,
  )
  socket.on('data', (chunk: Buffer) => reader.push(chunk))
}

/** `hasConnection`: does the server have one? Without one no call may wait. */
async function runClient(port: number, random: Random, hasConnection: () => boolean): Promise<GrpcOutcome[]> {
  const channel = new GrpcChannel({
    address: { host: '127.0.0.1', port },
    balancer: 'round_robin',
    clock: new FakeClock(),
    random: () => 0.5,
  })
  const abort = new AbortController()
  const sizes = Array.from({ length: CALLS }, () => random.pick([0, 10, 100_000]))
  const calls = Promise.all(sizes.map((size, at) => call(channel, size, at, abort.signal)))
  try {
    if (await within(PATIENCE_MS, calls)) return await calls
    for (let waited_ms = 0; !hasConnection(); waited_ms += PATIENCE_MS) {
      if (await within(PATIENCE_MS, calls)) return await calls
      if (waited_ms > HANG_MS) throw new Error('calls wait although there is no connection')
    }
    abort.abort()
    if (!(await within(HANG_MS, calls))) throw new Error('calls that were broken off hang')
    return await calls
  } finally {
    channel.close()
  }
}

/** Has it settled in this time? */
async function within(time_ms: number, settling: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, time_ms, false)
  })
  const isSettled = await Promise.race([settling.then(() => true), late])
  clearTimeout(timer)
  return isSettled
}

async function call(channel: GrpcChannel, size: number, at: number, signal: AbortSignal): Promise<GrpcOutcome> {
  // Half of them come when others have been answered.
  if (at % 2 === 1) await new Promise((resolve) => setImmediate(resolve))
  const prefix = Buffer.alloc(5)
  prefix.writeUInt32BE(size, 1)
  return channel.call({
    head: HEAD,
    headAfter: () => HEAD,
    prefix,
    body: Buffer.alloc(size),
    answer_bytes_max: 1000,
    signal,
  })
}

const HEAD = [
  ...[':method', 'POST', ':scheme', 'http', ':path', '/a.B/C', ':authority', 'fuzz'],
  ...['te', 'trailers', 'content-type', 'application/grpc'],
]

function count(run: GrpcFuzz, outcomes: readonly GrpcOutcome[]): void {
  for (const { code, from, message } of outcomes) {
    run.outcomes.set(code, (run.outcomes.get(code) ?? 0) + 1)
    if (!(code >= 0 && code <= 16)) run.failures.push(`client ${run.clients}: there is no code ${code}`)
    if (code === 0 && from !== 'peer') run.failures.push(`client ${run.clients}: OK from ${from}`)
    if (message.length > 1000) run.failures.push(`client ${run.clients}: a message of ${message.length} bytes`)
  }
}
