import { describe, expect, test } from 'vitest'
import { createSource } from './source.ts'
import { keyPlace, type Node, toPlain, valuePlace } from './tree.ts'
import { readYaml } from './yaml.ts'

function read(text: string): { node: Node | undefined; messages: string[] } {
  const messages: string[] = []
  return { node: readYaml(createSource('x', text), ({ message }) => messages.push(message)), messages }
}

test.each([
  ['a: 1\nb: [x, 2, true, null, ~]\n', { a: 1, b: ['x', 2, true, null, null] }],
  ['a: yes\nb: 0x10\nc: 010\nd: 1.5', { a: 'yes', b: 16, c: 10, d: 1.5 }],
  ['200: ok\ntrue: x', { 200: 'ok', true: 'x' }],
  ['a:\n', { a: null }],
  ['', null],
  ['# only a comment', null],
  ['base: &b {x: 1, y: 2}\na: {<<: *b, y: 3}', { base: { x: 1, y: 2 }, a: { x: 1, y: 3 } }],
  ['p: &p {x: 1}\nq: &q {x: 2, y: 2}\na: {<<: [*p, *q]}', { p: { x: 1 }, q: { x: 2, y: 2 }, a: { x: 1, y: 2 } }],
  ['a: &x [1]\nb: *x', { a: [1], b: [1] }],
  ['a: .inf', { a: '.inf' }],
  ['constructor: 1', { constructor: 1 }],
])('%j', (text, plain) => {
  const { node, messages } = read(text)
  expect(messages).toEqual([])
  expect(toPlain(node!)).toEqual(plain)
})

test.each([
  ['a: 1\na: 2', 'the key `a` is already given in line 1'],
  ['__proto__: {x: 1}', 'the key `__proto__` is not allowed'],
  ['a: &x [*x]', 'found an alias that contains itself'],
  ['a: *x', 'found an alias (`*…`) that has no anchor before it'],
  ['? [a]\n: b', 'found a key that is not a text'],
  ['<<: 5', 'the merge key `<<` wants a map'],
  ['a: 1\n---\nb: 2', 'the YAML is broken: found a second document (`---`)'],
  [`a: ${'['.repeat(200)}${']'.repeat(200)}`, 'the YAML is nested too deeply'],
  ['['.repeat(100_000), /the YAML is (nested too deeply|broken)/],
])('mistake %#', (text, message) => {
  const { messages } = read(text)
  expect(messages[0], text.slice(0, 60)).toMatch(message)
})

test('nothing is put on the prototype', () => {
  read('__proto__: {polluted: 1}')
  read('a: {<<: {__proto__: {polluted: 1}}}')
  expect(({} as { polluted?: number }).polluted).toBeUndefined()
})

test('aliases that multiply are refused quickly', () => {
  const lines = ['a0: &a0 [x]']
  for (let level = 1; level < 40; level++) lines.push(`a${level}: &a${level} [*a${level - 1}, *a${level - 1}]`)
  expect(read(lines.join('\n')).messages[0]).toBe('the YAML aliases stand for too many values')
})

describe('places', () => {
  const text = 'a:\n  b: word\n  c: [1, "two"]\n'
  const { node } = read(text)
  const root = { key: node!.place, value: node! }
  const cut = ({ start, end }: { start: number; end: number }) => text.slice(start, end)

  test.each([
    [['a', 'b'], 'b', 'word'],
    [['a', 'c', 1], '"two"', '"two"'],
    [['a'], 'a', 'a'],
    [['a', 'missing'], 'a', 'a'],
  ])('%j', (path, key, value) => {
    expect(cut(keyPlace(root, path))).toBe(key)
    expect(cut(valuePlace(root, path))).toBe(value)
  })
})
