// biome-ignore-all lint/suspicious/noTemplateCurlyInString: substitutions are what is tested
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Factory } from '../../src/component.ts'
import { configSchema, listComponents, printConfig } from '../../src/config/commands.ts'
import { compareConfigs } from '../../src/config/compare.ts'
import { loadConfig } from '../../src/config/load.ts'
import { jsonSchemaOf } from '../../src/config/schema/json_schema.ts'
import { factories } from './factories.ts'

const text = `
receivers: { otlp: { protocols: { grpc: } } }
processors: { batch: { timeout: 1s }, memory_limiter: { check_interval: 1s, limit_mib: 100 } }
exporters:
  otlp:
    endpoint: tempo:4317
    headers: { authorization: "Bearer \${env:TOKEN}" }
    tls: { ca_pem: hush }
extensions: { api: { token: "\${env:TOKEN}" } }
service:
  extensions: [api]
  pipelines:
    traces: { receivers: [otlp], processors: [memory_limiter, batch], exporters: [otlp] }
`

const load = (config: string, sets: string[] = []) =>
  loadConfig({ configs: ['a'], sets }, factories, { variables: { TOKEN: 's3cr3t' }, readFile: () => config })

test('components', () => {
  const listed = parse(listComponents(factories, { name: 'sluice', description: 'A daemon.', version: '1.2.3' }))
  expect(listed.buildinfo).toEqual({ command: 'sluice', description: 'A daemon.', version: '1.2.3' })
  expect(Object.keys(listed)).toEqual([
    'buildinfo',
    'receivers',
    'processors',
    'exporters',
    'connectors',
    'extensions',
    'providers',
  ])
  expect(listed.exporters.at(1)).toEqual({
    name: 'otlp_grpc',
    deprecated_names: ['otlp'],
    summary: 'Sends OTLP over gRPC.',
    signals: ['traces', 'metrics', 'logs'],
  })
  expect(listed.connectors.at(1)).toMatchObject({ name: 'span_metrics', signals: ['traces → metrics'] })
})

test('print-config shows defaults, and no secret', () => {
  const printed = printConfig(load(text))
  expect(printed).not.toMatch(/s3cr3t|hush/)
  const config = parse(printed)
  expect(config.exporters.otlp).toMatchObject({
    endpoint: 'tempo:4317',
    timeout: '5s',
    headers: { authorization: '[REDACTED]' },
    tls: { insecure: false, ca_pem: '[REDACTED]', min_version: '1.2' },
    sending_queue: { sizer: 'requests', num_consumers: 10 },
  })
  expect(config.extensions.api).toEqual({ endpoint: '127.0.0.1:8890', token: '[REDACTED]' })
  expect(config.service.telemetry.metrics.readers[0].pull.exporter.prometheus.port).toBe(8888)
  expect(printConfig(load(text), { format: 'json' })).toBe(`${JSON.stringify(config, null, 2)}\n`)
})

test('print-config unredacted is a config that means the same', () => {
  const before = load(text)
  const printed = printConfig(before, { mode: 'unredacted' })
  expect(printed).toContain('Bearer s3cr3t')
  const { components, pipelines, service } = compareConfigs(before, load(printed))
  expect(components.filter(({ change }) => change !== 'unchanged')).toEqual([])
  expect([[...pipelines.values()], service]).toEqual([['unchanged'], false])
})

test('schema', () => {
  const schema = configSchema(factories)
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema')
  expect(Object.keys(schema.properties?.['exporters']?.patternProperties ?? {})).toEqual([
    '^otlp_grpc(/.+)?$',
    '^otlp(/.+)?$',
    '^prometheus(/.+)?$',
    '^debug(/.+)?$',
  ])
  const batch = schema.$defs?.['processor.batch']
  expect(batch).toMatchObject({
    type: ['object', 'string', 'null'],
    additionalProperties: false,
    description: 'Makes batches.',
  })
  expect(batch?.properties?.['send_batch_size']).toMatchObject({
    description: 'A batch is sent at this size.',
    default: 8192,
    type: ['integer', 'string', 'null'],
    pattern: '\\$\\{[^}]+\\}',
  })
  expect(batch?.properties?.['timeout']).toMatchObject({
    default: '200ms',
    description: 'A batch is sent after this time.',
  })
  const verbosity = schema.$defs?.['exporter.debug']?.properties?.['verbosity']
  expect(verbosity?.anyOf).toEqual([
    { type: 'string', enum: ['basic', 'normal', 'detailed'] },
    { $ref: '#/$defs/substitution' },
    { type: 'null' },
  ])
})

test('schemas of the factories describe every key', () => {
  for (const { type, schema } of factories) {
    for (const [key, property] of Object.entries(jsonSchemaOf(schema).properties ?? {})) {
      expect(property.description, `${type}::${key}`).toBeDefined()
    }
  }
})

test.each([
  [[], {}, false],
  [['processors.batch.timeout=1000ms'], {}, false],
  [['processors.batch.send_batch_size=8192'], {}, false],
  [['processors.batch.timeout=2s'], { batch: 'changed' }, false],
  [['exporters.otlp.tls.ca_pem=other'], { otlp: 'changed' }, false],
  [['exporters.debug={}'], { debug: 'added' }, false],
  [
    ['processors=null', 'service.pipelines.traces.processors=[]'],
    { batch: 'removed', memory_limiter: 'removed' },
    false,
  ],
  [['service.shards=2'], {}, true],
])('a reload with %j touches %j', (sets, touched, service) => {
  const changes = compareConfigs(load(text), load(text, sets))
  const changed = changes.components
    .filter(({ change }) => change !== 'unchanged')
    .map(({ id, change }) => [id, change])
  expect(Object.fromEntries(changed)).toEqual(touched)
  expect(changes.service).toBe(service)
})

test('a component whose parsed config holds a function is unchanged as long as what was written is', () => {
  const schema = z.strictObject({ pattern: z.string().transform((text) => (line: string) => line.includes(text)) })
  const factory = { ...factories.find(({ type }) => type === 'batch')!, schema } as Factory
  const others = factories.filter(({ type }) => type !== 'batch')
  const read = (pattern: string) => {
    const readFile = () => text.replace('timeout: 1s', `pattern: ${pattern}`)
    return loadConfig({ configs: ['a'] }, [...others, factory], { variables: { TOKEN: '' }, readFile })
  }
  const changeOf = (pattern: string) =>
    compareConfigs(read('a'), read(pattern)).components.find(({ id }) => id === 'batch')?.change
  expect(changeOf('a')).toBe('unchanged')
  expect(changeOf('b')).toBe('changed')
})

test('a reload tells which pipelines are others', () => {
  const after = load(text, [
    'service.pipelines.traces.processors=[batch]',
    'service.pipelines.logs={receivers: [otlp], exporters: [otlp]}',
  ])
  expect(Object.fromEntries(compareConfigs(load(text), after).pipelines)).toEqual({ traces: 'changed', logs: 'added' })
  expect(Object.fromEntries(compareConfigs(after, load(text)).pipelines)).toEqual({
    traces: 'changed',
    logs: 'removed',
  })
})
