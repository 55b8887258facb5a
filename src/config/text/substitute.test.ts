// biome-ignore-all lint/suspicious/noTemplateCurlyInString: substitutions are what is tested
import { expect, test } from 'vitest'
import { createSource } from './source.ts'
import { SUBSTITUTIONS_MAX, substitute } from './substitute.ts'
import { nodeAt, toPlain } from './tree.ts'
import { readYaml } from './yaml.ts'

const variables = {
  HOST: 'tempo',
  PORT: '4317',
  FLAG: 'true',
  OCTAL: '010',
  EMPTY: '',
  LIST: '[a, b]',
  MAP: '{x: 1}',
  NAME: 'HOST',
  NESTED: '${env:HOST}:1',
  DOLLARS: 'a$$b',
  BROKEN: '*no yaml: [',
  QUOTED: '"quoted" # no comment',
  LOOP: 'x${env:LOOP}',
  WHOLE_LOOP: '${env:WHOLE_LOOP}',
  DOUBLE: '${env:DOUBLE}${env:DOUBLE}',
}
const files: Record<string, string> = { '/port': '4318\n', '/token': 'abc\n', '/map': 'x: 1\ny: ${env:HOST}\n' }

function run(value: string) {
  const node = readYaml(createSource('x', `a: ${JSON.stringify(value)}`), () => expect.unreachable())
  const readFile = (path: string) => {
    const text = files[path]
    if (text === undefined) throw Object.assign(new Error('no'), { code: 'ENOENT' })
    return text
  }
  const result = substitute(node!, { variables, readFile })
  return { ...result, node: nodeAt(result.tree, ['a'])! }
}

test.each([
  ['plain', 'plain'],
  ['${env:HOST}', 'tempo'],
  ['${HOST}', 'tempo'],
  ['${env:PORT}', 4317],
  ['${env:FLAG}', true],
  ['${env:LIST}', ['a', 'b']],
  ['${env:MAP}', { x: 1 }],
  ['${env:HOST}:${env:PORT}', 'tempo:4317'],
  ['${env:OCTAL}!', '010!'],
  ['${env:${env:NAME}}', 'tempo'],
  ['${env:NESTED}', 'tempo:1'],
  ['${env:UNSET:-fallback}', 'fallback'],
  ['${UNSET:-5}', 5],
  ['${env:UNSET:-}', ''],
  ['${env:UNSET:-${env:HOST}}', 'tempo'],
  ['${env:UNSET:-a:-b}', 'a:-b'],
  ['${env:HOST:+otlp/a}', 'otlp/a'],
  ['${env:HOST:+${env:PORT}}', 4317],
  ['${env:EMPTY:+x}', null],
  ['${env:UNSET:+x}', null],
  ['<${env:UNSET:+x}>', '<>'],
  ['${env:EMPTY}', null],
  ['${env:EMPTY:-x}', null],
  ['<${env:EMPTY}>', '<>'],
  ['$${env:HOST}', '${env:HOST}'],
  ['$$${env:HOST}', '$tempo'],
  ['$$$${env:HOST}', '$${env:HOST}'],
  ['costs $5 and $$5', 'costs $5 and $5'],
  ['${env:DOLLARS}', 'a$b'],
  ['${env:BROKEN}', '*no yaml: ['],
  ['${env:QUOTED}', '"quoted" # no comment'],
  ['${file:/port}', 4318],
  ['Bearer ${file:/token}', 'Bearer abc'],
  ['${file:/map}', { x: 1, y: 'tempo' }],
  ['${yaml:[1, 2]}', [1, 2]],
  ['${yaml:a}b', 'ab'],
])('%s', (value, expected) => {
  const { node, errors, warnings } = run(value)
  expect(errors).toEqual([])
  expect(warnings).toEqual([])
  expect(toPlain(node)).toEqual(expected)
})

test.each([
  ['${env:UNSET}', null, 'the environment variable UNSET is not set'],
  ['<${env:UNSET}>', '<>', 'the environment variable UNSET is not set'],
  ['a${b', 'a${b', 'found `${` without `}`'],
])('%s is warned of', (value, expected, message) => {
  const { node, errors, warnings } = run(value)
  expect(errors).toEqual([])
  expect(warnings.map((warning) => warning.message)).toEqual([message])
  expect(toPlain(node)).toBe(expected)
})

test.each([
  ['${env:a b}', 'found a substitution that is no environment variable: a name has letters, digits and _'],
  ['${1}', 'found a substitution that is no environment variable: a name has letters, digits and _'],
  ['${http://x}', 'found the unknown scheme "http" in a substitution'],
  ['${file:/missing}', 'cannot read the substituted file /missing: it does not exist'],
  ['${env:LOOP}', 'found too many substitutions'],
  ['${env:WHOLE_LOOP}', 'found too many substitutions'],
  ['${env:DOUBLE}', 'found too many substitutions'],
  ['${env:PORT}'.repeat(SUBSTITUTIONS_MAX + 1), 'found too many substitutions'],
])('%.40s is refused', (value, message) => {
  expect(run(value).errors.map((error) => error.message)).toEqual([message])
})

test('the original text is kept beside a value that YAML understands otherwise', () => {
  expect(run('${env:OCTAL}').node).toMatchObject({ value: 10, original: '010', concealed: true })
  expect(run('${env:MAP}').node).toMatchObject({ kind: 'map', original: '{x: 1}' })
  expect(run('${env:UNSET:-7}').node).toMatchObject({ value: 7, original: '7', concealed: false })
})

test('an entry of a list is there only if its variable is set', () => {
  const text = '[store, "${env:HOST:+otlp/tempo}", "${env:UNSET:+loki}", "${env:EMPTY}"]'
  const node = readYaml(createSource('x', text), () => expect.unreachable())
  const { tree, spare, warnings } = substitute(node!, { variables, readFile: () => '' })
  expect(toPlain(tree)).toEqual(['store', 'otlp/tempo', null])
  expect([...spare]).toEqual(['loki'])
  expect(warnings).toEqual([])
})
