import { describe, expect, it } from 'vitest'
import { receive } from '../telemetry/receive.ts'
import { captures } from './captures.fixture.ts'
import { decode, type Message } from './codec.ts'
import { protobufToJson } from './json_from_protobuf.ts'
import { jsonToProtobuf } from './json_to_protobuf.ts'
import { regular } from './regular.ts'
import type { MessageName } from './schema.ts'
import { nestedValue, part } from './wire.fixture.ts'
import { WireError } from './wire_error.ts'

const read = (name: MessageName, json: string | Buffer): Message => {
  const bytes = jsonToProtobuf(name, Buffer.from(json as string))
  expect(regular(name, bytes).equals(bytes)).toBe(true)
  return decode(name, bytes)
}
const bytesOf = (hex: string) => Buffer.from(hex, 'hex')
const list = (depth: number) => '{"arrayValue":{"values":['.repeat(depth) + ']}}'.repeat(depth)

describe('values', () => {
  it.each<[MessageName, string, Message]>([
    ['Span', '{}', {}],
    ['Span', ' \t\r\n{ "name" : "x" } \n', { name: 'x' }],
    ['Span', '{"name":"","kind":0,"flags":0,"traceId":"","events":[],"status":null,"attributes":null}', {}],
    ['Span', '{"status":{}}', { status: {} }],
    ['Span', '{"startTimeUnixNano":1700000000123456789}', { startTimeUnixNano: 1700000000123456789n }],
    ['Span', '{"startTimeUnixNano":"1700000000123456789"}', { startTimeUnixNano: 1700000000123456789n }],
    ['Span', '{"startTimeUnixNano":18446744073709551615}', { startTimeUnixNano: 2n ** 64n - 1n }],
    ['Span', '{"startTimeUnixNano":1.7e18}', { startTimeUnixNano: 1700000000000000000n }],
    ['Span', '{"startTimeUnixNano":"1.50e1"}', { startTimeUnixNano: 15n }],
    [
      'Span',
      '{"traceId":"0123456789abcdefABCDEF0123456789"}',
      { traceId: bytesOf('0123456789abcdefabcdef0123456789') },
    ],
    ['Span', '{"spanId":"00F067AA0BA902B7","parentSpanId":""}', { spanId: bytesOf('00f067aa0ba902b7') }],
    ['Span', '{"kind":4711,"flags":4294967295}', { kind: 4711, flags: 4294967295 }],
    ['Span', '{"kind":-1}', { kind: -1 }],
    ['Span', '{"kind":2.0,"droppedEventsCount":"7"}', { kind: 2, droppedEventsCount: 7 }],
    ['Span', '{"nam\\u0065":"x","na\\/me":"y"}', { name: 'x' }],
    ['Span', '{"trace_state":"x","start_time_unix_nano":1,"Name":"y","__proto__":{"name":"z"},"constructor":1}', {}],
    ['Span', '{"x":{"a":[1,-2.5e-3,"]}\\"",null,true,false,{},[],{"b":[[]]}]},"name":"x"}', { name: 'x' }],
    ['AnyValue', '{"stringValue":""}', { stringValue: '' }],
    ['AnyValue', '{"boolValue":false}', { boolValue: false }],
    ['AnyValue', '{"intValue":0}', { intValue: 0n }],
    ['AnyValue', '{"intValue":-0}', { intValue: 0n }],
    ['AnyValue', '{"intValue":9007199254740993}', { intValue: 9007199254740993n }],
    ['AnyValue', '{"intValue":"-9223372036854775808"}', { intValue: -(2n ** 63n) }],
    ['AnyValue', '{"intValue":-4294967296}', { intValue: -4294967296n }],
    ['AnyValue', '{"intValue":9223372036854775807}', { intValue: 2n ** 63n - 1n }],
    ['AnyValue', '{"intValue":1e3}', { intValue: 1000n }],
    ['AnyValue', '{"intValue":0e999}', { intValue: 0n }],
    ['AnyValue', '{"doubleValue":0}', { doubleValue: 0 }],
    ['AnyValue', '{"doubleValue":-0.0}', { doubleValue: -0 }],
    ['AnyValue', '{"doubleValue":"NaN"}', { doubleValue: Number.NaN }],
    ['AnyValue', '{"doubleValue":"-Infinity"}', { doubleValue: Number.NEGATIVE_INFINITY }],
    ['AnyValue', '{"doubleValue":"2.5e3"}', { doubleValue: 2500 }],
    ['AnyValue', '{"bytesValue":""}', { bytesValue: Buffer.alloc(0) }],
    ['AnyValue', '{"bytesValue":"+/8="}', { bytesValue: bytesOf('fbff') }],
    ['AnyValue', '{"bytesValue":"-_8"}', { bytesValue: bytesOf('fbff') }],
    ['AnyValue', '{"bytesValue":"+\\/8="}', { bytesValue: bytesOf('fbff') }],
    ['AnyValue', '{"arrayValue":{}}', { arrayValue: {} }],
    ['AnyValue', '{"arrayValue":{"values":[]}}', { arrayValue: {} }],
    [
      'AnyValue',
      '{"arrayValue":{"values":[{},null,{"intValue":1}]}}',
      { arrayValue: { values: [{}, {}, { intValue: 1n }] } },
    ],
    ['NumberDataPoint', '{"asInt":0}', { asInt: 0n }],
    ['NumberDataPoint', '{"asInt":"-5"}', { asInt: -5n }],
    ['NumberDataPoint', '{"asDouble":0}', { asDouble: 0 }],
    ['HistogramDataPoint', '{"sum":0,"min":0,"max":0,"count":0}', { sum: 0, min: 0, max: 0 }],
    [
      'HistogramDataPoint',
      '{"bucketCounts":[0,"1",2e0],"explicitBounds":[0.5,"Infinity"]}',
      { bucketCounts: [0n, 1n, 2n], explicitBounds: [0.5, Number.POSITIVE_INFINITY] },
    ],
    [
      'ExponentialHistogramDataPoint',
      '{"scale":-20,"positive":{"offset":-3,"bucketCounts":[1,0]}}',
      { scale: -20, positive: { offset: -3, bucketCounts: [1n, 0n] } },
    ],
    [
      'ExponentialHistogramDataPoint',
      '{"scale":2147483647,"negative":{"offset":-2147483648}}',
      { scale: 2147483647, negative: { offset: -2147483648 } },
    ],
    ['EntityRef', '{"type":"t","idKeys":["a",""]}', { type: 't', idKeys: ['a', ''] }],
  ])('%s %s', (name, json, expected) => {
    expect(read(name, json)).toEqual(expected)
  })
})

describe('strings', () => {
  it.each([
    ['"\\" \\\\ \\/ \\b\\f\\n\\r\\t"', '" \\ / \b\f\n\r\t'],
    ['"\\u0041\\u00e9\\u20AC\\ud83d\\ude00"', 'Aé€😀'],
    ['"é€😀\\n"', 'é€😀\n'],
    ['"\\ud83d"', '\ufffd'],
    ['"\\ud83dx\\ude00"', '\ufffdx\ufffd'],
    ['"\\ud83d\\ud83d\\ude00"', '\ufffd😀'],
    ['"\\ud83d\\u0041"', '\ufffdA'],
    ['"\\u0000"', '\0'],
  ])('%s', (json, expected) => {
    expect(read('Span', `{"name":${json}}`)).toEqual({ name: expected })
  })

  it('invalid UTF-8 becomes replacement characters', () => {
    const json = Buffer.concat([
      Buffer.from('{"name":"a'),
      bytesOf('ff'),
      Buffer.from('\\n'),
      bytesOf('eda080'),
      Buffer.from('"}'),
    ])
    expect(read('Span', json).name).toBe('a\ufffd\n\ufffd\ufffd\ufffd')
  })

  it('are measured in bytes, also long ones', () => {
    for (const name of ['é'.repeat(100), '😀'.repeat(20000), `${'x'.repeat(130)}\n`]) {
      expect(read('Span', JSON.stringify({ name }))).toEqual({ name })
      expect(
        read(
          'Span',
          JSON.stringify({ name }).replace(/[^ -~]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
        ),
      ).toEqual({ name })
    }
  })
})

describe('keys that occur twice', () => {
  it.each<[MessageName, string, Message]>([
    ['Span', '{"name":"safe","name":"secret"}', { name: 'secret' }],
    ['Span', '{"name":"secret","name":""}', { name: '' }],
    ['Span', '{"kind":3,"kind":0}', { kind: 0 }],
    ['Span', '{"status":{"code":2},"status":{"message":"m"}}', { status: { code: 2, message: 'm' } }],
    ['Span', '{"links":[{"flags":1}],"links":[{"flags":2}]}', { links: [{ flags: 1 }, { flags: 2 }] }],
    ['AnyValue', '{"stringValue":"a","intValue":1}', { intValue: 1n }],
    ['AnyValue', '{"intValue":1,"stringValue":""}', { stringValue: '' }],
  ])('%s %s', (name, json, expected) => {
    expect(read(name, json)).toEqual(expected)
  })
})

describe('refused', () => {
  it.each<[string, MessageName, string, RegExp]>([
    ['nothing', 'Span', '', /^expected an object, found the end of the body at byte 0$/],
    ['null', 'Span', 'null', /expected an object, found null/],
    ['a list', 'Span', '[]', /expected an object, found a list/],
    ['rubbish behind', 'Span', '{} x', /expected the end of the body, found another character at byte 3/],
    ['two bodies', 'Span', '{}{}', /expected the end of the body, found an object/],
    ['a cut object', 'Span', '{"name":"x"', /expected a comma or }, found the end of the body/],
    ['a cut string', 'Span', '{"name":"x', /name: string is cut off/],
    ['a string cut behind a backslash', 'Span', '{"name":"x\\', /name: string is cut off/],
    ['a comma at the end', 'Span', '{"name":"x",}', /expected a name in quotes/],
    ['a comma at the end of a list', 'Span', '{"events":[{},]}', /events\[1\]: expected an object/],
    ['single quotes', 'Span', "{'name':1}", /expected a name in quotes/],
    ['a NUL byte', 'Span', '{\0}', /found another character/],
    ['a control character', 'Span', '{"name":"a\nb"}', /name: control character in a string/],
    ['an unknown escape', 'Span', '{"name":"\\x"}', /name: unknown escape/],
    ['a short \\u', 'Span', '{"name":"\\u12"}', /four hexadecimal digits/],
    ['a wrong \\u', 'Span', '{"name":"\\u12g4"}', /four hexadecimal digits/],
    ['a number for a name', 'Span', '{"name":5}', /^name: expected a string, found a number at byte 8$/],
    [
      'a name for a number',
      'Span',
      '{"startTimeUnixNano":"soon"}',
      /^startTimeUnixNano: number is not an integer at byte 22$/,
    ],
    ['a fraction', 'AnyValue', '{"intValue":1.5}', /not an integer/],
    ['a small fraction', 'AnyValue', '{"intValue":1e-3}', /not an integer/],
    ['an empty number', 'AnyValue', '{"intValue":""}', /not an integer/],
    ['2^63', 'AnyValue', '{"intValue":9223372036854775808}', /out of range/],
    ['-2^63 - 1', 'AnyValue', '{"intValue":-9223372036854775809}', /out of range/],
    ['2^64', 'Span', '{"endTimeUnixNano":18446744073709551616}', /out of range/],
    ['a huge exponent', 'Span', '{"endTimeUnixNano":1e999999999}', /out of range/],
    ['a negative time', 'Span', '{"endTimeUnixNano":-1}', /out of range/],
    ['a negative count', 'Span', '{"droppedLinksCount":-1}', /out of range/],
    ['2^32', 'Span', '{"droppedLinksCount":4294967296}', /out of range/],
    ['an enum of 2^31', 'Span', '{"kind":2147483648}', /kind: number is out of range/],
    [
      'an enum by name',
      'Span',
      '{"kind":"SPAN_KIND_SERVER"}',
      /kind: expected the number of an enum value, found a string/,
    ],
    ['a leading zero', 'AnyValue', '{"intValue":01}', /expected a comma or }, found a number/],
    ['a plus', 'AnyValue', '{"intValue":+1}', /expected a number/],
    ['a bare NaN', 'AnyValue', '{"doubleValue":NaN}', /expected a number/],
    ['a number beyond doubles', 'AnyValue', '{"doubleValue":1e999}', /a double can hold/],
    ['a hexadecimal number', 'AnyValue', '{"doubleValue":"0x10"}', /a double can hold/],
    ['a bool as text', 'AnyValue', '{"boolValue":"true"}', /expected true or false, found a string/],
    ['a short id', 'Span', '{"traceId":"abcd"}', /traceId: expected 32 hexadecimal digits/],
    ['an id with a g', 'Span', `{"traceId":"${'0'.repeat(31)}g"}`, /traceId: expected 32 hexadecimal digits/],
    ['an id with a high nibble of g', 'Span', `{"spanId":"g${'0'.repeat(15)}"}`, /spanId: expected 16 hexadecimal/],
    ['an id in base64', 'Span', '{"traceId":"ASNFZ4mrze8BI0VniavN7w=="}', /expected 32 hexadecimal digits/],
    [
      'a span id in base64',
      'Span',
      '{"links":[{},{"spanId":"ASNFZ4mrze8="}]}',
      /links\[1\]\.spanId: expected 16 hexadecimal digits/,
    ],
    ['no base64', 'AnyValue', '{"bytesValue":"a"}', /expected base64/],
    ['base64 with a space', 'AnyValue', '{"bytesValue":"ab cd"}', /expected base64/],
    ['an object for a list', 'Span', '{"events":{}}', /events: expected a list, found an object/],
    ['a list for an object', 'Span', '{"status":[]}', /status: expected an object, found a list/],
    ['null in a list', 'Span', '{"events":[null]}', /events\[0\]: expected an object, found null/],
    ['a bad unknown value', 'Span', '{"x":[1,tru]}', /expected a value/],
    ['a bad unknown object', 'Span', '{"x":{"a":1 "b":2}}', /expected a comma or }/],
    ['mixed brackets', 'Span', '{"x":[1}}', /expected a comma or \]/],
  ])('%s', (_, name, json, expected) => {
    const act = () => jsonToProtobuf(name, Buffer.from(json))
    expect(act).toThrow(WireError)
    expect(act).toThrow(expected)
  })

  it('never tells content', () => {
    const json =
      '{"resourceSpans":[{"scopeSpans":[{"spans":[{"attributes":[{"key":"secret","value":{"intValue":"secret"}}]}]}]}]}'
    expect(() => jsonToProtobuf('TracesRequest', Buffer.from(json))).toThrow(
      /^resourceSpans\[0\]\.scopeSpans\[0\]\.spans\[0\]\.attributes\[0\]\.value\.intValue: number is not an integer at byte \d+$/,
    )
  })

  it('every cut of a captured body', () => {
    const { name, body } = captures(true).find(
      (capture) => capture.encoding === 'json' && capture.signal === 'metrics',
    )!
    const whole = body.subarray(0, body.lastIndexOf('}') + 1)
    for (let end = 0; end < whole.length; end += 7) {
      expect(() => jsonToProtobuf(name, whole.subarray(0, end))).toThrow(WireError)
    }
  })
})

describe('nesting', () => {
  it('values 64 deep, no deeper, as in protobuf', () => {
    const json = protobufToJson('AnyValue', nestedValue(64, 'map'))
    expect(jsonToProtobuf('AnyValue', json).equals(nestedValue(64, 'map'))).toBe(true)
    expect(() => jsonToProtobuf('AnyValue', Buffer.from(list(64)))).not.toThrow()
    expect(() => jsonToProtobuf('AnyValue', Buffer.from(list(65)))).toThrow(/nested too deeply/)
  })

  it('an attribute value 64 deep is received', () => {
    const inAttribute = (depth: number) =>
      Buffer.from(`{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":${list(depth)}}]}}]}`)
    receive('traces', jsonToProtobuf('TracesRequest', inAttribute(64)))
    expect(() => jsonToProtobuf('TracesRequest', inAttribute(65))).toThrow(/nested too deeply/)
  })

  it.each([
    ['values', '{"arrayValue":{"values":['],
    ['unknown lists', '{"x":'.padEnd(6, '[')],
    ['unknown objects', '{"x":{"y":'],
  ])('a million %s do not overflow the stack', (_, opening) => {
    const json = Buffer.from(opening + opening.slice(opening.indexOf(':') + 1).repeat(1_000_000))
    expect(() => jsonToProtobuf('AnyValue', json)).toThrow(WireError)
    const unknown = Buffer.from(`{"x":${'['.repeat(1_000_000)}`)
    expect(() => jsonToProtobuf('AnyValue', unknown)).toThrow(/nested too deeply/)
  })

  it('unknown values 512 deep are skipped', () => {
    const json = `{"x":${'['.repeat(512)}${']'.repeat(512)},"intValue":1}`
    expect(read('AnyValue', json)).toEqual({ intValue: 1n })
  })
})

describe('protobuf to JSON', () => {
  it.each<[string, MessageName, string]>([
    ['64-bit numbers as text', 'AnyValue', '{"intValue":"-9223372036854775808"}'],
    ['times as text', 'Span', '{"startTimeUnixNano":"1700000000123456789"}'],
    ['ids in hexadecimal', 'Link', '{"traceId":"0123456789abcdef0123456789abcdef","spanId":"00f067aa0ba902b7"}'],
    ['bytes in base64', 'AnyValue', '{"bytesValue":"+/8="}'],
    ['enums and flags as numbers', 'Span', '{"kind":3,"flags":257}'],
    ['no number', 'AnyValue', '{"doubleValue":"NaN"}'],
    ['infinite', 'AnyValue', '{"doubleValue":"-Infinity"}'],
    ['negative zero', 'AnyValue', '{"doubleValue":-0}'],
    ['large doubles', 'AnyValue', '{"doubleValue":1.7976931348623157e+308}'],
    ['what is set although it is empty', 'AnyValue', '{"stringValue":""}'],
    ['escapes', 'AnyValue', '{"stringValue":"\\"\\\\\\n\\u0001é😀"}'],
    ['lists', 'HistogramDataPoint', '{"bucketCounts":["1","2"],"explicitBounds":[0.5]}'],
    ['nothing', 'TracesRequest', '{}'],
  ])('%s', (_, name, json) => {
    expect(protobufToJson(name, jsonToProtobuf(name, Buffer.from(json))).toString()).toBe(json)
  })

  it('invalid UTF-8 becomes replacement characters', () => {
    const json = protobufToJson('Span', part(5, bytesOf('61ffeda080')))
    expect(JSON.parse(json.toString())).toEqual({ name: 'a\ufffd\ufffd\ufffd\ufffd' })
  })

  it('ids of any length', () => {
    expect(protobufToJson('Span', part(1, 'abc')).toString()).toBe('{"traceId":"616263"}')
  })
})
