import { z } from 'zod'
import { duration, expect, headers, httpUrl, proxyUrl, secret, size, tlsClient } from '../../config/schema/blocks.ts'
import { sendingKeys } from '../../sending/config.ts'
import { labelNameOf, SERVICE_NAME } from './label_sets.ts'

export const PUSH_PATH = '/loki/api/v1/push'
/** Loki's default of `max_label_names_per_series`. */
const LABELS_MAX = 15
/** What a line's entry needs beside its text and metadata: lengths, times, labels. */
const ENTRY_OVERHEAD_BYTES = 64 * 1024

export const DEFAULT_LABELS = [
  'service.name',
  'service.namespace',
  'deployment.environment.name',
  'k8s.cluster.name',
  'k8s.namespace.name',
]

const labelName = z.string().regex(/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/, 'expected letters, digits and underscores')

const labels = z
  .strictObject({
    resource: z.array(z.string().min(1)).default(DEFAULT_LABELS).describe('Resource attributes that become labels.'),
    attributes: z
      .array(z.string().min(1))
      .default([])
      .describe('Attributes of log records that become labels: only such as have few values, never ids.'),
    static: z.record(labelName, z.string()).default({}).describe('Labels that every line gets.'),
  })
  .superRefine((given, context) => {
    const names = [
      SERVICE_NAME,
      ...[...given.resource, ...given.attributes].map(labelNameOf).filter((name) => name !== SERVICE_NAME),
      ...Object.keys(given.static).filter((name) => name !== SERVICE_NAME),
    ]
    const twice = names.find((name, at) => names.indexOf(name) !== at)
    if (twice !== undefined) expect(context, 'labels with different names', `remove one of those that become ${twice}`)
    if (SERVICE_NAME in given.static) {
      const advice = 'set service.name with the processor `resource`'
      expect(context, 'no static service_name: it is the resource’s service.name', advice, ['static', SERVICE_NAME])
    }
    if (names.length > LABELS_MAX) {
      const advice = 'leave the others in the structured metadata, where they can be searched as well'
      expect(context, `at most ${LABELS_MAX} labels, service_name included`, advice)
    }
  })
  .prefault({})
  .describe('What becomes a label of a stream. Everything else becomes structured metadata.')

export const schema = z
  .strictObject({
    endpoint: httpUrl()
      .superRefine((text, context) => {
        if (/\/otlp(\/v1\/logs)?\/?$/.test(text))
          expect(context, 'Loki’s push API', 'for its OTLP endpoint use the exporter `otlp_http`')
      })
      .describe(`URL of Loki’s push API; without a path it gets ${PUSH_PATH}.`),
    labels,
    label_value_bytes_max: size({ min_bytes: 1, max_bytes: 2048 })
      .prefault(256)
      .describe('Longer label values are cut; the whole value is then in the structured metadata.'),
    streams_max: z
      .int()
      .min(1)
      .default(1000)
      .describe('Label sets in use at a time. Lines of further ones go to a stream with only service_name.'),
    streams_idle: duration({ min_ms: 1000 })
      .prefault('1h')
      .describe('A label set without lines for so long is no longer in use.'),
    line_size_bytes_max: size({ min_bytes: 1024 }).prefault('256KiB').describe('Longer lines are cut.'),
    metadata_size_bytes_max: size({ min_bytes: 4096 })
      .prefault('64KiB')
      .describe('Structured metadata of a line, names and values; the longest values are cut until it fits.'),
    metadata_entries_max: z
      .int()
      .min(16)
      .default(128)
      .describe('Entries of structured metadata of a line; what is over is left out, and how many is noted.'),
    max_request_size: size({ min_bytes: 128 * 1024 })
      .prefault(3_500_000)
      .describe('Larger requests (bytes before compression) are sent in halves.'),
    late_after: duration()
      .prefault('30m')
      .describe('Streams with older lines are sent in requests of their own, so that Loki’s refusals can be counted.'),
    tenant_id: tenantId().optional().describe('Tenant, sent as X-Scope-OrgID.'),
    tenant_from: z
      .enum(['context', 'metadata'])
      .optional()
      .describe('Where the tenant of a batch comes from; `tenant_id` is for batches without one.'),
    tenant_metadata_key: z
      .string()
      .min(1)
      .default('x-scope-orgid')
      .transform((name) => name.toLowerCase())
      .describe('With `tenant_from: metadata`: the name of the request header that holds the tenant.'),
    basic_auth: z
      .strictObject({
        username: z
          .string()
          .regex(/^[^:]*$/, 'expected a name without a colon')
          .describe('User.'),
        password: secret().describe('Password.'),
      })
      .optional()
      .describe('Credentials, sent as an Authorization header.'),
    headers: headers(),
    tls: tlsClient().prefault({}),
    proxy_url: proxyUrl(),
    max_conns_per_host: z.int().min(0).default(0).describe('Most connections to Loki; 0 means no limit.'),
    idle_conn_timeout: duration().prefault('90s').describe('An idle connection is closed after this time.'),
    allow_raw_content: z.boolean().default(false).describe('True: may get telemetry that no redaction has seen.'),
    ...sendingKeys('30s'),
  })
  .superRefine((config, context) => {
    const least = config.line_size_bytes_max + config.metadata_size_bytes_max + ENTRY_OVERHEAD_BYTES
    if (config.max_request_size < least) {
      const advice = 'raise it, or lower line_size_bytes_max'
      expect(context, `at least ${least} bytes, so that every line fits`, advice, ['max_request_size'])
    }
    const named = Object.keys(config.headers).map((name) => name.toLowerCase())
    if (config.basic_auth !== undefined && named.includes('authorization')) {
      expect(context, 'either basic_auth or an Authorization header', 'remove one of them', ['basic_auth'])
    }
    if ((config.tenant_id ?? config.tenant_from) !== undefined && named.includes('x-scope-orgid')) {
      expect(context, 'either tenant_id, tenant_from or a header X-Scope-OrgID', 'remove the header', ['headers'])
    }
  })

export type LokiConfig = z.output<typeof schema>

/** What Loki takes as a tenant (its documentation, "Manage tenants"). */
export function isTenant(text: string): boolean {
  return /^[A-Za-z0-9!_.*'()-]{1,150}$/.test(text) && text !== '.' && text !== '..'
}

function tenantId() {
  return z.string().refine(isTenant, "expected up to 150 letters, digits and !-_.*'()")
}
