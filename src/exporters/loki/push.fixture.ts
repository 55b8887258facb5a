/** For tests: push requests as protobufjs reads them, a Loki that answers as it is told, an exporter with its books. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import protobuf from 'protobufjs'
import { uncompress } from 'snappyjs'
import type { z } from 'zod'
import { FakeClock } from '../../self/clock.ts'
import { contextOf, TestAccount, testHost } from '../../sending/host.fixture.ts'
import type { Batches } from '../../telemetry/batch.ts'
import { schema } from './config.ts'
import { loki } from './index.ts'
import { LabelSets, StreamsInUse } from './label_sets.ts'
import { type Losses, PushConverter, type PushLimits } from './push.ts'

const { root } = protobuf.parse(readFileSync(new URL('../../../proto/loki_push.proto', import.meta.url), 'utf8'))
const PushRequest = root.lookupType('logproto.PushRequest')

export interface Line {
  /** Nanoseconds since 1970. */
  readonly time: bigint
  readonly text: string
  readonly metadata: Record<string, string>
}

export interface PushedLines {
  readonly labels: string
  readonly lines: readonly Line[]
}

/** A PushRequest in the order of its bytes. Throws if an entry has a name twice. */
export function read(bytes: Buffer): PushedLines[] {
  const request = PushRequest.toObject(PushRequest.decode(bytes), { longs: BigInt, arrays: true, defaults: true }) as {
    streams: {
      labels: string
      entries: {
        timestamp: { seconds: bigint; nanos: number }
        line: string
        structuredMetadata: { name: string; value: string }[]
      }[]
    }[]
  }
  return request.streams.map(({ labels, entries }) => ({
    labels,
    lines: entries.map(({ timestamp, line, structuredMetadata }) => {
      const names = structuredMetadata.map(({ name }) => name)
      if (new Set(names).size !== names.length) throw new Error(`a name twice in ${names}`)
      return {
        time: BigInt(timestamp.seconds) * 1_000_000_000n + BigInt(timestamp.nanos),
        text: line,
        metadata: Object.fromEntries(structuredMetadata.map(({ name, value }) => [name, value])),
      }
    }),
  }))
}

export interface ConverterOptions extends Partial<Omit<PushLimits, 'metadata'>> {
  readonly entries_max?: number
  readonly metadata_bytes_max?: number
  readonly streams_max?: number
  readonly labels?: z.input<typeof schema>['labels']
  readonly clock?: FakeClock
}

/** A converter with the defaults of the config, over these. */
export function converter(options: ConverterOptions = {}): PushConverter {
  const config = schema.parse({ endpoint: 'http://a', labels: options.labels })
  const limits = {
    line_bytes_max: options.line_bytes_max ?? config.line_size_bytes_max,
    label_value_bytes_max: options.label_value_bytes_max ?? config.label_value_bytes_max,
    request_bytes_max: options.request_bytes_max ?? config.max_request_size,
    metadata: {
      entries_max: options.entries_max ?? config.metadata_entries_max,
      size_bytes_max: options.metadata_bytes_max ?? config.metadata_size_bytes_max,
    },
  }
  const clock = options.clock ?? new FakeClock()
  const streams = new StreamsInUse(options.streams_max ?? config.streams_max, config.streams_idle, clock)
  return new PushConverter(limits, new LabelSets(config.labels), streams)
}

export const NOW_MS = 1_700_000_100_000

/** What becomes of a batch. */
export function convert(
  batch: Batches['logs'],
  options: ConverterOptions = {},
  by = converter(options),
): { streams: PushedLines[]; losses: Losses } {
  const push = by.convert(batch, NOW_MS)
  if (push === undefined) throw new Error('too large')
  return { streams: read(push.bytes), losses: push.losses }
}

/** The only line of a batch. */
export function lineOf(
  batch: Batches['logs'],
  options: ConverterOptions = {},
): Line & { labels: string; losses: Losses } {
  const { streams, losses } = convert(batch, options)
  if (streams.length !== 1 || streams[0]!.lines.length !== 1) throw new Error('more than a line')
  return { ...streams[0]!.lines[0]!, labels: streams[0]!.labels, losses }
}

export interface Request {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly streams: PushedLines[]
}

const closers: (() => Promise<unknown>)[] = []
/** For afterEach: ends everything that the test began. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

/** A Loki that notes requests and answers with `answer`. */
export async function backend(answer: (response: ServerResponse, at: number, request: Request) => void) {
  const requests: Request[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const one = { path: request.url!, headers: request.headers, body, streams: read(uncompress(body)) }
      requests.push(one)
      answer(response, requests.length - 1, one)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    server.closeAllConnections()
    server.close()
  })
  return { requests, endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** The sender sees the result: queue off, no repeats. */
export const direct = { sending_queue: { enabled: false }, retry_on_failure: { enabled: false } } as const

/** An exporter, its books, and what hands it a batch as the pipeline does. */
export async function setUp(config: z.input<typeof schema>) {
  const test = testHost('loki')
  const exporter = loki.create(schema.parse(config), test.host)
  const account = new TestAccount('logs')
  const pass = (batch: Batches['logs'], more: Parameters<typeof contextOf>[1] = {}) =>
    account.pass(batch.count, () => exporter.inputs.logs!.consume(batch, contextOf(account, more)))
  await exporter.start?.()
  closers.push(() => exporter.shutdown!(AbortSignal.abort()))
  return { test, exporter, account, pass }
}
