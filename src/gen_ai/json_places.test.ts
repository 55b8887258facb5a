import { describe, expect, test } from 'vitest'
import { Random } from '../otlp/random.fixture.ts'
import { JsonPlaces } from './json_places.ts'

/** What stands at each path of the text, undefined where nothing is found. */
function read(text: string, ...paths: string[]): (string | undefined)[] {
  const bytes = Buffer.from(`"}${text}"}]`)
  const places = new JsonPlaces(paths)
  places.read(bytes, 2, bytes.length - 3)
  return paths.map((_, at) =>
    places.starts[at]! < 0 ? undefined : bytes.toString('utf8', places.starts[at], places.ends[at]),
  )
}

test('a key that is named is any key too', () => {
  expect(read('{"x":{"a":1},"y":{"b":3}}', 'x.a', '*.b')).toEqual(['1', '3'])
  expect(read('{"x":{"a":1,"b":2}}', 'x.a', '*.b')).toEqual(['1', '2'])
})

describe('places in JSON', () => {
  test.each<[string, string, string, string | undefined]>([
    ['a number', '{"a":12}', 'a', '12'],
    ['a text', '{"a":"x y"}', 'a', 'x y'],
    ['a word', '{"a":true}', 'a', 'true'],
    ['inside', '{"a":{"b":{"c":7}}}', 'a.b.c', '7'],
    ['in a list', '{"a":[{"b":1},{"b":2}]}', 'a.1.b', '2'],
    ['of a list itself', '["x","y"]', '0', 'x'],
    ['behind what looks like it', '{"x":{"a":1},"y":["a",2],"z":"\\"a\\":3","a":4}', 'a', '4'],
    ['with spaces', ' { "a" :\n [ 1 , { "b" : 2 } ] } ', 'a.1.b', '2'],
    ['behind an escaped quote', '{"x":"\\\\\\"","a":1}', 'a', '1'],
    ['an object is no value', '{"a":{"b":1}}', 'a', undefined],
    ['a text with escapes is none', '{"a":"x\\ny"}', 'a', undefined],
    ['an empty text', '{"a":""}', 'a', ''],
    ['absent', '{"b":1}', 'a', undefined],
    ['cut within the value', '{"a":12', 'a', undefined],
    ['cut within a text', '{"a":"12', 'a', undefined],
    ['cut behind', '{"a":12,"b":"x', 'a', '12'],
    ['no JSON', 'a:1', 'a', undefined],
    ['nothing', '', 'a', undefined],
    ['a colon missing', '{"a" 1,"b":2}', 'b', undefined],
    ['a value missing', '{"a":,"b":2}', 'b', '2'],
    ['Python', "{'x': None, 'a': 5, 'b': Thing(c='}', d=[1])}", 'a', '5'],
    ['behind a Python object', "{'x': Thing(c='}', d=[1], e='it\\'s'), 'a': 5}", 'a', '5'],
    ['below any key', '{"x":3,"y":{"b":1},"z":{"a":2}}', '*.a', '2'],
    ['below any key, not above', '{"a":1,"x":{"b":{"a":2}}}', '*.a', undefined],
    ['any key, two deep', '{"x":{"y":{"a":2}}}', '*.*.a', '2'],
    ['the last of two', '{"a":1,"a":2,"z":0}', 'a', '2'],
    ['all that stands there: an object', '{"x":1,"a":{"b":[1,"}"]},"y":2}', 'a.', '{"b":[1,"}"]}'],
    ['… a list', '{"a":[{"b":1}]}', 'a.', '[{"b":1}]'],
    ['… a text, as JSON', '{"a":"x\\ny"}', 'a.', '"x\\ny"'],
    ['… cut', '{"a":{"b":1', 'a.', undefined],
  ])('%s', (_, text, path, is) => {
    expect(read(text, path, 'not.there')[0]).toBe(is)
  })

  test('several at once, one of them below another', () => {
    expect(read('{"u":{"p":1,"d":{"c":2}},"v":"x","d":{"c":9}}', 'u.d.c', 'u.p', 'v', 'd.c')).toEqual([
      '2',
      '1',
      'x',
      '9',
    ])
  })

  test('all of an object, and something in it', () => {
    expect(read('{"a":{"b":{"c":1},"d":2},"e":3}', 'a.', 'a.b.c', 'e')).toEqual(['{"b":{"c":1},"d":2}', '1', '3'])
  })

  test('no further than 64 KiB', () => {
    expect(read(`{"x":"${'y'.repeat(65_000)}","a":1}`, 'a')).toEqual(['1'])
    expect(read(`{"x":"${'y'.repeat(66_000)}","a":1}`, 'a')).toEqual([undefined])
  })

  test('deep nesting that is not wanted costs no stack', () => {
    expect(read(`{"x":${'['.repeat(30_000)}${']'.repeat(30_000)},"a":1}`, 'a')).toEqual(['1'])
  })

  const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

  test(`agrees with JSON.parse, seed ${seed}`, () => {
    const random = new Random(seed)
    for (let round = 0; round < 3000; round++) {
      const value = { a: anything(random, 4), b: anything(random, 4) }
      const text = JSON.stringify(value, undefined, random.below(3))
      for (const path of ['a', 'b', 'a.b', 'b.a', 'a.0.b', 'b.b.1'])
        expect(read(text, path, 'not.there'), text).toEqual([expected(value, path), undefined])
    }
  })

  test(`texts that were cut or spoilt end, seed ${seed}`, () => {
    const random = new Random(seed)
    for (let round = 0; round < 3000; round++) {
      const bytes = Buffer.from(JSON.stringify({ a: anything(random, 4), b: anything(random, 4) }))
      for (let spoilt = random.below(4); spoilt > 0; spoilt--)
        bytes[random.below(bytes.length)] = '{}[]()"\',:\\ x'.charCodeAt(random.below(13))
      const places = new JsonPlaces(['a.b', 'b.0', 'c'])
      const end = random.below(bytes.length + 1)
      places.read(bytes, 0, end)
      for (let at = 0; at < 3; at++) expect(places.starts[at]! < 0 || places.ends[at]! <= end).toBe(true)
    }
  })
})

function anything(random: Random, depth: number): unknown {
  switch (random.below(depth > 0 ? 7 : 4)) {
    case 0:
      return random.below(1000)
    case 1:
      return ['', 'x', 'a"b', '}],{', "it's", 'ü', '\\'][random.below(7)]
    case 2:
      return null
    case 3:
      return random.chance(50)
    case 4:
      return Array.from({ length: random.below(4) }, () => anything(random, depth - 1))
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(4) }, () => ['abc"'[random.below(4)]!, anything(random, depth - 1)]),
      )
  }
}

/** The value at the path as it is found: no objects, lists, or texts with escapes. */
function expected(value: unknown, path: string): string | undefined {
  const found = path
    .split('.')
    .reduce<unknown>(
      (inner, key) => (Array.isArray(inner) === /\d/.test(key) ? (inner as never)?.[key] : undefined),
      value,
    )
  if (found === undefined || (typeof found === 'object' && found !== null)) return undefined
  if (typeof found !== 'string') return String(found)
  return JSON.stringify(found) === `"${found}"` ? found : undefined
}
