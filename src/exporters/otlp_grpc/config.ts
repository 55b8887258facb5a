import { z } from 'zod'
import {
  clientEndpoint,
  compression,
  duration,
  expect,
  headers,
  proxyUrl,
  tlsClient,
} from '../../config/schema/blocks.ts'
import { sendingKeys } from '../../sending/config.ts'

/** Limits of OTLP 1.11 ("Request and response size limits"). */
export const REQUEST_BYTES_MAX = 64 * 1024 * 1024
export const RESPONSE_BYTES_MAX = 4 * 1024 * 1024

const keepalive = z
  .strictObject({
    time: duration({ min_ms: 1 }).prefault('10s').describe('A connection is probed after this time without traffic.'),
    timeout: duration({ min_ms: 1 })
      .prefault('10s')
      .describe('It is closed if the probe is not answered in this time.'),
    permit_without_stream: z.boolean().default(false).describe('True: also while no request is under way.'),
  })
  .describe('Probes of the connection; none by default.')

/** Metadata as gRPC sends it. */
const metadata = () =>
  headers().superRefine((given, context) => {
    for (const [name, value] of Object.entries(given)) {
      const isBinary = name.toLowerCase().endsWith('-bin')
      const isGood = isBinary ? /^[A-Za-z0-9+/]*={0,2}$/.test(value) : /^[ -~]*$/.test(value)
      if (!isGood) expect(context, isBinary ? 'base64' : 'printable ASCII', undefined, [name])
    }
  })

export const schema = z.strictObject({
  endpoint: clientEndpoint().describe(
    'Where to: host:port; http:// before it means no TLS, https:// TLS. Also dns:///, passthrough:/// and unix: as gRPC names them.',
  ),
  compression: compression(['gzip', 'zstd', 'deflate', 'none'], 'gzip'),
  headers: metadata(),
  tls: tlsClient().prefault({}),
  proxy_url: proxyUrl(),
  keepalive: keepalive.optional(),
  balancer_name: z
    .enum(['round_robin', 'pick_first'])
    .default('round_robin')
    .describe('How requests are spread over the host’s addresses.'),
  wait_for_ready: z
    .boolean()
    .default(false)
    .describe('True: a request waits for the connection until its time is up, instead of failing.'),
  authority: z.string().optional().describe('Value of :authority; the endpoint’s host by default.'),
  read_buffer_size: z.int().min(0).default(0).describe('Accepted for the Collector’s sake, without effect.'),
  write_buffer_size: z.int().min(0).default(524288).describe('Accepted for the Collector’s sake, without effect.'),
  max_request_size: z
    .int()
    .min(1)
    .max(REQUEST_BYTES_MAX)
    .default(REQUEST_BYTES_MAX)
    .describe(
      'Larger requests (bytes before compression) are sent in halves; a single item that is larger is dropped.',
    ),
  allow_raw_content: z.boolean().default(false).describe('True: may get telemetry that no redaction has seen.'),
  ...sendingKeys('5s'),
})

export type OtlpGrpcConfig = z.output<typeof schema>
