import { describe, expect, it } from 'vitest'
import { type LogOptions, logBatch, type Plain, type PlainAttributes } from '../../../test/support/otlp.ts'
import { Random } from '../../otlp/random.fixture.ts'
import { FakeClock } from '../../self/clock.ts'
import { join } from '../../telemetry/batch.ts'
import { MARK } from './lines/cut.ts'
import { convert, converter, lineOf, NOW_MS, read } from './push.fixture.ts'

const TIME_MS = 1_700_000_000_000
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const one = (record: LogOptions, resource: PlainAttributes = {}) => logBatch([record], { resource })
const lossless = { cutLines: 0, cutValues: 0, cutLabels: 0, droppedEntries: 0, overflowLines: 0 }

describe('line', () => {
  it.each<[string, Plain | undefined, string]>([
    ['a string', 'hello "you"\n', 'hello "you"\n'],
    ['an empty string', '', ''],
    ['none', undefined, ''],
    ['a number', 5, '5'],
    ['a large number', 9007199254740993n, '9007199254740993'],
    ['a negative number', -7, '-7'],
    ['a double', 1.5, '1.5'],
    ['a bool', true, 'true'],
    ['bytes', Buffer.from('hi'), 'aGk='],
    ['a list', ['x', 3, 1.5, false, null, Buffer.from('hi')], '["x",3,1.5,false,null,"aGk="]'],
    [
      'a map',
      { 'a.b': { c: 'q"\\\n\u2028ä' }, n: 9007199254740993n, list: [], map: {} },
      '{"a.b":{"c":"q\\"\\\\\\n\u2028ä"},"n":9007199254740993,"list":[],"map":{}}',
    ],
    ['what JSON has no number for', [Number.NaN, Infinity, 1.5e-7], '["NaN","Infinity",1.5e-7]'],
  ])('of %s', (_, body, text) => {
    const record = body === undefined ? {} : { body }
    expect(lineOf(one(record)).text).toBe(text)
  })

  it.each<[LogOptions]>([
    [{ event: 'user.login' }],
    [{ attributes: { 'event.name': 'user.login' } }],
    [{ attributes: { event_name: 'user.login' }, body: '' }],
  ])('of an event without a body is its name: %o', (record) => {
    const line = lineOf(one(record))
    expect([line.text, line.metadata]).toEqual(['user.login', { event_name: 'user.login' }])
  })

  it.each([
    ['ASCII', 'x'.repeat(3000)],
    ['two bytes', 'ä'.repeat(3000)],
    ['four bytes', `x${'😀'.repeat(2000)}`],
  ])('is cut between characters: %s', (_, body) => {
    const line = lineOf(one({ body }), { line_bytes_max: 2048 })
    const size = Buffer.byteLength(line.text)
    expect(size).toBeLessThanOrEqual(2048)
    expect(size).toBeGreaterThan(2044)
    expect(line.text.endsWith(MARK.toString())).toBe(true)
    expect(body.startsWith(line.text.slice(0, -MARK.length))).toBe(true)
    expect(line.losses).toEqual({ ...lossless, cutLines: 1 })
  })

  it('of exactly the limit stays', () => {
    expect(lineOf(one({ body: 'x'.repeat(2048) }), { line_bytes_max: 2048 })).toMatchObject({ losses: lossless })
  })

  it('is text, whatever the bytes are', () => {
    const batch = one({ body: 'ab??cd', attributes: { k: 'ab??cd', m: ['ab??cd'] } })
    const bytes = Buffer.from(batch.bytes.toString('latin1').replaceAll('??', '\xff\xc3'), 'latin1')
    const line = lineOf({ ...batch, bytes, count: 1, items: 1, size_bytes: bytes.length })
    expect([line.text, line.metadata]).toEqual(['ab��cd', { k: 'ab��cd', m: '["ab��cd"]' }])
  })
})

describe('time', () => {
  it.each<[string, LogOptions['more'], bigint]>([
    ['its own', { timeUnixNano: 1_700_000_000_123_456_789n, observedTimeUnixNano: 5n }, 1_700_000_000_123_456_789n],
    [
      'the observed one',
      { timeUnixNano: 0n, observedTimeUnixNano: 1_700_000_000_000_000_001n },
      1_700_000_000_000_000_001n,
    ],
    ['now', { timeUnixNano: 0n }, BigInt(NOW_MS) * 1_000_000n],
    ['the last that there is', { timeUnixNano: 2n ** 64n - 1n }, 2n ** 64n - 1n],
    ['the first', { timeUnixNano: 1n }, 1n],
  ])('is %s', (_, more, time) => {
    expect(lineOf(one({ body: 'x', more: more! })).time).toBe(time)
  })

  it('orders the lines of a stream, equal ones as they came', () => {
    const seed = 7
    const random = new Random(seed)
    const records = Array.from({ length: 200 }, (_, at) => ({ body: String(at), time_ms: TIME_MS + random.below(50) }))
    const { streams } = convert(logBatch(records, { resource: { 'service.name': 'a' } }))
    const expected = records.toSorted((a, b) => a.time_ms - b.time_ms).map(({ body }) => body)
    expect(
      streams[0]!.lines.map(({ text }) => text),
      `seed ${seed}`,
    ).toEqual(expected)
  })
})

describe('labels', () => {
  it.each<[string, PlainAttributes, string]>([
    ['no service', {}, '{service_name="unknown_service"}'],
    ['a service', { 'service.name': 'shop' }, '{service_name="shop"}'],
    ['an empty name', { 'service.name': '' }, '{service_name="unknown_service"}'],
    [
      'all',
      {
        'k8s.namespace.name': 'n',
        'k8s.cluster.name': 'c',
        'deployment.environment.name': 'prod',
        'service.namespace': 'eu',
        'service.name': 'shop',
        'service.instance.id': 'i-1',
      },
      '{deployment_environment_name="prod", k8s_cluster_name="c", k8s_namespace_name="n", service_name="shop", service_namespace="eu"}',
    ],
    ['quotes', { 'service.name': 'a"} \\\n\u0001' }, '{service_name="a\\"} \\\\\\n\\u0001"}'],
    ['a number', { 'service.name': 5 }, '{service_name="5"}'],
    ['a list is none', { 'service.name': ['a'] }, '{service_name="unknown_service"}'],
    [
      'the first of two',
      [
        ['service.name', 'a'],
        ['service.name', 'b'],
      ],
      '{service_name="a"}',
    ],
  ])('of a resource with %s', (_, resource, labels) => {
    expect(lineOf(one({ body: 'x' }, resource)).labels).toBe(labels)
  })

  it('are not repeated in the metadata; all the rest is there', () => {
    const line = lineOf(one({ body: 'x' }, { 'service.name': 'a', 'host.name': 'h', 'service.instance.id': 'i' }))
    expect(line.metadata).toEqual({ host_name: 'h', service_instance_id: 'i' })
  })

  it('can be static and attributes of records', () => {
    const labels = { resource: ['host.name'], attributes: ['log.level', 'gen_ai.system'], static: { cluster: 'eu-1' } }
    const records = [
      { body: '1', attributes: { 'log.level': 'warn', id: 7 } },
      { body: '2', attributes: { 'log.level': 'error' } },
      { body: '3', attributes: { 'log.level': 'warn', 'gen_ai.system': { no: 'label' } } },
      { body: '4' },
    ]
    const { streams } = convert(logBatch(records, { resource: { 'service.name': 'a', 'host.name': 'h' } }), { labels })
    const common = 'cluster="eu-1", host_name="h"'
    expect(streams.map((stream) => [stream.labels, stream.lines.map(({ text }) => text)])).toEqual([
      [`{${common}, log_level="warn", service_name="a"}`, ['1', '3']],
      [`{${common}, log_level="error", service_name="a"}`, ['2']],
      [`{${common}, service_name="a"}`, ['4']],
    ])
    expect(streams[0]!.lines.map(({ metadata }) => metadata)).toEqual([{ id: '7' }, { gen_ai_system_no: 'label' }])
  })

  it('are cut, and the whole value is metadata', () => {
    const line = lineOf(one({ body: 'x' }, { 'service.name': 'ä'.repeat(200) }), { label_value_bytes_max: 99 })
    expect(line.labels).toBe(`{service_name="${'ä'.repeat(49)}"}`)
    expect(line.metadata).toEqual({ service_name_2: 'ä'.repeat(200) })
    expect(line.losses).toEqual({ ...lossless, cutLabels: 1 })
  })

  it('of the same kind from several resources are one stream', () => {
    const batch = join('logs', [
      one({ body: 'b', time_ms: TIME_MS + 1 }, { 'service.name': 'a', pod: 1 }),
      one({ body: 'a' }, { 'service.name': 'a', pod: 2 }),
    ])
    const { streams } = convert(batch)
    expect(streams.map(({ lines }) => lines.map(({ text, metadata }) => [text, metadata]))).toEqual([
      [
        ['a', { pod: '2' }],
        ['b', { pod: '1' }],
      ],
    ])
  })

  it('are bounded: what is over goes to the service’s stream, then to one for all', () => {
    const clock = new FakeClock()
    const options = { streams_max: 2, clock, labels: { static: { cluster: 'c' } } }
    const by = converter(options)
    const from = (name: string, space: string) =>
      one({ body: 'x' }, { 'service.name': name, 'service.namespace': space })
    const labelsOf = (name: string, space: string) => convert(from(name, space), options, by)
    expect(labelsOf('a', '1').streams[0]!.labels).toBe('{cluster="c", service_name="a", service_namespace="1"}')
    expect(labelsOf('a', '2').streams[0]!.labels).toBe('{cluster="c", service_name="a", service_namespace="2"}')
    const third = labelsOf('a', '3')
    expect(third.streams[0]).toMatchObject({
      labels: '{cluster="c", service_name="a"}',
      lines: [{ metadata: { service_namespace: '3' } }],
    })
    expect(third.losses).toEqual({ ...lossless, overflowLines: 1 })
    expect(labelsOf('b', '3').streams[0]!.labels).toBe('{cluster="c", service_name="b"}')
    expect(labelsOf('c', '3').streams[0]).toMatchObject({
      labels: '{cluster="c", service_name="unknown_service"}',
      lines: [{ metadata: { service_name_2: 'c', service_namespace: '3' } }],
    })
    expect(labelsOf('a', '1').losses).toEqual(lossless)
    void clock.advance(3_600_000)
    expect(labelsOf('c', '3').losses).toEqual(lossless)
  })
})

describe('metadata', () => {
  it('has everything that a record, its scope and its resource say', () => {
    const record: LogOptions = {
      body: 'x',
      severity: 17,
      severityText: 'ERROR',
      trace: TRACE,
      span: 'b7ad6b7169203331',
      event: 'gen_ai.choice',
      attributes: {
        'gen_ai.request.model': 'm1',
        tokens: 12,
        ratio: 0.5,
        ok: true,
        list: ['a', { k: 1 }],
        nested: { a: { 'b.c': 'v', n: 1 }, list: [1], nothing: null },
        raw: Buffer.from('hi'),
        empty: '',
        nothing: null,
      },
      more: { flags: 1, observedTimeUnixNano: 1_700_000_000_000_000_005n, droppedAttributesCount: 3 },
    }
    const scope = { name: 'lib', version: '1.2', attributes: { kind: 'sdk' } }
    const line = lineOf(logBatch([record], { resource: { 'service.name': 'a', 'host.name': 'h' }, scope }))
    expect(line.metadata).toEqual({
      trace_id: TRACE,
      span_id: 'b7ad6b7169203331',
      severity_text: 'ERROR',
      severity_number: '17',
      event_name: 'gen_ai.choice',
      flags: '1',
      observed_timestamp: '1700000000000000005',
      dropped_attributes_count: '3',
      gen_ai_request_model: 'm1',
      tokens: '12',
      ratio: '0.5',
      ok: 'true',
      list: '["a",{"k":1}]',
      nested_a_b_c: 'v',
      nested_a_n: '1',
      nested_list: '[1]',
      raw: 'aGk=',
      scope_name: 'lib',
      scope_version: '1.2',
      kind: 'sdk',
      host_name: 'h',
    })
    expect(line.losses).toEqual(lossless)
  })

  it.each<[string, PlainAttributes, Record<string, string>]>([
    ['dots and dashes', { 'a.b-c': 1 }, { a_b_c: '1' }],
    ['digits first', { '1a': 1 }, { key_1a: '1' }],
    ['foreign letters', { 'größe 😀': 1 }, { gr_e_: '1' }],
    ['reserved names', { __error__: 1, __name__: 2 }, { _error_: '1', _name_: '2' }],
    ['nothing', { '': 1, '.': 2, ä: 3, __: 4 }, { unnamed: '1', unnamed_2: '2', unnamed_3: '3', unnamed_4: '4' }],
    ['many underscores', { a__b: 1, a_b: 2 }, { a_b: '1', a_b_2: '2' }],
    ['the same name', { 'a.b': 1, a_b: 2, 'a-b': 3, 'a b': 1 }, { a_b: '1', a_b_2: '2', a_b_3: '3' }],
    ['the same name in a map', { a: { b: 1 }, 'a.b': 2 }, { a_b: '1', a_b_2: '2' }],
    ['a name with the number already', { a_b_2: 'x', 'a.b': 1, a_b: 2 }, { a_b_2: 'x', a_b: '1', a_b_3: '2' }],
    ['a field’s name', { trace_id: 'mine', span_id: 'mine' }, { trace_id: TRACE, trace_id_2: 'mine', span_id: 'mine' }],
    ['a label’s name', { 'service.name': 'other' }, { service_name_2: 'other' }],
    ['a label’s name and value', { 'service.name': 'a' }, {}],
    ['a resource’s name', { 'host.name': 'mine' }, { host_name: 'mine', host_name_2: 'h' }],
    ['a prototype’s name', { constructor: 1, toString: 2 }, { constructor: '1', toString: '2' }],
    ['long digits', { ['1'.repeat(300)]: 1 }, { [`key_${'1'.repeat(252)}`]: '1' }],
    ['a long name', { ['n'.repeat(1000)]: 1 }, { ['n'.repeat(256)]: '1' }],
  ])('names %s', (name, attributes, metadata) => {
    const more = name === 'a field’s name' ? { trace: TRACE } : {}
    const resource = { 'service.name': 'a', ...(name === 'a resource’s name' && { 'host.name': 'h' }) }
    expect(lineOf(one({ body: 'x', attributes, ...more }, resource)).metadata).toEqual(metadata)
  })

  it.each([
    ['zeros', '0'.repeat(32), '0'.repeat(16)],
    ['of another length', '0102', '01'],
  ])('leaves out ids %s', (_, trace, span) => {
    expect(lineOf(one({ body: 'x', trace, span })).metadata).toEqual({})
  })

  it('leaves out what is over the number of entries, the record’s own last, and says so', () => {
    const attributes = Object.fromEntries(Array.from({ length: 130 }, (_, at) => [`a${at}`, at]))
    const line = lineOf(one({ body: 'x', attributes, trace: TRACE }, { 'host.name': 'h' }))
    const names = Object.keys(line.metadata)
    expect(names).toHaveLength(128)
    expect(names.slice(0, 2)).toEqual(['trace_id', 'a0'])
    expect(names.at(-2)).toBe('a125')
    expect(line.metadata['metadata_dropped']).toBe('5')
    expect(line.losses).toEqual({ ...lossless, droppedEntries: 5 })
  })

  it('of exactly the number of entries stays', () => {
    const attributes = Object.fromEntries(Array.from({ length: 128 }, (_, at) => [`a${at}`, at]))
    const line = lineOf(one({ body: 'x', attributes }))
    expect([Object.keys(line.metadata).length, line.losses]).toEqual([128, lossless])
  })

  it('cuts the longest values until all fits', () => {
    const attributes = { prompt: 'p'.repeat(60_000), answer: 'ä'.repeat(30_000), note: 'n'.repeat(5000), id: 'i7' }
    const line = lineOf(one({ body: 'x', attributes, trace: TRACE }))
    const size = Object.entries(line.metadata).reduce(
      (sum, [name, value]) => sum + name.length + Buffer.byteLength(value),
      0,
    )
    expect(size).toBeLessThanOrEqual(65_536)
    expect(size).toBeGreaterThan(65_500)
    expect(line.metadata).toMatchObject({ trace_id: TRACE, id: 'i7', note: 'n'.repeat(5000) })
    expect(line.metadata['prompt']).toMatch(/^p+\.\.\.\[truncated\]$/)
    expect(line.metadata['answer']).toMatch(/^ä+\.\.\.\[truncated\]$/)
    expect(line.losses).toEqual({ ...lossless, cutValues: 2 })
  })

  it('cuts equally long values alike', () => {
    const attributes = { a: 'a'.repeat(21_900), b: 'b'.repeat(21_900), c: 'c'.repeat(21_900) }
    const line = lineOf(one({ body: 'x', attributes }))
    expect(Object.values(line.metadata).map((value) => value.length)).toEqual([21_844, 21_844, 21_844])
  })

  it('is done in time with many entries of one name', () => {
    const attributes = Array.from({ length: 500_000 }, (_, at) => ['a', at % 50] as const)
    const batch = one({ body: 'x', attributes })
    const start_ms = performance.now()
    const { metadata } = lineOf(batch)
    expect(performance.now() - start_ms).toBeLessThan(5000)
    const names = ['a', ...Array.from({ length: 49 }, (_, at) => `a_${at + 2}`)]
    expect(Object.keys(metadata)).toEqual([...names, 'metadata_dropped'])
  })

  it('has place for as many entries of one name as a line can have', () => {
    const attributes = Array.from({ length: 128 }, (_, at) => ['日本', at] as const)
    expect(Object.values(lineOf(one({ body: 'x', attributes })).metadata)).toEqual(attributes.map(([, at]) => `${at}`))
  })

  it('is done in time with a long name before many values', () => {
    const map = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`k${at}`, at]))
    const start_ms = performance.now()
    const line = lineOf(one({ body: 'x', attributes: { ['n'.repeat(1_000_000)]: map } }))
    expect(Object.keys(line.metadata)[0]).toBe('n'.repeat(256))
    expect(performance.now() - start_ms).toBeLessThan(2000)
  })

  it('fits, whatever the names', () => {
    const attributes = Object.fromEntries(
      Array.from({ length: 100 }, (_, at) => [`${'n'.repeat(200)}${at}`, 'v'.repeat(100)]),
    )
    const line = lineOf(one({ body: 'x', attributes, trace: TRACE }), { metadata_bytes_max: 4096 })
    const size = Object.entries(line.metadata).reduce((sum, [name, value]) => sum + name.length + value.length, 0)
    expect(size).toBeLessThanOrEqual(4096)
    expect(line.metadata['trace_id']).toBe(TRACE)
    expect(line.losses.droppedEntries).toBe(101 - Object.keys(line.metadata).length)
  })
})

describe('conversion', () => {
  it('says when the request would be too large', () => {
    const batch = logBatch(Array.from({ length: 10 }, (_, at) => ({ body: `${at}${'x'.repeat(1000)}` })))
    expect(converter({ request_bytes_max: 5000 }).convert(batch, NOW_MS)).toBeUndefined()
    expect(converter({ request_bytes_max: 50_000 }).convert(batch, NOW_MS)).toBeDefined()
  })

  it('of one batch leaves nothing for the next', () => {
    const by = converter()
    const batches = [
      logBatch([{ body: 'a', attributes: { a: 1, long: 'x'.repeat(100) } }], {
        resource: { r: 1 },
        scope: { name: 's' },
      }),
      logBatch([{ body: 'b', attributes: { b: 1 } }]),
      logBatch([{ body: 'c' }, { body: 'd', attributes: { r: 2 } }], { resource: { r: 1 } }),
    ]
    const alone = batches.map((batch) => convert(batch).streams)
    const together = batches.map((batch) => read(by.convert(batch, NOW_MS)!.bytes))
    expect(together).toEqual(alone)
    expect(together[1]![0]!.lines[0]!.metadata).toEqual({ b: '1' })
    expect(together[2]![0]!.lines.map(({ metadata }) => metadata)).toEqual([{ r: '1' }, { r: '2', r_2: '1' }])
  })

  it('of a batch with very many names wants it in parts, and of one record takes what has room', () => {
    const keys = (from: number) => Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`k.${from + at}`, 'v']))
    const records = Array.from({ length: 20 }, (_, at) => ({ body: 'x', attributes: keys(at * 1000) }))
    const by = converter()
    expect(by.convert(logBatch(records), NOW_MS)).toBeUndefined()
    expect(by.convert(logBatch(records.slice(0, 10)), NOW_MS)).toBeDefined()
    const attributes = Object.fromEntries(Array.from({ length: 30_000 }, (_, at) => [`k.${at}`, 'v']))
    const { losses, metadata } = lineOf(one({ body: 'x', attributes }, attributes), {})
    // Of the record and of its resource; the last place says how many.
    expect(losses.droppedEntries).toBe(60_000 - 127)
    expect(metadata['metadata_dropped']).toBe(String(losses.droppedEntries))
  })

  it('with ever new names forgets the old ones, and stays right', () => {
    const by = converter()
    for (let at = 0; at < 6000; at += 100) {
      const attributes = Object.fromEntries(Array.from({ length: 100 }, (_, more) => [`n.${at + more}`, more]))
      const lines = read(by.convert(one({ body: 'x', attributes }), NOW_MS)!.bytes)[0]!.lines
      expect(Object.keys(lines[0]!.metadata)[0]).toBe(`n_${at}`)
    }
  })
})
