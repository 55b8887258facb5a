import { describe, expect, it } from 'vitest'
import type { z } from 'zod'
import type { Signal } from '../../component.ts'
import { encode } from '../../otlp/codec.ts'
import { contextOf, logs, metrics, spans, TestAccount, testHost } from '../../sending/host.fixture.ts'
import { type Batches, trusted } from '../../telemetry/batch.ts'
import { schema } from './config.ts'
import { DebugExporter, debug } from './index.ts'

function setUp(config: z.input<typeof schema> = {}) {
  const test = testHost('debug')
  const written: string[] = []
  const exporter = new DebugExporter(schema.parse(config), test.host, (text) => written.push(text))
  const pass = async <S extends Signal>(batch: Batches[S]) => {
    const account = new TestAccount(batch.signal)
    await account.pass(batch.count, () =>
      exporter.inputs[batch.signal as 'traces']!.consume(batch as Batches['traces'], contextOf(account)),
    )
    expect(account.delivered).toBe(batch.count)
  }
  return { test, written, pass }
}

const attribute = (key: string, value: object) => ({ key, value }) as never
const span = trusted(
  'traces',
  encode('TracesRequest', {
    resourceSpans: [
      {
        resource: { attributes: [attribute('service.name', { stringValue: 'shop' })] },
        scopeSpans: [
          {
            scope: { name: 'lib' },
            spans: [
              {
                traceId: Buffer.alloc(16, 1),
                spanId: Buffer.alloc(8, 2),
                name: 'chat \u001b[31m',
                startTimeUnixNano: 1_700_000_000_123_456_789n,
                attributes: [
                  attribute('prompt', { stringValue: 'line one\nline two' }),
                  attribute('tokens', { intValue: 12n }),
                  attribute('list', { arrayValue: { values: [{ boolValue: true }, { doubleValue: 0.5 }] } }),
                  attribute('map', {
                    kvlistValue: { values: [{ key: 'a', value: { stringValue: 'b' } }, { key: 'none' }] },
                  }),
                ],
              },
            ],
          },
        ],
      },
    ],
  }).take(),
)

describe('verbosity', () => {
  it('basic: one line a batch, with counts', async () => {
    const { written, pass } = setUp({ sampling_initial: 10 })
    await pass(spans(3))
    await pass(metrics([2, 3]))
    await pass(logs(4))
    expect(written).toEqual([
      `debug: traces: 3 spans, 1 resources, ${spans(3).size_bytes} bytes\n`,
      `debug: metrics: 2 metrics, 5 data points, 1 resources, ${metrics([2, 3]).size_bytes} bytes\n`,
      `debug: logs: 4 log records, 1 resources, ${logs(4).size_bytes} bytes\n`,
    ])
  })

  it('normal: also a line an item, with names and counts but no values', async () => {
    const { written, pass } = setUp({ verbosity: 'normal', sampling_initial: 10 })
    await pass(span)
    await pass(metrics([2]))
    await pass(logs(1))
    expect(written[0]!.split('\n')[1]).toBe(
      `  "chat \\u001b[31m" ${'01'.repeat(16)} ${'02'.repeat(8)} attributes=4 events=0`,
    )
    expect(written[0]).not.toContain('line one')
    expect(written[1]!.split('\n')[1]).toBe('  "metric-0" gauge data_points=2')
    expect(written[2]!.split('\n')[1]).toBe('  "log record" severity=9 attributes=0')
  })

  it('detailed: everything, one field a line', async () => {
    const { written, pass } = setUp({ verbosity: 'detailed' })
    await pass(span)
    expect(written[0]!.split('\n').slice(1)).toEqual([
      '  resourceSpans #0',
      '    resource:',
      '      attributes:',
      '        service.name: "shop"',
      '    scopeSpans #0',
      '      scope:',
      '        name: "lib"',
      '      spans #0',
      `        traceId: ${'01'.repeat(16)}`,
      `        spanId: ${'02'.repeat(8)}`,
      '        name: "chat \\u001b[31m"',
      '        startTimeUnixNano: 1700000000123456789',
      '        attributes:',
      '          prompt: "line one\\nline two"',
      '          tokens: 12',
      '          list: [true, 0.5]',
      '          map: {"a": "b", "none": empty}',
      '',
    ])
  })
})

it.each([
  [{}, 10],
  [{ sampling_initial: 2, sampling_thereafter: 3 }, 4],
  [{ sampling_initial: 2, sampling_thereafter: 0 }, 2],
])('shows with %o %i of ten batches a second', async (config, shown) => {
  const { test, written, pass } = setUp(config)
  for (let at = 0; at < 10; at++) await pass(spans(1))
  expect(written).toHaveLength(shown)
  await test.clock.advance(1000)
  await pass(spans(1))
  expect(written).toHaveLength(shown + 1)
  expect(test.counter('otelcol_exporter_sent_spans')).toBe(11)
})

it('has the Collector’s defaults', () => {
  expect(debug.schema.parse({})).toMatchObject({
    verbosity: 'basic',
    sampling_initial: 2,
    sampling_thereafter: 1,
    use_internal_logger: true,
  })
})
