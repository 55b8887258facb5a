import { z } from 'zod'
import { duration, endpoint, tlsServer } from '../../config/schema/blocks.ts'

/** The image sets SLUICE_HOST to listen on all interfaces; elsewhere only this machine is served. */
const host = process.env['SLUICE_HOST'] ?? 'localhost'

export const schema = z.strictObject({
  endpoint: endpoint().prefault(`${host}:13133`).describe('Address to listen on, host:port.'),
  path: z.string().startsWith('/', 'a path begins with /').default('/').describe('Path that is answered.'),
  tls: tlsServer().optional(),
  response_body: z
    .strictObject({
      healthy: z.string().default('').describe('Body of the answer 200; empty: the JSON.'),
      unhealthy: z.string().default('').describe('Body of the answer 503; empty: the JSON.'),
    })
    .optional()
    .describe('Bodies to send instead of the JSON.'),
  check_collector_pipeline: z
    .strictObject({
      enabled: z.boolean().default(false).describe('Accepted, without effect.'),
      interval: duration().prefault('5m').describe('Accepted, without effect.'),
      exporter_failure_threshold: z.int().default(5).describe('Accepted, without effect.'),
    })
    .optional()
    .describe('Accepted, without effect, as in the Collector.'),
})

export type HealthCheckConfig = z.output<typeof schema>
