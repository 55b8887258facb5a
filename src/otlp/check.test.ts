import { describe, expect, it } from 'vitest'
import { Check } from './check.ts'
import { Allowance, DEFAULT_LIMITS } from './limits.ts'
import { messageId } from './schema.ts'
import { attribute, fixed32, fixed64, nestedValue, number, part, varint } from './wire.fixture.ts'
import { WireError } from './wire_error.ts'

function checked(message: number, bytes: Buffer, end = bytes.length): Check {
  const check = new Check(new Allowance(DEFAULT_LIMITS))
  check.check(message, bytes, 0, end)
  return check
}
const checkSpan = (bytes: Buffer) => checked(messageId.Span, bytes)
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

describe('refused', () => {
  it.each([
    ['field number 0', hex('02 00')],
    ['a tag that is cut off', hex('8a')],
    ['a length that is cut off', hex('4a 80')],
    ['no length at all', hex('4a')],
    ['a length past the end', hex('2a 05 61 62')],
    ['a length of 4 GB', hex('2a ff ff ff ff 0f')],
    ['a length over 32 bits', hex('2a ff ff ff ff 7f')],
    ['a fixed64 that is cut off', hex('39 01 02 03')],
    ['a fixed32 that is cut off', hex('85 01 01 02 03')],
    ['a varint that is cut off', hex('30 ff')],
    ['a varint that is not there', hex('30')],
    ['a varint of eleven bytes', hex('30 ff ff ff ff ff ff ff ff ff ff 01')],
    ['a group', hex('13 14')],
    ['an unknown group', hex('9b 01 9c 01')],
    ['the name as a number', number(5, 1)],
    ['the kind as text', part(6, 'x')],
    ['the kind as fixed32', fixed32(6, 1)],
    ['the start time as a varint', number(7, 1)],
    ['the flags as fixed64', fixed64(16, 1n)],
    ['an attribute that is no message', part(9, hex('ff'))],
    ['a key past the end of its attribute', part(9, hex('0a 05 61'), part(2))],
    ['a value past the end of its attribute', part(9, part(1, 'k'), hex('12 05 0a 00'))],
    ['a text past the end of its value', part(9, part(1, 'k'), hex('12 03 0a 05 61'))],
    ['a text shorter than its value, and rubbish', part(9, part(1, 'k'), hex('12 04 0a 01 61 ff'))],
    ['a double that is cut off', part(9, part(1, 'k'), hex('12 05 21 01 02 03 04'))],
    ['an int without a number', part(9, part(1, 'k'), hex('12 01 18'))],
    ['a key as a number', part(9, number(1, 5), part(2))],
    ['a value as a number', part(9, part(1, 'k'), number(2, 5))],
    ['a long text past the end', part(9, part(1, 'k'), hex('12 84 01 0a 90 01'), Buffer.alloc(129, 97))],
    ['a lying length in an event', part(11, hex('12 7f 61'))],
    ['a lying length in a link', part(13, hex('0a 10 61'))],
    ['a lying length in a status', part(15, hex('12 02 61'))],
  ])('%s', (_, bytes) => {
    expect(() => checkSpan(bytes)).toThrow(WireError)
    // Nor may the bytes behind the message help it.
    const longer = Buffer.concat([bytes, Buffer.alloc(300)])
    expect(() => checked(messageId.Span, longer, bytes.length)).toThrow(WireError)
  })

  it('says where, not what', () => {
    const bytes = Buffer.concat([part(5, 'secret'), hex('4a 7f 73')])
    expect(() => checkSpan(bytes)).toThrow(/^length points past the end of its message at byte 10$/)
  })

  it('every cut of a span', () => {
    const span = Buffer.concat([
      part(1, Buffer.alloc(16, 1)),
      fixed64(7, 5n),
      attribute(9, 'key', part(1, 'text')),
      attribute(9, 'key', nestedValue(3, 'map')),
      part(15, number(3, 2)),
      fixed32(16, 257),
    ])
    let refused = 0
    for (let end = 1; end < span.length; end++) {
      try {
        checked(messageId.Span, span, end)
      } catch (error) {
        expect(error).toBeInstanceOf(WireError)
        refused++
      }
    }
    expect(refused).toBe(span.length - 1 - 5)
  })
})

describe('accepted', () => {
  it.each([
    ['nothing', hex('')],
    ['an empty attribute', part(9)],
    ['an empty value', attribute(9, 'k')],
    ['an empty key', attribute(9, '', part(1, 'x'))],
    ['an unknown field of each kind', Buffer.concat([number(99, 1), fixed64(99, 1n), part(99, 'xyz'), fixed32(99, 1)])],
    ['an unknown enum value', number(6, 4711)],
    ['a negative enum value', number(6, -1)],
    ['ids of any length', part(1, 'abc')],
    ['invalid UTF-8', part(5, hex('ff fe'))],
    ['a padded length', hex('2a 81 80 00 61')],
  ])('%s', (_, bytes) => {
    expect(checkSpan(bytes).irregular).toBe(false)
  })

  it.each([
    ['packed', part(6, Buffer.alloc(16))],
    ['unpacked', Buffer.concat([fixed64(6, 1n), fixed64(6, 2n)])],
    ['packed and empty', part(6)],
  ])('bucket counts, %s', (_, bytes) => {
    expect(checked(messageId.HistogramDataPoint, bytes).irregular).toBe(false)
  })

  it('packed numbers must fill their field', () => {
    const bytes = part(6, Buffer.alloc(15))
    expect(() => checked(messageId.HistogramDataPoint, bytes)).toThrow(WireError)
  })
})

describe('nesting', () => {
  it.each(['list', 'map'] as const)('64 values deep in %ss, no deeper', (form) => {
    checkSpan(attribute(9, 'k', nestedValue(64, form)))
    expect(() => checkSpan(attribute(9, 'k', nestedValue(65, form)))).toThrow(/nested too deeply/)
    const body = part(5, nestedValue(64, form))
    checked(messageId.LogRecord, body)
    const deeper = part(5, nestedValue(65, form))
    expect(() => checked(messageId.LogRecord, deeper)).toThrow(/nested too deeply/)
  })

  it.each(['list', 'map'] as const)('a million deep in %ss does not overflow the stack', (form) => {
    expect(() => checkSpan(attribute(9, 'k', nestedValue(1_000_000, form)))).toThrow(/nested too deeply/)
  })
})

describe('noticed', () => {
  const value = (...parts: Buffer[]) => part(9, part(1, 'k'), part(2, ...parts))
  it.each([
    ['a name twice', Buffer.concat([part(5, 'a'), part(5, 'b')])],
    ['flags twice', Buffer.concat([fixed32(16, 1), fixed32(16, 2)])],
    ['a status twice', Buffer.concat([part(15), part(15)])],
    ['a key twice', part(9, part(1, 'a'), part(1, 'b'))],
    ['a value twice', part(9, part(1, 'a'), part(2, part(1, 'x')), part(2))],
    ['a member twice', value(part(1, 'a'), part(1, 'b'))],
    ['two members', value(part(1, 'a'), number(3, 1))],
    ['two members of one byte each', value(number(2, 1), number(3, 1))],
    ['an unknown field behind the member', value(part(1, 'a'), number(9, 1))],
    ['a long tag in a span', hex('aa 00 01 61')],
    ['a long tag of a high field', hex('85 81 00 01 00 00 00')],
    ['a long tag in an attribute', part(9, hex('8a 00 01 6b'), part(2))],
    ['a long tag of a value', part(9, part(1, 'k'), hex('92 00 02 0a 00'))],
    ['a long tag in a value', value(hex('8a 00 01 61'))],
    ['a long tag in a status', part(15, hex('98 00 01'))],
    ['deep inside', value(part(5, part(1, part(1, 'a'), part(1, 'b'))))],
  ])('%s', (_, bytes) => {
    expect(checkSpan(bytes).irregular).toBe(true)
  })

  it.each([
    ['in the common form', attribute(9, 'sluice.x', part(1, 'v'))],
    ['with a number', attribute(9, 'sluice.x', number(3, 200))],
    ['with a list', attribute(9, 'sluice.x', nestedValue(3))],
    ['with the value first', part(9, part(2, part(1, 'v')), part(1, 'sluice.x'))],
    ['without a value', part(9, part(1, 'sluice.'))],
    ['with a long key', attribute(9, `sluice.${'x'.repeat(200)}`, part(1, 'v'))],
    ['with an unknown field first', part(9, number(7, 1), part(1, 'sluice.x'))],
    ['with a padded key length', part(9, Buffer.concat([hex('0a'), varint(8, 1), Buffer.from('sluice.x')]))],
    ['in an event', part(11, attribute(3, 'sluice.x', part(1, 'v')))],
    ['in a map', attribute(9, 'k', part(6, attribute(1, 'sluice.x', part(1, 'v'))))],
  ])('a key of our own, %s', (_, bytes) => {
    expect(checkSpan(bytes).sluiceAttributes).toBe(1)
  })

  it.each(['sluice', 'sluicex', 'Sluice.x', 'xsluice.'])('no key of our own: %s', (key) => {
    expect(checkSpan(attribute(9, key, part(1, 'sluice.x'))).sluiceAttributes).toBe(0)
  })
})
