import { describe, expect, it } from 'vitest'
import { captures } from '../otlp/captures.fixture.ts'
import { decode, type Message } from '../otlp/codec.ts'
import { protobufToJson } from '../otlp/json_from_protobuf.ts'
import { oracleObject } from '../otlp/oracle.fixture.ts'
import { regular } from '../otlp/regular.ts'
import { attribute, fixed64, number, part, request, varint } from '../otlp/wire.fixture.ts'
import { WireError } from '../otlp/wire_error.ts'
import { join, type TraceBatch, trusted } from './batch.ts'
import { RESOURCE, SCOPE } from './layout.ts'
import { receive } from './receive.ts'

const hex = (text: string) => Buffer.from(text, 'hex')
const spansOf = (bytes: Buffer) =>
  (decode('TracesRequest', bytes).resourceSpans as Message[])
    .flatMap((group) => (group.scopeSpans ?? []) as Message[])
    .flatMap((group) => (group.spans ?? []) as Message[])

describe('receive', () => {
  it.each([
    ['nothing', hex(''), 0],
    ['an empty resource group', part(1), 0],
    ['an empty scope group', part(1, part(2)), 0],
    ['an empty span', request(hex('')), 1],
    ['the scope group first', part(1, part(2, part(2, part(5, 'a'))), part(1)), 1],
    [
      'unknown fields at every level',
      Buffer.concat([number(9, 1), part(1, part(99, 'x'), part(2, fixed64(9, 1n), part(2, number(77, 1))))]),
      1,
    ],
  ])('accepts %s as it is', (_, body, count) => {
    const { batch } = receive('traces', body)
    expect(batch.bytes).toBe(body)
    expect(batch.count).toBe(count)
  })

  it.each([
    ['a lying resource length', hex('0a05')],
    ['a lying scope length', part(1, hex('1205'))],
    ['a lying span length', part(1, part(2, hex('1205')))],
    ['a lying length inside a span', request(part(9, hex('0a09')))],
    ['a lying length in a resource', part(1, part(1, hex('0a09')))],
    ['a lying length in a scope', part(1, part(2, part(1, hex('0a09'))))],
    ['a span as a number', part(1, part(2, number(2, 1)))],
    ['a resource group as a number', number(1, 1)],
    ['a schema URL as a number', part(1, number(3, 1))],
    ['field number 0', part(1, hex('0200'))],
    ['a group', hex('0b0c')],
    ['JSON', Buffer.from('{"resourceSpans":[]}')],
    ['text', Buffer.from('hello')],
  ])('refuses %s', (_, body) => {
    expect(() => receive('traces', body)).toThrow(WireError)
  })

  it('merges what occurs twice', () => {
    const span = Buffer.concat([part(5, 'safe'), part(9, part(1, 'k'), part(2, part(1, 'x')), part(2)), part(5, 'n')])
    const twice = [part(1, attribute(1, 'a', part(1, '1'))), part(1, attribute(1, 'b', part(1, '2')))]
    const body = part(1, ...twice, part(2, part(2, span), part(1, part(1, 'scope')), part(1, part(2, 'v'))))
    const { batch } = receive('traces', body)
    expect(batch.bytes).not.toBe(body)
    expect(JSON.parse(protobufToJson('TracesRequest', batch.bytes).toString())).toEqual({
      resourceSpans: [
        {
          resource: {
            attributes: [
              { key: 'a', value: { stringValue: '1' } },
              { key: 'b', value: { stringValue: '2' } },
            ],
          },
          scopeSpans: [
            {
              scope: { name: 'scope', version: 'v' },
              spans: [{ name: 'n', attributes: [{ key: 'k', value: { stringValue: 'x' } }] }],
            },
          ],
        },
      ],
    })
    expect(receive('traces', batch.bytes).batch.bytes).toBe(batch.bytes)
  })

  it.each([
    ['of a group', Buffer.concat([hex('8a00'), varint(6), part(2, part(2, part(5)))])],
    ['of a scope group', part(1, hex('920004'), part(2, part(5)))],
    ['of an item', part(1, part(2, hex('9200022a00')))],
    ['of a schema URL', part(1, hex('9a000161'))],
  ])('shortens a long tag %s', (_, body) => {
    const { batch } = receive('traces', body)
    expect(batch.bytes.equals(regular('TracesRequest', body))).toBe(true)
    expect(batch.bytes.length).toBeLessThan(body.length)
  })

  it('counts keys of our own, also when the body had to be made regular', () => {
    const own = attribute(9, 'sluice.cost', part(1, '1'))
    expect(receive('traces', request(own, own)).sluiceAttributes).toBe(2)
    expect(receive('traces', request(Buffer.concat([own, part(5, 'a'), part(5, 'b')]))).sluiceAttributes).toBe(1)
    const renamed = part(9, part(1, 'x'), part(1, 'sluice.x'), part(2))
    expect(receive('traces', request(renamed)).sluiceAttributes).toBe(1)
    expect(receive('traces', request(part(5))).sluiceAttributes).toBe(0)
  })

  it('counts data points, not metrics', () => {
    const metric = (field: number, points: number) =>
      part(2, part(1, 'm'), part(field, ...Array.from({ length: points }, () => part(1))))
    const kinds = [5, 7, 9, 10, 11]
    const body = part(1, part(2, ...kinds.map((field, at) => metric(field, at + 1)), part(2, part(1, 'none'))))
    const { batch } = receive('metrics', body)
    expect({ items: batch.items, count: batch.count }).toEqual({ items: 6, count: 15 })
  })
})

describe('layout', () => {
  it('finds heads, schema URLs and items in any order', () => {
    const body = part(1, part(3, 'r'), part(2, part(3, 's'), part(2, part(5, 'a')), part(1, part(1, 'n'))), part(1))
    const { layout, bytes } = receive('traces', body).batch
    const textAt = (rows: Int32Array, column: number) => bytes.toString('utf8', rows[column], rows[column + 1])
    expect(textAt(layout.resources, RESOURCE.schemaStart)).toBe('r')
    expect(layout.resources[RESOURCE.headEnd]).toBe(bytes.length)
    expect(textAt(layout.scopes, SCOPE.schemaStart)).toBe('s')
    expect(textAt(layout.scopes, SCOPE.headStart)).toBe('\n\x01n')
    expect([...layout.scopes.slice(SCOPE.resource)]).toEqual([0, 0, 1])
  })

  it('has -1 for what is absent', () => {
    const { layout } = receive('traces', part(1, part(2))).batch
    expect([...layout.resources.slice(RESOURCE.headTag)]).toEqual(Array(6).fill(-1))
  })
})

describe('join', () => {
  it('puts requests together', () => {
    const a = receive('traces', request(part(5, 'a'), part(5, 'b'))).batch
    const b = receive('traces', request(part(5, 'c'))).batch
    const joined = join('traces', [a, b])
    expect(joined.count).toBe(3)
    expect(spansOf(joined.bytes).map((span) => span.name)).toEqual(['a', 'b', 'c'])
    expect(receive('traces', joined.bytes).batch.bytes).toBe(joined.bytes)
    expect(join('traces', [a])).toBe(a)
  })

  it('of captured bodies is what protobufjs reads', () => {
    const bodies = captures(true).filter((one) => one.signal === 'traces' && one.encoding === 'pb')
    const batches: TraceBatch[] = bodies.map((one) => trusted('traces', one.body))
    const joined = join('traces', batches)
    const parts = bodies.flatMap((one) => oracleObject('TracesRequest', one.body).resourceSpans)
    expect(oracleObject('TracesRequest', joined.bytes).resourceSpans).toEqual(parts)
    expect(joined.count).toBe(batches.reduce((sum, batch) => sum + batch.count, 0))
  })
})
