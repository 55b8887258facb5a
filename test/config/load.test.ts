// biome-ignore-all lint/suspicious/noTemplateCurlyInString: substitutions are what is tested
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type LoadedConfig, loadConfig } from '../../src/config/load.ts'
import { ConfigError, formatProblems } from '../../src/config/problem.ts'
import type { Inputs } from '../../src/config/text/inputs.ts'
import { FILE_BYTES_MAX, processEnvironment } from '../../src/config/text/source.ts'
import { factories } from './factories.ts'

const base = `
receivers:
  otlp: { protocols: { grpc:, http: } }
processors:
  batch:
exporters:
  otlp_grpc: { endpoint: "tempo:4317" }
service:
  pipelines:
    traces: { receivers: [otlp], processors: [batch], exporters: [otlp_grpc] }
`

function load(
  files: Record<string, string>,
  inputs: Partial<Inputs> = {},
  variables: Record<string, string> = {},
): LoadedConfig {
  const readFile = (path: string) => files[path] ?? expect.unreachable(`read ${path}`)
  return loadConfig({ configs: Object.keys(files), ...inputs }, factories, { variables, readFile })
}

function problems(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof ConfigError) return formatProblems(error.problems)
    throw error
  }
  return expect.unreachable('no ConfigError')
}

/** A setting of the exporter, given as further sources. */
function endpointWith(inputs: Partial<Inputs>, variables: Record<string, string> = {}): unknown {
  return load({ a: base, b: 'exporters: {otlp_grpc: {endpoint: "b:1"}}' }, inputs, variables).exporters.get('otlp_grpc')
    ?.config
}

describe('sources', () => {
  test.each([
    [{ configs: ['a'] }, 'tempo:4317'],
    [{ configs: ['a', 'b'] }, 'b:1'],
    [{ configs: ['b', 'a'] }, 'tempo:4317'],
    [{ configs: ['file:a', 'file:b'] }, 'b:1'],
    [{ configs: ['a', 'env:EXTRA'] }, 'env:2'],
    [{ configs: ['a', 'yaml:exporters::otlp_grpc::endpoint: yaml:3'] }, 'yaml:3'],
    [{ configs: ['a', 'b'], sets: ['exporters.otlp_grpc.endpoint=set:4'] }, 'set:4'],
    [{ configs: ['a'], sets: ['exporters.otlp_grpc={endpoint: "set:5"}'] }, 'set:5'],
    [{ configs: ['a'], sets: ['exporters.otlp_grpc.endpoint=${env:HOST}:6'] }, 'host:6'],
  ])('%j', (inputs, endpoint) => {
    const variables = { EXTRA: 'exporters: {otlp_grpc: {endpoint: "env:2"}}', HOST: 'host' }
    expect(endpointWith(inputs, variables)).toMatchObject({ endpoint })
  })

  test('maps are merged, lists and scalars replaced', () => {
    const over =
      'processors: {memory_limiter: {check_interval: 1s, limit_mib: 5}}\nservice: {pipelines: {traces: {processors: [memory_limiter, batch]}}}'
    const { processors, service } = load({ a: base, over })
    expect([...processors.keys()]).toEqual(['batch', 'memory_limiter'])
    expect(service.pipelines.get('traces')).toEqual({
      id: 'traces',
      signal: 'traces',
      name: '',
      receivers: ['otlp'],
      processors: ['memory_limiter', 'batch'],
      exporters: ['otlp_grpc'],
    })
  })

  test('a mistake is told at the source that brought it', () => {
    const b = 'processors:\n  batch:\n    timeout: soon\n'
    const text = problems(() =>
      load({ a: base, b }, { sets: ['processors.batch.send_batch_size=many', 'service.shards=0'] }),
    )
    expect(text.split('\n').filter((line) => line.includes('error:'))).toEqual([
      'b:3:14: error: processors::batch::timeout: found the text "soon", expected a duration',
      '--set processors.batch.send_batch_size:1:34: error: processors::batch::send_batch_size: found the text "many", expected a number',
      '--set service.shards:1:16: error: service::shards: found the number 0, expected at least 1',
    ])
  })

  test.each([
    [{ configs: [] }, 'command line: error: no config given'],
    [{ configs: ['http://x/y'] }, '--config: error: found the scheme "http", expected file, env or yaml'],
    [{ configs: ['env:UNSET'] }, 'env:UNSET: error: the environment variable is not set'],
    [
      { configs: ['a'], sets: ['novalue'] },
      '--set novalue:1:1: error: found no key and value, expected key.path=value',
    ],
    [{ configs: ['a'], sets: ['a..b=1'] }, '--set a..b:1:1: error: found no key and value, expected key.path=value'],
    [{ configs: ['a'], sets: Array(100).fill('x=1') }, 'command line: error: found 101 sources, expected at most 100'],
  ])('%# is refused', (inputs, message) => {
    expect(problems(() => load({ a: base }, inputs))).toContain(message)
  })

  test('files are read from the disk, within bounds', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
    try {
      const path = join(folder, 'collector.yaml')
      const environment = processEnvironment({})
      expect(problems(() => loadConfig({ configs: [path] }, factories, environment))).toContain(
        'cannot read the file: it does not exist',
      )
      writeFileSync(path, base)
      expect(loadConfig({ configs: [path] }, factories, environment).files).toEqual([path])
      writeFileSync(path, `#${'x'.repeat(FILE_BYTES_MAX)}`)
      const text = problems(() => loadConfig({ configs: [path] }, factories, environment))
      expect(text).toContain(`cannot read the file: the file is larger than ${FILE_BYTES_MAX} bytes`)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

describe('values', () => {
  const withHeaders = (headers: string) => base.replace('"tempo:4317"', `"tempo:4317", headers: ${headers}`)

  test('a substituted value stays a text where a text is wanted', () => {
    const text = withHeaders('{a: "${env:NUMBER}", b: "${env:MAP}", c: "${env:EMPTY}", d: "${env:FLAG}"}')
    const { exporters } = load({ a: text }, {}, { NUMBER: '0123', MAP: 'a: b', EMPTY: '', FLAG: 'true' })
    expect(exporters.get('otlp_grpc')?.config).toMatchObject({ headers: { a: '0123', b: 'a: b', c: '', d: 'true' } })
  })

  test('a substituted value is a number where a number is wanted', () => {
    const text = base.replace('batch:', 'batch: { send_batch_size: "${env:SIZE}", timeout: "${env:TIME}" }')
    const { processors } = load({ a: text }, {}, { SIZE: '100', TIME: '1s' })
    expect(processors.get('batch')?.config).toMatchObject({ send_batch_size: 100, timeout: 1000 })
  })

  test('an unset variable means the default, with a warning', () => {
    const text = base.replace('batch:', 'batch: { send_batch_size: "${env:SIZE}" }')
    const { processors, warnings } = load({ a: text })
    expect(processors.get('batch')?.config).toMatchObject({ send_batch_size: 8192 })
    expect(warnings.map(({ message }) => message)).toEqual(['the environment variable SIZE is not set'])
  })

  test('an empty value means the default', () => {
    const { receivers, processors } = load({ a: base })
    expect(processors.get('batch')?.config).toEqual({ timeout: 200, send_batch_size: 8192, metadata_keys: [] })
    expect(receivers.get('otlp')?.config).toMatchObject({
      protocols: { grpc: { endpoint: 'localhost:4317' }, http: {} },
    })
  })

  test('a substituted file becomes part of the config, and mistakes in it show none of its text', () => {
    const text = base.replace('batch:', 'batch: "${file:batch.yaml}"')
    const inputs = { configs: ['a'] }
    expect(load({ a: text, 'batch.yaml': 'timeout: 3s' }, inputs)).toMatchObject({ files: ['a', 'batch.yaml'] })
    expect(problems(() => load({ a: text, 'batch.yaml': 'timeout: hush\nhush: 1' }, inputs))).toBe(
      'batch.yaml:1:10: error: processors::batch::timeout: found a text (not shown), expected a duration\n' +
        '      → write numbers with units (ms, s, m, h), such as 200ms, 1.5s or 1h30m\n\n' +
        'batch.yaml:2:1: error: processors::batch: unknown key `hush`\n' +
        '      → known keys here: timeout, send_batch_size, metadata_keys\n',
    )
  })
})

describe('names', () => {
  const older = base.replaceAll('otlp_grpc', 'otlp/tempo').replace('exporters: [otlp/tempo]', 'exporters: [REFERENCE]')

  test.each(['otlp/tempo', 'otlp_grpc/tempo'])(
    'an older name is taken with one warning, referred to as %s',
    (reference) => {
      const text = older.replace('REFERENCE', reference).replace('service:', '  otlp/2: { endpoint: "x:1" }\nservice:')
      const { exporters, service, warnings } = load({ a: text.replace(`[${reference}]`, `[${reference}, otlp/2]`) })
      expect(exporters.get('otlp/tempo')).toMatchObject({
        kind: 'exporter',
        id: 'otlp/tempo',
        type: 'otlp',
        canonicalType: 'otlp_grpc',
        name: 'tempo',
        aliasUsed: 'otlp',
      })
      expect(service.pipelines.get('traces')?.exporters).toEqual(['otlp/tempo', 'otlp/2'])
      expect(warnings.map(({ message }) => message)).toEqual(['`otlp` is an older name of `otlp_grpc`'])
    },
  )

  test('what is not used is warned of', () => {
    const { warnings } = load({ a: `${base}\nextensions: { api: }` })
    expect(
      formatProblems(warnings, 'warning'),
    ).toBe(`a:12:15: warning: extensions::api: the extension is not used in service.extensions
   12 | extensions: { api: }
      |               ^^^
      → it does not run; use it or remove it
`)
  })
})

test('service has the Collector’s defaults', () => {
  const { service } = load({ a: base })
  expect(service).toMatchObject({ extensions: [], shutdown_timeout: 30_000, shards: 1 })
  expect(service.telemetry).toEqual({
    logs: { level: 'info', encoding: 'console' },
    metrics: {
      level: 'normal',
      readers: [
        {
          pull: {
            exporter: {
              prometheus: {
                host: 'localhost',
                port: 8888,
                without_type_suffix: true,
                without_units: true,
                without_scope_info: true,
              },
            },
          },
        },
      ],
    },
    resource: {},
  })
})

test.each([
  ['{attributes: [{name: service.name, value: x}]}', { 'service.name': 'x' }],
  ['{service.name: x, service.instance.id: null}', { 'service.name': 'x', 'service.instance.id': null }],
])('telemetry.resource %s', (written, resource) => {
  const { service } = load({
    a: base.replace('service:', `service:\n  telemetry: { resource: ${written}, logs: { level: DEBUG } }`),
  })
  expect(service.telemetry).toMatchObject({ resource, logs: { level: 'debug' } })
})

test('connectors lead from pipeline to pipeline', () => {
  const text = `
receivers: { otlp: { protocols: { grpc: } } }
connectors: { span_metrics: , forward/kept: }
exporters: { debug: , prometheus: { endpoint: ":8889" } }
service:
  pipelines:
    traces/in: { receivers: [otlp], exporters: [span_metrics, forward/kept] }
    traces/kept: { receivers: [forward/kept], exporters: [debug] }
    metrics: { receivers: [span_metrics], exporters: [prometheus] }
`
  const { service, warnings } = load({ a: text })
  expect([...service.pipelines.keys()]).toEqual(['traces/in', 'traces/kept', 'metrics'])
  expect(warnings).toEqual([])
})
