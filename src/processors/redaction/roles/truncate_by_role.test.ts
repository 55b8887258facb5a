/** Content of several roles of which some are truncated. */
import { expect, test } from 'vitest'
import { attributesOf, itemsOf, type Plain, traceBatch } from '../../../../test/support/otlp.ts'
import { redactAs } from '../redaction.fixture.ts'

async function redacted(value: Plain, content: string | object, key = 'gen_ai.input.messages'): Promise<Plain> {
  const batch = traceBatch([{ attributes: [[key, value]] }])
  const left = (await redactAs('traces', batch, { content, truncate: { length: 8 } })).batch!
  return attributesOf(itemsOf(left)[0])[0]![1]
}

/** As JSON text and as a structured value: the same becomes of both. */
async function expectOf(given: unknown, content: object, expected: unknown): Promise<void> {
  expect(JSON.parse((await redacted(JSON.stringify(given), content)) as string)).toEqual(expected)
  expect(await redacted(given as Plain, content)).toEqual(expected)
}

const cuts: readonly (readonly [text: string, left: string])[] = [
  ['12345678', '12345678'],
  ['123456789', '12345678 [TRUNCATED length=9]'],
  ['äöüäöüäöü', 'äöüäöüäö [TRUNCATED length=18]'],
  ['\n\n\n\n\n\n\n\n\n', `${'\n'.repeat(8)} [TRUNCATED length=18]`],
  ['1234567"9', '1234567" [TRUNCATED length=10]'],
  ['I am a@example.com', 'I am [EM [TRUNCATED length=18]'],
  ['[4111111111111111, 2]', '[[CREDIT [TRUNCATED length=21]'],
  ['{"card": 4111111111111111}', '{"card": [TRUNCATED length=28]'],
]

test.each(cuts)('texts are cut between characters: %j', async (text, left) => {
  const content = { default: 'keep', tool_result: 'truncate' }
  const given = [{ role: 'tool', content: text }]
  const once = (await redacted(JSON.stringify(given), content)) as string
  expect(JSON.parse(once)).toEqual([{ role: 'tool', content: left }])
  expect(await redacted(once, content)).toBe(once)
})

test('surrogate pairs in escapes are not parted', async () => {
  const pairs = '\\ud83d\\ude00'.repeat(9)
  const left = await redacted(`[{"role":"tool","content":"${pairs}"}]`, { default: 'keep', tool_result: 'truncate' })
  expect(JSON.parse(left as string)[0].content).toBe(`${'😀'.repeat(8)} [TRUNCATED length=${pairs.length}]`)
})

test('in results that are structures each text is cut, and each key', async () => {
  const response = { 'a long key': ['a long text', { x: 'another "long" text' }], n: 4_111_111_111_111_111 }
  const given = [{ role: 'tool', parts: [{ type: 'tool_call_response', response }] }]
  const left = (await redacted(JSON.stringify(given), { default: 'keep', tool_result: 'truncate' })) as string
  expect(JSON.parse(left)[0].parts[0].response).toEqual({
    'a long k [TRUNCATED length=10 key=1]': ['a long t [TRUNCATED length=11]', { x: 'another  [TRUNCATED length=21]' }],
    n: '[CREDIT_CARD]',
  })
})

test('keys that nobody knows are cut, and stay different', async () => {
  const given = [
    { role: 'assistant', 'a long key of Ann': 1, 'a long key of a@example.com': 'a long text', content: 'fine' },
  ]
  const left = [
    {
      role: 'assistant',
      'a long k [TRUNCATED length=17 key=1]': 1,
      'a long k [TRUNCATED length=27 key=2]': 'a long t [TRUNCATED length=11]',
      content: 'fine',
    },
  ]
  await expectOf(given, { default: 'truncate', assistant: 'mask' }, left)
  await expectOf(left, { default: 'truncate', assistant: 'mask' }, left)
})

test.each(['truncate', { default: 'truncate', assistant: 'drop' }])(
  'keys in lists and maps are cut under %j, at every level and of every length',
  async (content) => {
    const long = `a long key ${'x'.repeat(200)}`
    const given = { 'a long key': { 'a long key': ['x'], [long]: 7 }, text: 'a long text' }
    expect(await redacted(given, content, 'gen_ai.tool.call.result')).toEqual({
      'a long k [TRUNCATED length=10 key=1]': {
        'a long k [TRUNCATED length=10 key=2]': ['x'],
        [`a long k [TRUNCATED length=${long.length} key=3]`]: 7,
      },
      text: 'a long t [TRUNCATED length=11]',
    })
  },
)

test('what was clean as an attribute is judged anew in content', async () => {
  const map = { 'server.address': '10.0.0.1', note: 'a long text' }
  const attributes = [...Object.entries(map), ['gen_ai.tool.call.result', map] as const]
  for (const content of ['truncate', { default: 'truncate', user: 'drop' }]) {
    const config = { content, truncate: { length: 8 } }
    const { batch } = await redactAs('traces', traceBatch([{ attributes }, { attributes }]), config)
    for (const item of itemsOf(batch!)) {
      const left = new Map(attributesOf(item))
      expect([left.get('server.address'), left.get('note')]).toEqual(['10.0.0.1', 'a long text'])
      expect(left.get('gen_ai.tool.call.result')).toEqual({
        'server.a [TRUNCATED length=14 key=1]': '[IP]',
        note: 'a long t [TRUNCATED length=11]',
      })
    }
  }
})
