import { expect, test } from 'vitest'
import { protobufToJson } from '../otlp/json_from_protobuf.ts'
import { jsonToProtobuf } from '../otlp/json_to_protobuf.ts'
import { DEFAULT_LIMITS, LimitError, type LimitName, type RequestLimits } from '../otlp/limits.ts'
import { attribute, fixed64, number, part, request, varint } from '../otlp/wire.fixture.ts'
import { receive } from './receive.ts'
import { requestMessage, type Signal } from './signal.ts'

const limits: RequestLimits = {
  message_fields_max: 60,
  item_attributes_max: 40,
  request_groups_max: 20,
  request_points_max: 30,
}
const fields = 'message_fields_max'
const attributes = 'item_attributes_max'
const groups = 'request_groups_max'
const points = 'request_points_max'

const times = (count: number, ...pieces: Buffer[]) => Buffer.concat(Array.from({ length: count }, () => pieces).flat())
const empty = (field: number) => Buffer.from([field * 8 + 2, 0])
const metric = (kind: number, ...point: Buffer[]) =>
  request(Buffer.concat([part(1, 'm'), part(kind, part(1, ...point))]))
const value = (...content: Buffer[]) => request(attribute(9, 'k', ...content))

/** A body with `count` of what the limit is about, and what is there beside them and counts too. */
type Case = [name: string, limit: LimitName, signal: Signal, beside: number, body: (count: number) => Buffer]
const both: Case[] = [
  ['empty attributes of a span', attributes, 'traces', 0, (n) => request(times(n, empty(9)))],
  ['attributes of a log record', attributes, 'logs', 0, (n) => request(times(n, attribute(6, 'k', part(1, 'v'))))],
  ['attributes of an event', attributes, 'traces', 0, (n) => request(part(11, times(n, empty(3))))],
  ['attributes of all events', attributes, 'traces', 0, (n) => request(times(n / 4, part(11, times(4, empty(3)))))],
  ['attributes of a link', attributes, 'traces', 0, (n) => request(part(13, times(n, empty(4))))],
  ['attributes of a resource', attributes, 'traces', 0, (n) => part(1, part(1, times(n, empty(1))))],
  ['attributes of a scope', attributes, 'logs', 0, (n) => part(1, part(2, part(1, times(n, empty(3)))))],
  ['metadata of a metric', attributes, 'metrics', 0, (n) => request(times(n, empty(12)))],
  ['attributes of a number', attributes, 'metrics', 0, (n) => metric(5, times(n, empty(7)))],
  ['attributes of a sum', attributes, 'metrics', 0, (n) => metric(7, times(n, empty(7)))],
  ['attributes of a histogram', attributes, 'metrics', 0, (n) => metric(9, times(n, empty(9)))],
  ['attributes of an exponential histogram', attributes, 'metrics', 0, (n) => metric(10, times(n, empty(1)))],
  ['attributes of a summary', attributes, 'metrics', 0, (n) => metric(11, times(n, empty(7)))],
  ['attributes of an exemplar', attributes, 'metrics', 0, (n) => metric(5, part(5, times(n, empty(7))))],
  ['a map in a value', attributes, 'traces', 1, (n) => value(part(6, times(n, empty(1))))],
  ['a map in a body', attributes, 'logs', 0, (n) => request(part(5, part(6, times(n, empty(1)))))],
  ['events', fields, 'traces', 0, (n) => request(times(n, empty(11)))],
  ['links', fields, 'traces', 0, (n) => request(times(n, empty(13)))],
  ['names again', fields, 'traces', 0, (n) => request(times(n + 1, part(5, 'a')))],
  ['values in a list', fields, 'traces', 1, (n) => value(part(5, times(n, empty(1))))],
  ['entity references', fields, 'traces', 0, (n) => part(1, part(1, times(n, empty(3))))],
  ['keys of one', fields, 'traces', 1, (n) => part(1, part(1, part(3, times(n, empty(3)))))],
  ['exemplars', fields, 'metrics', 0, (n) => metric(5, times(n, empty(5)))],
  ['counts of buckets', fields, 'metrics', 1, (n) => metric(9, part(6, Buffer.alloc(n * 8)))],
  ['bounds', fields, 'metrics', 1, (n) => metric(9, part(7, Buffer.alloc(n * 8)))],
  ['exponential buckets', fields, 'metrics', 1, (n) => metric(10, part(8, part(2, Buffer.alloc(n, 1))))],
  ['quantiles', fields, 'metrics', 0, (n) => metric(11, times(n, empty(6)))],
  ['resources', groups, 'traces', 0, (n) => times(n, empty(1))],
  ['scopes', groups, 'logs', 1, (n) => part(1, times(n, empty(2)))],
  ['spans', points, 'traces', 0, (n) => request(...Array.from({ length: n }, () => Buffer.alloc(0)))],
  ['log records', points, 'logs', 0, (n) => request(...Array.from({ length: n }, () => Buffer.alloc(0)))],
  ['metrics', points, 'metrics', 0, (n) => request(...Array.from({ length: n }, () => Buffer.alloc(0)))],
  ['data points', points, 'metrics', 1, (n) => request(part(5, times(n, empty(1))))],
]
const onlyProtobuf: Case[] = [
  ['unknown fields of a span', fields, 'traces', 0, (n) => request(times(n, number(30, 1)))],
  ['unknown fields of a value', fields, 'traces', 1, (n) => value(times(n, number(9, 1)), part(1, 'x'))],
  ['unknown fields of a request', fields, 'traces', 0, (n) => times(n, number(9, 1))],
  ['unknown fields between spans', fields, 'traces', 0, (n) => part(1, part(2, times(n, number(9, 1), empty(2))))],
  ['unknown fields of a point', fields, 'metrics', 0, (n) => metric(5, times(n, number(31, 1)))],
  ['counts one by one', fields, 'metrics', 0, (n) => metric(9, times(n, fixed64(6, 1n)))],
  ['stretched tags', fields, 'traces', 0, (n) => request(times(n, varint(0x4a, 1), Buffer.from([0])))],
]

/** The limit that refuses it; undefined if it is taken. */
function refusedBy(take: () => unknown): LimitName | undefined {
  try {
    take()
    return undefined
  } catch (error) {
    if (error instanceof LimitError) return error.limit
    throw error
  }
}

const roomy = { message_fields_max: 1e6, item_attributes_max: 1e6, request_groups_max: 1e6, request_points_max: 1e6 }

test.each([...both, ...onlyProtobuf])('%s: as many as %s, and not one more', (name, limit, signal, beside, body) => {
  const own = { ...roomy, [limit]: limits[limit] }
  const max = limits[limit] - beside
  const step = name.includes('all events') ? 4 : 1
  expect(refusedBy(() => receive(signal, body(max), own))).toBe(undefined)
  expect(refusedBy(() => receive(signal, body(max + step), own))).toBe(limit)
})

test.each(both)('%s in JSON: as many as %s, and not one more', (name, limit, signal, beside, body) => {
  const own = { ...roomy, [limit]: limits[limit] }
  const max = limits[limit] - beside
  const step = name.includes('all events') ? 4 : 1
  const json = (count: number) =>
    name === 'names again'
      ? Buffer.from(
          `{"resourceSpans":[{"scopeSpans":[{"spans":[{${Array.from({ length: count + 1 }, () => '"name":"a"')}}]}]}]}`,
        )
      : protobufToJson(requestMessage[signal], receive(signal, body(count), roomy).batch.bytes)
  expect(refusedBy(() => jsonToProtobuf(requestMessage[signal], json(max), own))).toBe(undefined)
  expect(refusedBy(() => jsonToProtobuf(requestMessage[signal], json(max + step), own))).toBe(limit)
})

test('unknown keys of JSON count', () => {
  const body = (count: number) =>
    Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[{${Array.from({ length: count }, () => '"x":{}')}}]}]}]}`)
  expect(refusedBy(() => jsonToProtobuf('TracesRequest', body(60), limits))).toBe(undefined)
  expect(refusedBy(() => jsonToProtobuf('TracesRequest', body(61), limits))).toBe(fields)
})

test('an attribute with a plain value is one field, in both encodings', () => {
  const body = request(times(40, attribute(9, 'key', part(1, 'value'))))
  const own = { ...roomy, message_fields_max: 40 }
  expect(refusedBy(() => receive('traces', body, own))).toBe(undefined)
  expect(refusedBy(() => jsonToProtobuf('TracesRequest', protobufToJson('TracesRequest', body), own))).toBe(undefined)
})

test('each item, data point and head has limits of its own', () => {
  const full = times(40, empty(9))
  expect(receive('traces', request(...Array.from({ length: 30 }, () => full)), limits).batch.count).toBe(30)
  const point = part(1, times(40, empty(7)))
  const sum = part(1, part(2, part(2, part(7, times(29, point)))))
  expect(receive('metrics', sum, limits).batch.count).toBe(29)
})

test('the message says which limit, where, and what to do', () => {
  const over = () => receive('traces', request(times(41, empty(9))), limits)
  expect(over).toThrow(
    /^more than 40 attributes in one item at byte \d+ \(limits\.item_attributes_max of the receiver\): send less at a time, or raise the limit$/,
  )
  const json = Buffer.from(
    `{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[${Array.from({ length: 41 }, () => '{}')}]}]}]}]}`,
  )
  expect(() => jsonToProtobuf('TracesRequest', json, limits)).toThrow(
    /^resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[0\]\.attributes\[40\]: more than 40 attributes/,
  )
})

test('a request at the SDKs’ own limits is far below the defaults', () => {
  const many = times(128, attribute(9, 'some.key', part(1, 'some value')))
  const event = part(11, times(128, attribute(3, 'some.key', part(1, 'some value'))))
  const span = Buffer.concat([many, times(128, event)])
  const quarter = Object.fromEntries(
    Object.entries(DEFAULT_LIMITS).map(([name, max]) => [name, max / 2]),
  ) as unknown as RequestLimits
  expect(receive('traces', request(span), quarter).batch.count).toBe(1)
  const point = part(1, attribute(7, 'k', part(1, 'v')))
  expect(receive('metrics', request(part(5, times(100_000, point))), quarter).batch.count).toBe(100_000)
})
