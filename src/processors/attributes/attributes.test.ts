import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { testHost } from '../../../test/support/host.ts'
import {
  anyBatch,
  attributesOf,
  batchOf,
  itemsOf,
  keyValues,
  logBatch,
  metricBatch,
  type Plain,
  type PlainAttributes,
  traceBatch,
} from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import type { Message } from '../../otlp/codec.ts'
import type { Batches, Signal } from '../../telemetry/batch.ts'
import { receive } from '../../telemetry/receive.ts'
import { schema } from './config.ts'
import { attributes } from './index.ts'

const HASH_KEY = 'sixteen characters'

async function apply<S extends Signal>(
  config: Record<string, unknown>,
  batch: Batches[S],
  more = {},
): Promise<Batches[S]> {
  const recorder = new Recorder<S>()
  const processor = attributes.create(schema.parse(config), testHost(), batch.signal as S, recorder)
  const account = bookedAccount(batch.signal as S)
  await account.feed(processor, batch, more)
  const result = recorder.batches[0]!
  // What was written must be valid, whoever reads it.
  expect(receive(batch.signal as S, result.bytes).batch.count).toBe(batch.count)
  return result
}

async function edited(actions: unknown[], given: PlainAttributes, more = {}): Promise<[string, Plain][]> {
  const batch = traceBatch([{ attributes: given, events: [{ name: 'e', attributes: given }] }])
  const result = await apply({ actions, hash_key: HASH_KEY }, batch, more)
  const { attributes: list, ...rest } = itemsOf(result)[0]!
  const { attributes: _, ...before } = itemsOf(batch)[0]!
  expect(rest).toEqual(before)
  return attributesOf({ attributes: list ?? [] })
}

describe('actions', () => {
  const a = { a: 'x', n: 5 }
  const hmac = (content: string | Buffer) => createHmac('sha256', HASH_KEY).update(content).digest('hex')
  const cases: [string, Record<string, unknown>[], PlainAttributes, [string, Plain][]][] = [
    ['insert adds', [{ action: 'insert', key: 'b', value: 'y' }], a, [...pairs(a), ['b', 'y']]],
    ['insert leaves what is there', [{ action: 'insert', key: 'a', value: 'y' }], a, pairs(a)],
    [
      'update changes in place',
      [{ action: 'update', key: 'a', value: 'a longer text' }],
      a,
      [
        ['a', 'a longer text'],
        ['n', 5],
      ],
    ],
    ['update does not add', [{ action: 'update', key: 'b', value: 'y' }], a, pairs(a)],
    [
      'upsert changes',
      [{ action: 'upsert', key: 'a', value: true }],
      a,
      [
        ['a', true],
        ['n', 5],
      ],
    ],
    ['upsert adds', [{ action: 'upsert', key: 'b', value: 1.5 }], {}, [['b', 1.5]]],
    ['a list', [{ action: 'insert', key: 'b', value: ['x', 2, true] }], {}, [['b', ['x', 2, true]]]],
    ['delete removes', [{ action: 'delete', key: 'a' }], a, [['n', 5]]],
    [
      'delete removes every occurrence',
      [{ action: 'delete', key: 'a' }],
      [
        ['a', 1],
        ['b', 2],
        ['a', 3],
      ],
      [['b', 2]],
    ],
    [
      'update changes every occurrence',
      [{ action: 'update', key: 'a', value: 9 }],
      [
        ['a', 1],
        ['b', 2],
        ['a', 3],
      ],
      [
        ['a', 9],
        ['b', 2],
        ['a', 9],
      ],
    ],
    [
      'hash of every occurrence',
      [{ action: 'hash', key: 'a' }],
      [
        ['a', 'x'],
        ['a', 'y'],
      ],
      [
        ['a', hmac('x')],
        ['a', hmac('y')],
      ],
    ],
    ['hash of a number', [{ action: 'hash', key: 'n' }], { n: 5 }, [['n', hmac(Buffer.from([0x18, 5]))]]],
    ['from another attribute', [{ action: 'insert', key: 'b', from_attribute: 'n' }], a, [...pairs(a), ['b', 5]]],
    ['from one that is missing', [{ action: 'insert', key: 'b', from_attribute: 'zz' }], a, pairs(a)],
    [
      'one after the other',
      [
        { action: 'insert', key: 'b', from_attribute: 'a' },
        { action: 'delete', key: 'a' },
        { action: 'upsert', key: 'b', value: 'z' },
      ],
      a,
      [
        ['n', 5],
        ['b', 'z'],
      ],
    ],
    [
      'added and deleted again',
      [
        { action: 'insert', key: 'b', value: 1 },
        { action: 'delete', key: 'b' },
      ],
      a,
      pairs(a),
    ],
    ['text to int', [{ action: 'convert', key: 'a', converted_type: 'int' }], { a: '-12' }, [['a', -12]]],
    [
      'no number stays',
      [{ action: 'convert', key: 'a', converted_type: 'int' }],
      { a: '12 apples' },
      [['a', '12 apples']],
    ],
    ['double to int', [{ action: 'convert', key: 'a', converted_type: 'int' }], { a: 2.9 }, [['a', 2]]],
    [
      'large int to text',
      [{ action: 'convert', key: 'a', converted_type: 'string' }],
      { a: 9007199254740993n },
      [['a', '9007199254740993']],
    ],
    ['bool to text', [{ action: 'convert', key: 'a', converted_type: 'string' }], { a: true }, [['a', 'true']]],
    ['text to double', [{ action: 'convert', key: 'a', converted_type: 'double' }], { a: '0.5' }, [['a', 0.5]]],
    ['a list stays', [{ action: 'convert', key: 'a', converted_type: 'string' }], { a: ['x'] }, [['a', ['x']]]],
  ]
  test('a long value is written once into a message, however often its key is there', async () => {
    const long = 'x'.repeat(10_000)
    const many = Array.from({ length: 1000 }, () => ['to', 1] as const)
    const given = [['from', long] as const, ...many]
    const actions = [{ key: 'to', from_attribute: 'from', action: 'update' }]
    expect(await edited(actions as never, given as never)).toEqual([
      ['from', long],
      ['to', long],
    ])
  })

  test.each(cases)('%s', async (_, actions, given, expected) => {
    expect(await edited(actions, given)).toEqual(expected)
  })

  test('from the metadata and the address of the sender', async () => {
    const actions = [
      { action: 'insert', key: 'team', from_context: 'metadata.X-Team' },
      { action: 'insert', key: 'address', from_context: 'client.address' },
      { action: 'insert', key: 'none', from_context: 'metadata.none' },
    ]
    const more = { metadata: new Map([['x-team', 'search']]), peer: '10.0.0.1:4000' }
    expect(await edited(actions, {}, more)).toEqual([
      ['team', 'search'],
      ['address', '10.0.0.1:4000'],
    ])
  })

  test('a batch in which nothing changes is the same batch', async () => {
    for (const signal of ['traces', 'metrics', 'logs'] as const) {
      const batch = anyBatch(signal, 3, { resource: { 'service.name': 'shop' } })
      expect(await apply({ actions: [{ action: 'delete', key: 'none' }] }, batch)).toBe(batch)
    }
  })
})

describe('signals', () => {
  const actions = [{ action: 'upsert', key: 'a', value: 'new' }]

  test('log records', async () => {
    const result = await apply({ actions }, logBatch([{ body: 'x', attributes: { a: 'old' } }, { body: 'y' }]))
    expect(itemsOf(result).map((item) => attributesOf(item))).toEqual([[['a', 'new']], [['a', 'new']]])
    expect(itemsOf(result).map(({ body }) => body)).toEqual([{ stringValue: 'x' }, { stringValue: 'y' }])
  })

  test('data points of every kind of metric', async () => {
    const points = (): Message[] => [{ attributes: keyValues({ a: 'old', b: 1 }) }, { timeUnixNano: 1n }]
    const kinds = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']
    const metrics = kinds.map((kind) => ({
      name: kind,
      [kind]: { dataPoints: points() },
      metadata: keyValues({ a: 'm' }),
    }))
    const batch = batchOf('metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics }] }] })
    const result = itemsOf(await apply({ actions }, batch))
    for (const [at, kind] of kinds.entries()) {
      const list = (result[at]![kind] as Message)['dataPoints'] as Message[]
      expect(list.map((point) => attributesOf(point))).toEqual([
        [
          ['a', 'new'],
          ['b', 1],
        ],
        [['a', 'new']],
      ])
      expect(list[1]).toMatchObject({ timeUnixNano: 1n })
      expect(attributesOf(result[at], 'metadata')).toEqual([['a', 'm']])
    }
  })
})

describe('include and exclude', () => {
  const actions = [{ action: 'insert', key: 'hit', value: true }]
  const spans = [
    { name: 'GET /', kind: 2, attributes: { route: '/', n: 5 } },
    { name: 'POST /', kind: 3, attributes: { route: '/', n: 5.5 } },
    { name: 'GET /admin', kind: 2, attributes: { n: '5' } },
  ]
  const group = { resource: { 'service.name': 'shop', zone: 'a' }, scope: { name: 'lib', version: '1.0' } }
  const cases: [string, Record<string, unknown>, hits: string[]][] = [
    ['span_names', { span_names: ['GET /', 'x'] }, ['GET /']],
    ['span_kinds', { span_kinds: ['SPAN_KIND_SERVER'] }, ['GET /', 'GET /admin']],
    ['services', { services: ['shop'] }, ['GET /', 'POST /', 'GET /admin']],
    ['another service', { services: ['cart'] }, []],
    ['resources', { resources: [{ key: 'zone', value: 'a' }] }, ['GET /', 'POST /', 'GET /admin']],
    ['resources, all of them', { resources: [{ key: 'zone' }, { key: 'none' }] }, []],
    ['libraries', { libraries: [{ name: 'lib', version: '1.0' }] }, ['GET /', 'POST /', 'GET /admin']],
    ['another version', { libraries: [{ name: 'lib', version: '2.0' }] }, []],
    ['attributes by key', { attributes: [{ key: 'route' }] }, ['GET /', 'POST /']],
    ['attributes by value and type', { attributes: [{ key: 'n', value: 5 }] }, ['GET /']],
    ['a text is not the number', { attributes: [{ key: 'n', value: '5' }] }, ['GET /admin']],
    ['all criteria', { span_names: ['GET /'], attributes: [{ key: 'n', value: 5.5 }] }, []],
  ]
  test.each(cases)('%s', async (_, match, hits) => {
    const names = async (which: string) =>
      itemsOf(await apply({ actions, [which]: { match_type: 'strict', ...match } }, traceBatch(spans, group)))
        .filter((item) => attributesOf(item).some(([key]) => key === 'hit'))
        .map(({ name }) => name)
    expect(await names('include')).toEqual(hits)
    expect(await names('exclude')).toEqual(spans.map(({ name }) => name).filter((name) => !hits.includes(name)))
  })

  test('log records by severity and body; metrics by name', async () => {
    const logs = logBatch([
      { body: 'a', severity: 9, severityText: 'info' },
      { body: 'b', severity: 17 },
      { body: 'a' },
    ])
    const hits = async (match: Record<string, unknown>) =>
      itemsOf(await apply({ actions, include: { match_type: 'strict', ...match } }, logs)).map(
        (item) => attributesOf(item).length,
      )
    expect(await hits({ log_severity_number: { min: 'ERROR' } })).toEqual([0, 1, 0])
    expect(await hits({ log_severity_number: { min: 9, match_undefined: true } })).toEqual([1, 1, 1])
    expect(await hits({ log_severity_texts: ['info'] })).toEqual([1, 0, 0])
    expect(await hits({ log_bodies: ['a'] })).toEqual([1, 0, 1])
    const metrics = metricBatch([{ name: 'm' }, { name: 'n' }])
    const result = itemsOf(await apply({ actions, include: { match_type: 'strict', metric_names: ['n'] } }, metrics))
    expect(
      JSON.stringify(result, (_, value) => (typeof value === 'bigint' ? String(value) : value)).split('hit'),
    ).toHaveLength(2)
  })

  test('a criterion of another signal is an error that names those there are', () => {
    const config = schema.parse({ actions, include: { match_type: 'strict', span_names: ['x'] } })
    expect(() => attributes.create(config, testHost(), 'logs', new Recorder<'logs'>())).toThrow(
      /span_names, which cannot be asked in a logs pipeline \(only .*log_bodies/,
    )
  })
})

test('takes other actions in place', async () => {
  const recorder = new Recorder<'traces'>()
  const processor = attributes.create(
    schema.parse({ actions: [{ action: 'insert', key: 'a', value: 1 }] }),
    testHost(),
    'traces',
    recorder,
  )
  await processor.update!(schema.parse({ actions: [{ action: 'insert', key: 'b', value: 2 }] }))
  await bookedAccount('traces').feed(processor, traceBatch([{}]))
  expect(attributesOf(itemsOf(recorder.batches[0]!)[0])).toEqual([['b', 2]])
})

describe('config', () => {
  const mistakes: [Record<string, unknown>, string][] = [
    [{ action: 'insert', key: 'a' }, 'one of value, from_attribute and from_context'],
    [{ action: 'insert', key: 'a', value: 1, from_attribute: 'b' }, 'one of value, from_attribute and from_context'],
    [{ action: 'delete' }, 'a key'],
    [{ action: 'delete', key: 'a', value: 1 }, 'no value with the action delete'],
    [{ action: 'delete', pattern: '^a' }, 'patterns are not supported yet'],
    [{ action: 'extract', key: 'a', pattern: '(?P<x>.)' }, 'extract is not supported yet'],
    [{ action: 'convert', key: 'a' }, 'a converted_type'],
    [{ action: 'insert', key: 'a', from_context: 'auth.subject' }, 'metadata.<header> or client.address'],
    [{ action: 'hash', key: 'a' }, 'a hash_key for the action hash'],
  ]
  test.each(mistakes)('%j is a mistake', (action, message) => {
    expect(schema.safeParse({ actions: [action] }).error?.issues[0]?.message).toContain(message)
  })

  test.each([
    [{ match_type: 'regexp', span_names: ['.*'] }, 'regexp and expr are not supported yet'],
    [{ match_type: 'strict' }, 'something to match'],
    [{ match_type: 'strict', log_severity_number: { min: 'LOUD' } }, 'a severity'],
  ])('include: %j is a mistake', (include, message) => {
    const config = { actions: [{ action: 'delete', key: 'a' }], include }
    expect(schema.safeParse(config).error?.issues[0]?.message).toContain(message)
  })
})

function pairs(attributes: Record<string, Plain>): [string, Plain][] {
  return Object.entries(attributes)
}

test('a config that does not fit the signal is not taken in place', async () => {
  const processor = attributes.create(
    schema.parse({ actions: [{ action: 'insert', key: 'a', value: 1 }] }),
    testHost({ id: 'attributes/x' }),
    'logs',
    new Recorder<'logs'>(),
  )
  const other = { actions: [{ action: 'delete', key: 'a' }], include: { match_type: 'strict', span_names: ['x'] } }
  expect(await processor.update!(schema.parse(other))).toBe(false)
})
