import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import * as blocks from './blocks.ts'
import { jsonSchemaOf, visibility } from './json_schema.ts'

describe('defaults are the Collector’s', () => {
  test('retry_on_failure', () => {
    expect(blocks.retryOnFailure().parse(undefined)).toEqual({
      enabled: true,
      initial_interval: 5000,
      randomization_factor: 0.5,
      multiplier: 1.5,
      max_interval: 30_000,
      max_elapsed_time: 300_000,
    })
  })

  test('sending_queue', () => {
    expect(blocks.sendingQueue().parse({ batch: {} })).toEqual({
      enabled: true,
      num_consumers: 10,
      sizer: 'requests',
      block_on_overflow: false,
      wait_for_result: false,
      batch: { flush_timeout: 200, min_size: 8192, max_size: 0, sizer: 'items' },
    })
    expect(blocks.sendingQueue().parse(undefined).batch).toBeUndefined()
  })

  test('TLS', () => {
    expect(blocks.tlsClient().parse({})).toEqual({ insecure: false, insecure_skip_verify: false, min_version: '1.2' })
  })

  test('timeout and compression', () => {
    expect(blocks.timeout('5s').parse(undefined)).toBe(5000)
    expect(blocks.compression(['gzip', 'none'], 'gzip').parse(undefined)).toBe('gzip')
  })
})

test.each([
  ['duration', blocks.duration(), '1m', 60_000],
  ['duration', blocks.duration(), 0, 0],
  ['duration', blocks.duration(), 5, undefined],
  ['duration', blocks.duration({ min_ms: 1000 }), '999ms', undefined],
  ['duration', blocks.duration({ max_ms: 1000 }), '2s', undefined],
  ['size', blocks.size(), '1KiB', 1024],
  ['size', blocks.size(), 1024, 1024],
  ['size', blocks.size(), -1, undefined],
  ['size', blocks.size({ max_bytes: 10 }), '11B', undefined],
  ['endpoint', blocks.endpoint(), ':4317', ':4317'],
  ['endpoint', blocks.endpoint(), 'http://x:1', undefined],
  ['endpoint', blocks.endpoint(), 'unix:///run/x', undefined],
  ['clientEndpoint', blocks.clientEndpoint(), 'http://x:1', 'http://x:1'],
  ['clientEndpoint', blocks.clientEndpoint(), 'unix:///run/x', 'unix:///run/x'],
  ['clientEndpoint', blocks.clientEndpoint(), ':4317', undefined],
  ['proxyUrl', blocks.proxyUrl(), 'http://user:pass@proxy:3128', 'http://user:pass@proxy:3128'],
  ['proxyUrl', blocks.proxyUrl(), '', undefined],
  ['proxyUrl', blocks.proxyUrl(), 'socks5://proxy:1080', undefined],
  ['proxyUrl', blocks.proxyUrl(), 'proxy:3128', undefined],
  ['httpUrl', blocks.httpUrl(), 'http://loki:3100/push', 'http://loki:3100/push'],
  ['httpUrl', blocks.httpUrl(), 'loki:3100', undefined],
  ['httpUrl', blocks.httpUrl(), 'http://user:pass@loki', undefined],
  ['headers', blocks.headers(), [{ name: 'a', value: 'b' }], { a: 'b' }],
  ['headers', blocks.headers(), { a: 'b\r\nc: d' }, undefined],
  ['headers', blocks.headers(), { 'a b': 'c' }, undefined],
  ['tls min_version', blocks.tlsClient(), { min_version: 1.3 }, expect.objectContaining({ min_version: '1.3' })],
  ['tls min_version', blocks.tlsClient(), { min_version: 1 }, expect.objectContaining({ min_version: '1.0' })],
  ['tls min_version', blocks.tlsClient(), { min_version: '2' }, undefined],
  ['tls both', blocks.tlsClient(), { ca_file: 'a', ca_pem: 'b' }, undefined],
  ['tls key only', blocks.tlsClient(), { key_file: 'a' }, undefined],
  ['tls order', blocks.tlsClient(), { min_version: '1.3', max_version: '1.2' }, undefined],
  ['tls server without certificate', blocks.tlsServer(), { client_ca_file: 'a' }, undefined],
  ['queue batch', blocks.sendingQueue(), { batch: { min_size: 10, max_size: 5 } }, undefined],
  ['unknown key', blocks.retryOnFailure(), { enable: true }, undefined],
])('%s: %# %j', (_, schema, input, output) => {
  expect((schema as z.ZodType).safeParse(input).data).toEqual(output)
})

test('secrets are marked as such through every wrapper', () => {
  const schema = z.strictObject({
    headers: blocks.headers(),
    tls: blocks.tlsClient().prefault({}),
    proxy_url: blocks.proxyUrl(),
    token: blocks.secret().min(3).optional().describe('…'),
  })
  const json = jsonSchemaOf(schema)
  for (const path of [
    ['headers'],
    ['headers', 'x'],
    ['headers', 0, 'value'],
    ['tls', 'key_pem'],
    ['tls'],
    ['proxy_url'],
    ['token'],
  ]) {
    expect(visibility(json, path), path.join('.')).toBe('secret')
  }
  expect(visibility(json, ['tls', 'min_version'])).toBe('open')
  expect(visibility(json, ['tls', 'nothing'])).toBe('unknown')
})

test('every key of every block is described', () => {
  const schemas = [blocks.tlsClient(), blocks.tlsServer(), blocks.retryOnFailure(), blocks.sendingQueue()]
  for (const schema of schemas) {
    for (const [key, property] of Object.entries(jsonSchemaOf(schema).properties ?? {})) {
      expect(property.description, key).toMatch(/\.$/)
    }
  }
})
