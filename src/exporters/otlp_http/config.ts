import { z } from 'zod'
import { compression, duration, expect, headers, httpUrl, proxyUrl, tlsClient } from '../../config/schema/blocks.ts'
import { sendingKeys } from '../../sending/config.ts'

/** Limits of OTLP 1.11 ("Request and response size limits"). */
export const REQUEST_BYTES_MAX = 64 * 1024 * 1024
export const RESPONSE_BYTES_MAX = 4 * 1024 * 1024

export const schema = z
  .strictObject({
    endpoint: httpUrl().optional().describe('Base URL of the backend; /v1/traces, /v1/metrics, /v1/logs are appended.'),
    traces_endpoint: httpUrl().optional().describe('Whole URL for traces, instead of the one under `endpoint`.'),
    metrics_endpoint: httpUrl().optional().describe('Whole URL for metrics, instead of the one under `endpoint`.'),
    logs_endpoint: httpUrl().optional().describe('Whole URL for logs, instead of the one under `endpoint`.'),
    encoding: z.enum(['proto', 'json']).default('proto').describe('Encoding of request bodies.'),
    compression: compression(['gzip', 'zstd', 'deflate', 'none'], 'gzip'),
    compression_params: z
      .strictObject({
        level: z.int().min(1).max(22).default(1).describe('gzip and deflate: 1 to 9; zstd: 1 to 22.'),
      })
      .prefault({})
      .describe('How hard the compression tries.'),
    headers: headers(),
    tls: tlsClient().prefault({}),
    proxy_url: proxyUrl(),
    max_conns_per_host: z.int().min(0).default(0).describe('Most connections to the backend; 0 means no limit.'),
    max_idle_conns: z
      .int()
      .min(0)
      .default(100)
      .describe('Accepted for the Collector’s sake; idle connections end by time.'),
    idle_conn_timeout: duration().prefault('90s').describe('An idle connection is closed after this time.'),
    disable_keep_alives: z.boolean().default(false).describe('True: a new connection for every request.'),
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
    ...sendingKeys('30s'),
  })
  .superRefine((config, context) => {
    const urls = [config.traces_endpoint, config.metrics_endpoint, config.logs_endpoint]
    if (config.endpoint === undefined && urls.every((url) => url === undefined)) {
      expect(context, '`endpoint` or an endpoint of a signal', 'add `endpoint: http://host:4318`')
    }
    if (config.compression !== 'zstd' && config.compression_params.level > 9) {
      expect(context, `a level of at most 9 for ${config.compression}`, undefined, ['compression_params', 'level'])
    }
  })

export type OtlpHttpConfig = z.output<typeof schema>
