import { describe, expect, it } from 'vitest'
import { captures } from './captures.fixture.ts'
import { Check } from './check.ts'
import { Allowance, DEFAULT_LIMITS } from './limits.ts'
import { regular } from './regular.ts'
import { type MessageName, messageId } from './schema.ts'
import { attribute, fixed32, fixed64, nestedValue, number, part, request, withLongTags } from './wire.fixture.ts'

const join = (...parts: Buffer[]) => Buffer.concat(parts)
const value = (...parts: Buffer[]) => part(9, part(1, 'k'), part(2, ...parts))
const text = (content: string) => part(1, content)

describe('regular form', () => {
  it.each<[string, MessageName, Buffer, Buffer]>([
    [
      'of a scalar the last counts',
      'Span',
      join(part(5, 'safe'), number(6, 1), part(5, 'secret')),
      join(number(6, 1), part(5, 'secret')),
    ],
    ['an empty one too', 'Span', join(part(5, 'secret'), part(5)), part(5)],
    [
      'safe, secret',
      'Span',
      part(9, part(1, 'k'), part(2, text('safe')), part(2, text('secret'))),
      value(text('secret')),
    ],
    ['secret, {}', 'Span', part(9, part(1, 'k'), part(2, text('secret')), part(2)), value(text('secret'))],
    ['of a oneof the last member counts', 'Span', value(text('a'), number(3, 5)), value(number(3, 5))],
    ['and its repetition', 'Span', value(number(3, 5), text('a'), number(3, 6)), value(number(3, 6))],
    [
      'of a oneof across two values',
      'Span',
      part(9, part(1, 'k'), part(2, number(3, 5)), part(2, text('a'))),
      value(text('a')),
    ],
    [
      'lists of one member are joined',
      'AnyValue',
      join(part(5, part(1, text('a'))), part(5, part(1, text('b')))),
      part(5, part(1, text('a')), part(1, text('b'))),
    ],
    [
      'unless another member stands between',
      'AnyValue',
      join(part(5, part(1, text('a'))), number(3, 1), part(5, part(1, text('b')))),
      part(5, part(1, text('b'))),
    ],
    [
      'a status is merged',
      'Span',
      join(part(15, number(3, 2)), part(15, part(2, 'm'))),
      part(15, number(3, 2), part(2, 'm')),
    ],
    [
      'a resource is merged',
      'ResourceSpans',
      join(part(1, attribute(1, 'a', text('1'))), part(2), part(1, attribute(1, 'b', text('2')))),
      join(part(2), part(1, attribute(1, 'a', text('1')), attribute(1, 'b', text('2')))),
    ],
    [
      'repeated fields stay as they are',
      'Span',
      join(value(text('a')), value(text('a'))),
      join(value(text('a')), value(text('a'))),
    ],
    ['a metric changes its kind', 'Metric', join(part(5, part(1)), part(7, part(1))), part(7, part(1))],
    [
      'unknown fields stay',
      'Span',
      join(part(99, 'x'), part(5, 'a'), number(98, 7), part(5, 'b'), part(99, 'y')),
      join(part(99, 'x'), number(98, 7), part(5, 'b'), part(99, 'y')),
    ],
    [
      'unknown fields inside stay',
      'Span',
      part(9, part(1, 'k'), part(2, text('a'), fixed32(77, 1)), fixed64(88, 1n)),
      part(9, part(1, 'k'), part(2, fixed32(77, 1), text('a')), fixed64(88, 1n)),
    ],
    [
      'deep inside',
      'AnyValue',
      part(6, part(1, part(1, 'k'), part(2, text('a'), text('b')))),
      part(6, part(1, part(1, 'k'), part(2, text('b')))),
    ],
    [
      'tags are shortened',
      'Span',
      Buffer.from('aa8000016185818000010000009aa6808000017a', 'hex'),
      join(part(5, 'a'), fixed32(16, 1), part(611, 'z')),
    ],
  ])('%s', (_, name, bytes, expected) => {
    const found = regular(name, bytes)
    expect(found.toString('hex')).toBe(expected.toString('hex'))
    expect(isIrregular(name, found)).toBe(false)
  })

  it('leaves the deepest values alone', () => {
    const bytes = attribute(9, 'k', nestedValue(64, 'map'))
    expect(regular('Span', bytes).equals(bytes)).toBe(true)
  })

  it('leaves captured bodies alone, and restores them when their tags are stretched', () => {
    for (const { path, name, body, encoding } of captures(true)) {
      if (encoding !== 'pb') continue
      expect(regular(name, body).equals(body), path).toBe(true)
      const long = withLongTags(name, body)
      expect(isIrregular(name, long), path).toBe(true)
      expect(regular(name, long).equals(body), path).toBe(true)
    }
  })
})

function isIrregular(name: MessageName, bytes: Buffer): boolean {
  const check = new Check(new Allowance(DEFAULT_LIMITS))
  check.check(messageId[name], bytes, 0, bytes.length)
  return check.irregular
}

it('a message repeated at every depth is merged without a copy of it at each', () => {
  const content = 'x'.repeat(1 << 20)
  let value = part(1, content)
  for (let depth = 0; depth < 60; depth++) value = part(5, part(1, part(5), value))
  const body = request(Buffer.concat([part(9, part(1, 'k'), part(2, value)), part(5, 'a'), part(5, 'b')]))
  const before = process.memoryUsage().arrayBuffers
  const made = regular('TracesRequest', body)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(6 * body.length)
  expect(made.length).toBeLessThanOrEqual(body.length)
  expect(made.includes(content)).toBe(true)
})
