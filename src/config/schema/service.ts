/** The `service` section: pipelines, extensions, own telemetry, and what is ours. */
import { z } from 'zod'
import { duration, expect, size, whenFull } from './blocks.ts'
import { stepsSchema } from './steps.ts'

const ids = (what: string) => z.array(z.string()).prefault([]).describe(what)

/** One pipeline as written. Whether the ids exist is checked elsewhere. */
const pipeline = z
  .strictObject({
    receivers: ids('Where the pipeline takes its items from: ids of receivers and connectors.'),
    processors: ids('What happens to them, in this order: ids of processors.'),
    exporters: ids('Where they go: ids of exporters and connectors.'),
  })
  .describe('A pipeline.')

const prometheusReader = z
  .strictObject({
    host: z.string().default('localhost').describe('Address to listen on.'),
    port: z.int().min(0).max(65535).default(8888).describe('Port of /metrics; 0 takes a free one.'),
    without_type_suffix: z
      .boolean()
      .default(false)
      .describe(
        'True: counters have no `_total`. The reader that exists without configuration has true, as the Collector’s.',
      ),
    without_units: z.boolean().default(false).describe('True: names have no unit at the end.'),
    without_scope_info: z.boolean().default(false).describe('True: no scope labels.'),
  })
  .describe('Prometheus endpoint with Sluice’s own metrics.')

const reader = z
  .strictObject({
    pull: z
      .strictObject({ exporter: z.strictObject({ prometheus: prometheusReader }).describe('What is scraped.') })
      .optional()
      .describe('Metrics are scraped.'),
    periodic: z.unknown().optional().describe('Not supported: Sluice does not push its own metrics.'),
  })
  .superRefine((given, context) => {
    if (given.periodic !== undefined) {
      const advice = 'use pull: {exporter: {prometheus: {host, port}}} and scrape it, or forward it with a Prometheus'
      expect(context, 'a pull reader; periodic readers are not supported', advice, ['periodic'])
    } else if (given.pull === undefined)
      expect(context, 'a reader', 'write pull: {exporter: {prometheus: {host, port}}}')
  })

const LEVELS = ['debug', 'info', 'warn', 'error'] as const
const level = z
  .string()
  .transform((given, context) => {
    return LEVELS.find((name) => name === given.toLowerCase()) ?? expect(context, 'debug, info, warn or error')
  })
  .meta({ enum: [...LEVELS, ...LEVELS.map((name) => name.toUpperCase())] })

const attributeValue = z.union([z.string(), z.number(), z.boolean(), z.null()])
const resource = z
  .union([
    z.strictObject({
      attributes: z
        .array(z.strictObject({ name: z.string().describe('Name.'), value: attributeValue.describe('Value.') }))
        .describe('Attributes as a list.'),
    }),
    z.record(z.string(), attributeValue),
  ])
  .transform((given): Record<string, string | number | boolean | null> => {
    const { attributes } = given
    return Array.isArray(attributes)
      ? Object.fromEntries(attributes.map(({ name, value }) => [name, value]))
      : (given as Record<string, string | number | boolean | null>)
  })

const telemetry = z
  .strictObject({
    logs: z
      .strictObject({
        level: level.prefault('info').describe('Lowest level that is written.'),
        encoding: z.enum(['console', 'json']).default('console').describe('How a log line looks.'),
      })
      .prefault({})
      .describe('Sluice’s own log, on stderr.'),
    metrics: z
      .strictObject({
        level: z
          .enum(['none', 'basic', 'normal', 'detailed'])
          .default('normal')
          .describe('How much is measured; none switches the endpoint off.'),
        readers: z
          .array(reader)
          .prefault([
            {
              pull: {
                exporter: { prometheus: { without_type_suffix: true, without_units: true, without_scope_info: true } },
              },
            },
          ])
          .describe('Where the metrics can be had.'),
      })
      .prefault({})
      .describe('Sluice’s own metrics.'),
    resource: resource.prefault({}).describe('Attributes of Sluice’s own telemetry; null removes one.'),
  })
  .prefault({})
  .describe('Sluice’s own telemetry.')

export const serviceSchema = z
  .strictObject({
    pipelines: z
      .record(z.string(), pipeline)
      .prefault({})
      .describe('Pipelines by id: traces, metrics or logs, with /name if there are several.'),
    extensions: ids('Extensions that run, in the order in which they start.'),
    telemetry,
    shutdown_timeout: duration().prefault('30s').describe('Time for handing everything on at shutdown.'),
    data_directory: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Where components keep what is to outlive a restart. It is made if it is missing; no other process may use it. Without it they begin anew. A change takes effect at the next start.',
      ),
    fan_out_bytes_max: size({ min_bytes: 1 << 20 })
      .optional()
      .describe(
        'Memory for batches that one branch of a fan-out has taken and another has not, of all branches together. Default an eighth of the memory limit.',
      ),
    fan_out_when_full: whenFull(),
    steps: stepsSchema,
    shards: z.int().min(1).max(64).default(1).describe('Into how many parts state by trace is split.'),
  })
  .describe('What runs, and how it is put together.')

export type ServiceSettings = z.output<typeof serviceSchema>
export type Telemetry = ServiceSettings['telemetry']
