/** Factories for tests of the config layer: schemas like the real ones', components that do nothing. */
import { z } from 'zod'
import type { Connector, Exporter, Extension, Factory, Processor, Receiver } from '../../src/component.ts'
import {
  clientEndpoint,
  compression,
  duration,
  endpoint,
  expect,
  headers,
  retryOnFailure,
  secret,
  sendingQueue,
  size,
  timeout,
  tlsClient,
  tlsServer,
} from '../../src/config/schema/blocks.ts'

const server = (address: string) =>
  z.strictObject({
    endpoint: endpoint().default(address).describe('Address to listen on.'),
    max_body_size: size({ min_bytes: 1 }).prefault('64MiB').describe('Largest request after decompression.'),
    tls: tlsServer().optional(),
  })

const otlp = z.strictObject({
  protocols: z
    .strictObject({
      grpc: server('localhost:4317').optional().describe('OTLP over gRPC.'),
      http: server('localhost:4318').optional().describe('OTLP over HTTP.'),
    })
    .describe('Protocols to listen for.'),
})

const memoryLimiter = z
  .strictObject({
    check_interval: duration({ min_ms: 1 }).describe('How often memory is measured.'),
    limit_mib: z.int().min(1).optional().describe('Hard limit.'),
    limit_percentage: z.int().min(1).max(100).optional().describe('Hard limit as a share of what there is.'),
  })
  .superRefine((limiter, context) => {
    if (limiter.limit_mib !== undefined || limiter.limit_percentage !== undefined) return
    expect(context, 'limit_mib or limit_percentage', 'add limit_percentage: 80')
  })

const batch = z.strictObject({
  timeout: duration().prefault('200ms').describe('A batch is sent after this time.'),
  send_batch_size: z.int().min(0).default(8192).describe('A batch is sent at this size.'),
  metadata_keys: z.array(z.string()).default([]).describe('Batches are kept apart by these.'),
})

const otlpGrpc = z.strictObject({
  endpoint: clientEndpoint().describe('Address of the backend.'),
  timeout: timeout('5s'),
  compression: compression(['gzip', 'zstd', 'none'], 'gzip'),
  headers: headers(),
  tls: tlsClient().prefault({}),
  retry_on_failure: retryOnFailure(),
  sending_queue: sendingQueue(),
})

const prometheus = z.strictObject({
  endpoint: endpoint().describe('Address to listen on.'),
  namespace: z.string().default('').describe('Before every name.'),
  metric_expiration: duration().prefault('5m').describe('A series that was not written is forgotten.'),
})

const debug = z.strictObject({
  verbosity: z.enum(['basic', 'normal', 'detailed']).default('basic').describe('How much is written.'),
})

const policy = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('always').describe('Kind.'), name: z.string().describe('Name.') }),
  z.strictObject({
    type: z.literal('latency').describe('Kind.'),
    name: z.string().describe('Name.'),
    threshold: duration().describe('Kept if slower.'),
  }),
])
const sampling = z.strictObject({ policies: z.array(policy).min(1).describe('Policies.') })

const api = z.strictObject({
  endpoint: endpoint().default('127.0.0.1:8890').describe('Address to listen on.'),
  token: secret().optional().describe('Bearer token that callers send.'),
})

const all = ['traces', 'metrics', 'logs'] as const
const idle = { consume: async () => {} } as unknown as Receiver & Processor<never> & Extension
const idlePorts = { inputs: {} } as Exporter & Connector

/** otlp; batch, memory_limiter, tail_sampling; otlp_grpc (otlp), prometheus, debug; forward, span_metrics; api. */
export const factories: readonly Factory[] = [
  { kind: 'receiver', type: 'otlp', summary: 'Takes OTLP.', schema: otlp, signals: all, create: () => idle },
  { kind: 'processor', type: 'batch', summary: 'Makes batches.', schema: batch, signals: all, create: () => idle },
  {
    kind: 'processor',
    type: 'memory_limiter',
    summary: 'Refuses when memory is short.',
    schema: memoryLimiter,
    signals: all,
    create: () => idle,
  },
  {
    kind: 'processor',
    type: 'tail_sampling',
    summary: 'Keeps whole traces.',
    schema: sampling,
    signals: ['traces'],
    create: () => idle,
  },
  {
    kind: 'exporter',
    type: 'otlp_grpc',
    aliases: ['otlp'],
    summary: 'Sends OTLP over gRPC.',
    schema: otlpGrpc,
    signals: all,
    create: () => idlePorts,
  },
  {
    kind: 'exporter',
    type: 'prometheus',
    summary: 'Shows metrics.',
    schema: prometheus,
    signals: ['metrics'],
    create: () => idlePorts,
  },
  {
    kind: 'exporter',
    type: 'debug',
    summary: 'Writes to the log.',
    schema: debug,
    signals: all,
    create: () => idlePorts,
  },
  {
    kind: 'connector',
    type: 'forward',
    summary: 'Leads from one pipeline to another.',
    schema: z.strictObject({}),
    signals: all.map((signal) => [signal, signal] as const),
    passesItems: true,
    countsOnly: false,
    create: () => idlePorts,
  },
  {
    kind: 'connector',
    type: 'span_metrics',
    summary: 'Counts spans.',
    schema: z.strictObject({}),
    signals: [['traces', 'metrics']],
    passesItems: false,
    countsOnly: true,
    create: () => idlePorts,
  },
  { kind: 'extension', type: 'api', summary: 'Answers questions.', schema: api, create: () => idle },
]
