import { describe, expect, it } from 'vitest'
import { captures } from '../otlp/captures.fixture.ts'
import { decode, encode, type Message } from '../otlp/codec.ts'
import { attribute, fixed64, nestedValue, number, part, request, withLongTags } from '../otlp/wire.fixture.ts'
import {
  ARRAY,
  BOOL,
  BYTES,
  bigIntOf,
  boolOf,
  contentStart,
  DOUBLE,
  EMPTY,
  INT,
  KVLIST,
  numberOf,
  STRING,
  textOf,
  valueKind,
} from './any_value.ts'
import type { TraceBatch } from './batch.ts'
import { KeySet } from './key_set.ts'
import { receive } from './receive.ts'
import { SpanView } from './span_view.ts'

const hex = (text: string) => Buffer.from(text, 'hex')

/** What a view says of a span, in the object codec's terms. */
function seen(view: SpanView): Message {
  const { bytes } = view
  const slice = (start: number, length: number) => (start < 0 ? undefined : bytes.subarray(start, start + length))
  return {
    traceId: slice(view.traceId, 16),
    spanId: slice(view.spanId, 8),
    parentSpanId: slice(view.parentId, 8),
    name: view.nameStart < 0 ? undefined : bytes.toString('utf8', view.nameStart, view.nameEnd),
    kind: view.kind,
    startTimeUnixNano: view.startTime < 0 ? undefined : bytes.readBigUInt64LE(view.startTime),
    endTimeUnixNano: view.endTime < 0 ? undefined : bytes.readBigUInt64LE(view.endTime),
    code: view.statusCode,
    events: view.events,
    links: view.links,
    attributes: Array.from({ length: view.attributes.count }, (_, row) => ({
      key: bytes.toString('utf8', view.attributes.keyStart(row), view.attributes.keyEnd(row)),
      value: decode('AnyValue', bytes, view.attributes.valueStart(row), view.attributes.valueEnd(row)),
    })),
  }
}

/** The same from the decoded span. */
function expected(span: Message): Message {
  const id = (value: unknown, length: number) =>
    (value as Buffer | undefined)?.length === length ? (value as Buffer) : undefined
  const parent = id(span.parentSpanId, 8)
  return {
    traceId: id(span.traceId, 16),
    spanId: id(span.spanId, 8),
    parentSpanId: parent?.some((byte) => byte !== 0) ? parent : undefined,
    name: span.name,
    kind: span.kind ?? 0,
    startTimeUnixNano: span.startTimeUnixNano,
    endTimeUnixNano: span.endTimeUnixNano,
    code: (span.status as Message | undefined)?.code ?? 0,
    events: ((span.events ?? []) as Message[]).length,
    links: ((span.links ?? []) as Message[]).length,
    attributes: ((span.attributes ?? []) as Message[]).map((one) => ({ key: one.key ?? '', value: one.value ?? {} })),
  }
}

function expectViews(batch: TraceBatch): void {
  const spans = ((decode('TracesRequest', batch.bytes).resourceSpans ?? []) as Message[])
    .flatMap((group) => (group.scopeSpans ?? []) as Message[])
    .flatMap((group) => (group.spans ?? []) as Message[])
  const view = new SpanView()
  for (let item = 0; item < batch.items; item++) {
    view.read(batch, item)
    expect(seen(view)).toEqual(expected(spans[item]!))
  }
}

describe('SpanView', () => {
  const traces = captures(true).filter((one) => one.signal === 'traces' && one.encoding === 'pb')

  it('agrees with the object codec on captured bodies', () => {
    for (const { body } of traces) expectViews(receive('traces', body).batch)
  })

  it('and when their tags are stretched', () => {
    for (const { body } of traces) {
      const { batch } = receive('traces', withLongTags('TracesRequest', body))
      expect(batch.bytes.equals(body)).toBe(true)
      expectViews(batch)
    }
  })

  it.each([
    ['an empty span', hex('')],
    [
      'fields in descending order',
      Buffer.concat([
        part(15, number(3, 2)),
        attribute(9, 'k', part(1, 'v')),
        fixed64(8, 9n),
        fixed64(7, 8n),
        number(6, 3),
        part(5, 'n'),
        part(4, Buffer.alloc(8, 3)),
        part(2, Buffer.alloc(8, 2)),
        part(1, Buffer.alloc(16, 1)),
      ]),
    ],
    [
      'ids of wrong lengths',
      Buffer.concat([part(1, Buffer.alloc(15, 1)), part(2, Buffer.alloc(16, 1)), part(4, Buffer.alloc(4, 1))]),
    ],
    ['a parent of zeros', part(4, Buffer.alloc(8))],
    ['a value before its key', part(9, part(2, part(1, 'v')), part(1, 'k'))],
    ['a key alone', part(9, part(1, 'k'))],
    ['a value alone', part(9, part(2, number(3, 5)))],
    ['an empty attribute', part(9)],
    ['a long key and a long value', attribute(9, 'k'.repeat(300), part(1, 'v'.repeat(300)))],
    ['an unknown field in an attribute', part(9, number(7, 1), part(1, 'k'), part(2, part(1, 'v')), part(8, 'x'))],
    ['unknown fields', Buffer.concat([number(17, 1), part(99, 'x'), part(5, 'n'), fixed64(31, 1n)])],
    ['an unknown kind', number(6, 4711)],
    ['a padded kind and status', Buffer.concat([hex('308300'), part(15, hex('188200'))])],
    ['a padded length', hex('2a81800061')],
    [
      'more attributes than there was room for',
      Buffer.concat(Array.from({ length: 100 }, (_, at) => attribute(9, `k${at}`, number(3, at)))),
    ],
    ['values 64 deep', attribute(9, 'k', nestedValue(64))],
  ])('%s', (_, span) => {
    expectViews(receive('traces', request(part(5, 'before'), span, part(5, 'behind'))).batch)
  })

  it.each([
    ['safe, secret', part(9, part(1, 'k'), part(2, part(1, 'safe')), part(2, part(1, 'secret')))],
    ['secret, {}', part(9, part(1, 'k'), part(2, part(1, 'secret')), part(2))],
    ['an int, then the text', part(9, part(1, 'k'), part(2, number(3, 1), part(1, 'secret')))],
    ['an unknown field, then the text', part(9, part(1, 'k'), part(2, number(9, 1), part(1, 'secret')))],
    ['the text, then an unknown field', part(9, part(1, 'k'), part(2, part(1, 'secret'), part(99, 'x')))],
    ['stretched tags', part(9, hex('8a00016b'), Buffer.concat([hex('920009'), hex('8a0006'), Buffer.from('secret')]))],
    ['a stretched tag of the attribute', Buffer.concat([hex('ca000d'), part(1, 'k'), part(2, part(1, 'secret'))])],
  ])('sees what leaves: %s', (_, span) => {
    const { batch } = receive('traces', request(span))
    const view = new SpanView()
    view.read(batch, 0)
    const { attributes } = view
    expect(attributes.count).toBe(1)
    expect(textOf(batch.bytes, attributes.valueStart(0), attributes.valueEnd(0))).toBe('secret')
    expect(batch.bytes.includes('safe')).toBe(false)
    expectViews(batch)
  })
})

describe('values', () => {
  it.each([
    [EMPTY, hex('')],
    [EMPTY, part(99, 'x')],
    [STRING, part(1, 'x')],
    [STRING, part(1)],
    [BOOL, number(2, 0)],
    [INT, number(3, -1)],
    [DOUBLE, fixed64(4, 0n)],
    [ARRAY, part(5)],
    [KVLIST, part(6)],
    [BYTES, part(7, 'x'.repeat(200))],
    [INT, Buffer.concat([part(8, 'x'), fixed64(99, 1n), number(3, 1)])],
  ])('kind %d', (kind, bytes) => {
    expect(valueKind(bytes, 0, bytes.length)).toBe(kind)
    if (kind === BYTES) expect(bytes.length - contentStart(bytes, 0, bytes.length)).toBe(200)
  })

  it('a million unknown fields do not overflow the stack', () => {
    const bytes = Buffer.concat([Buffer.alloc(2_000_000, hex('7800')), part(1, 'x')])
    expect(textOf(bytes, 0, bytes.length)).toBe('x')
  })

  it.each([
    [number(3, 1234567), 1234567],
    [number(3, -5), -5],
    [encode('AnyValue', { doubleValue: 2.5 }).take(), 2.5],
    [part(1, '-12.5e1'), -125],
    [part(1, ''), Number.NaN],
    [part(1, '0x10'), Number.NaN],
    [part(1, '1 '), Number.NaN],
    [number(2, 1), Number.NaN],
    [hex(''), Number.NaN],
  ])('number %#', (bytes, value) => {
    expect(numberOf(bytes, 0, bytes.length)).toBe(value)
  })

  it('integers are exact', () => {
    const bytes = number(3, 9007199254740993n)
    expect(bigIntOf(bytes, 0, bytes.length)).toBe(9007199254740993n)
    expect(bigIntOf(part(1, '5'), 0, 3)).toBeUndefined()
  })

  it.each([
    [number(2, 1), true],
    [number(2, 0), false],
    [number(2, 2), true],
    [hex('108100'), true],
    [part(1, 'True'), true],
    [part(1, 'false'), false],
    [part(1, 'yes'), undefined],
    [number(3, 1), undefined],
  ])('bool %#', (bytes, value) => {
    expect(boolOf(bytes, 0, bytes.length)).toBe(value)
  })
})

describe('keys', () => {
  const names = ['', 'a', 'b', 'gen_ai.system', 'gen_ai.usage.input_tokens', 'ab', 'ba', '__proto__', 'ключ']
  const keys = new KeySet(names)
  it.each(names)('%j', (name) => {
    const bytes = Buffer.from(`xx${name}yy`)
    expect(keys.find(bytes, 2, bytes.length - 2)).toBe(names.indexOf(name))
  })

  it.each(['c', 'gen_ai.usage.input_token', 'gen_ai.usage.inputXtokens', 'constructor'])('not %j', (name) => {
    expect(keys.find(Buffer.from(name), 0, Buffer.byteLength(name))).toBe(-1)
  })

  it('the first attribute with a key is found', () => {
    const span = Buffer.concat(['b', 'a', 'x', 'a'].map((key) => attribute(9, key, part(1, 'v'))))
    const view = new SpanView()
    view.readAt(span, 0, span.length)
    const found = new Int32Array(names.length)
    view.attributes.find(span, keys, found)
    expect([...found]).toEqual([-1, 1, 0, -1, -1, -1, -1, -1, -1])
  })
})
