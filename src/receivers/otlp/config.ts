import { z } from 'zod'
import { duration, endpoint, size, tlsServer } from '../../config/schema/blocks.ts'
import { parseEndpoint } from '../../config/schema/units.ts'
import { DEFAULT_LIMITS } from '../../otlp/limits.ts'

const MIB = 1 << 20

/** The image sets SLUICE_HOST to listen on all interfaces; elsewhere only this machine is served. */
const host = hostOf(process.env['SLUICE_HOST'])

const keepalive = z
  .strictObject({
    server_parameters: z
      .strictObject({
        max_connection_idle: duration()
          .prefault('5m')
          .describe(
            'A connection without calls for this long is closed; clients connect again when they have something.',
          ),
        max_connection_age: duration().optional().describe('A connection older than this is asked to go.'),
        max_connection_age_grace: duration().optional().describe('How long its calls may then still take.'),
      })
      .prefault({})
      .describe('What the server does with connections.'),
  })
  .prefault({})
  .describe('How long connections live.')

const grpc = z
  .strictObject({
    endpoint: endpoint().prefault(`${host}:4317`).describe('Address to listen on, host:port.'),
    tls: tlsServer().optional(),
    max_recv_msg_size_mib: z
      .number()
      .positive()
      .max(1024)
      .default(64)
      .describe('Largest message, as sent and after decompression, in MiB.'),
    max_concurrent_streams: z.int().min(1).default(200).describe('Calls at once on one connection.'),
    include_metadata: z
      .boolean()
      .default(false)
      .describe('Keep request headers beside the data, for batching and exporters.'),
    keepalive,
  })
  .describe('OTLP over gRPC.')

const cors = z
  .strictObject({
    allowed_origins: z.array(z.string()).describe('Origins of pages that may send, for example https://*.example.com.'),
    allowed_headers: z.array(z.string()).default([]).describe('Request headers they may use, beside the usual ones.'),
    max_age: z.int().min(0).default(0).describe('How long browsers may remember the answer, in seconds.'),
  })
  .describe('Lets pages in browsers send. Without it they cannot.')

const path = (standard: string) =>
  z
    .string()
    .startsWith('/', 'a path begins with /')
    .default(standard)
    .describe(`Path of the signal; ${standard} in OTLP.`)

const http = z
  .strictObject({
    endpoint: endpoint().prefault(`${host}:4318`).describe('Address to listen on, host:port.'),
    tls: tlsServer().optional(),
    cors: cors.optional(),
    max_request_body_size: size({ min_bytes: 1 })
      .prefault(64 * MIB)
      .describe('Largest body, as sent and after decompression. Bytes, or with KiB, MiB.'),
    include_metadata: z
      .boolean()
      .default(false)
      .describe('Keep request headers beside the data, for batching and exporters.'),
    traces_url_path: path('/v1/traces'),
    metrics_url_path: path('/v1/metrics'),
    logs_url_path: path('/v1/logs'),
    read_header_timeout: duration().prefault('10s').describe('How long a client may take to send the headers.'),
    read_timeout: duration().prefault('60s').describe('How long a client may take to send the whole request.'),
    idle_timeout: duration().prefault('65s').describe('How long an idle connection is kept.'),
  })
  .describe('OTLP over HTTP: protobuf and JSON.')

const most = (fallback: number, description: string) => z.int().min(1).default(fallback).describe(description)

const limits = z
  .strictObject({
    message_fields_max: most(
      DEFAULT_LIMITS.message_fields_max,
      'Fields of one span, log record, data point, resource or scope, with all messages in it: elements of lists, numbers of packed lists, what occurs again, and unknown ones. An attribute with a plain value is one.',
    ),
    item_attributes_max: most(
      DEFAULT_LIMITS.item_attributes_max,
      'Attributes of one span, log record, data point, resource or scope, with those of its events, links, exemplars and metadata, and those in values.',
    ),
    request_groups_max: most(DEFAULT_LIMITS.request_groups_max, 'Resources and scopes of one request.'),
    request_points_max: most(
      DEFAULT_LIMITS.request_points_max,
      'Spans, log records, or metrics and data points of one request.',
    ),
  })
  .prefault({})
  .describe(
    'What one request may hold. One that holds more is refused as a whole, for good (HTTP 400, INVALID_ARGUMENT). No SDK comes near the defaults.',
  )

export const schema = z.strictObject({
  protocols: z
    .strictObject({
      grpc: grpc.optional().describe('OTLP over gRPC; leave out to switch it off.'),
      http: http.optional().describe('OTLP over HTTP; leave out to switch it off.'),
    })
    .refine(
      (protocols) => protocols.grpc !== undefined || protocols.http !== undefined,
      'needs grpc, http or both: write `grpc:` for its defaults',
    )
    .describe('Which transports to serve.'),
  trust_sluice: z
    .boolean()
    .default(false)
    .describe(
      'Keep sluice.* attributes that senders wrote: for the second of two tiers. Otherwise they are removed and counted.',
    ),
  limits,
  max_in_flight_bytes: size({ min_bytes: MIB })
    .optional()
    .describe(
      'Memory for requests that are being read or processed; over it senders are asked to come again. Default a quarter of the memory limit, at most 512 MiB.',
    ),
})

export type OtlpReceiverConfig = z.output<typeof schema>
export type GrpcConfig = NonNullable<OtlpReceiverConfig['protocols']['grpc']>
export type HttpConfig = NonNullable<OtlpReceiverConfig['protocols']['http']>

/** Where to listen. `localhost` is the IPv4 one: clients that try the IPv6 one first go on to it, not the other way round. */
export function listenAddress(endpoint: string): { host: string; port: number } {
  const { host, port } = parseEndpoint(endpoint)!
  return { host: host === 'localhost' ? '127.0.0.1' : host, port }
}

/** An empty variable is no wish to listen everywhere. */
function hostOf(wanted: string | undefined): string {
  if (wanted === undefined || wanted === '') return 'localhost'
  return wanted.includes(':') && !wanted.startsWith('[') ? `[${wanted}]` : wanted
}
