/** Content of several roles in one attribute, where the policies of roles differ. */
import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { attributesOf, itemsOf, logBatch, type Plain, traceBatch } from '../../../../test/support/otlp.ts'
import { EffortError } from '../../../content/detectors/effort.ts'
import { WORDS_MAX } from '../../../content/messages/whose_words.ts'
import type { Message } from '../../../otlp/codec.ts'
import { receive } from '../../../telemetry/receive.ts'
import { redaction } from '../index.ts'
import { LOOP_STEPS_MAX } from '../long_batches.ts'
import { redactAs } from '../redaction.fixture.ts'
import { RedactionTally } from '../redaction_tally.ts'
import { redactorOf } from '../redactor_of.ts'

const HASH_KEY = 'sixteen characters'
const DROPPED = { default: 'drop', assistant: 'mask', tool_result: 'truncate' }
const dropped = (text: string) => `[DROPPED length=${text.length}]`
const hashed = (text: string) => `[HASHED hmac-sha256=${createHmac('sha256', HASH_KEY).update(text).digest('hex')}]`

async function redacted(
  value: Plain,
  content: object,
  key = 'gen_ai.input.messages',
  others: Record<string, string> = {},
): Promise<Plain> {
  const config = { content, hash_key: HASH_KEY, truncate: { length: 8 } }
  const attributes = [[key, value] as const, ...Object.entries(others)]
  const { batch } = await redactAs('traces', traceBatch([{ attributes }]), config)
  return attributesOf(itemsOf(batch!)[0])[0]![1]
}

/** As JSON text, with and without blanks, and as a structured value: the same becomes of all. */
async function expectOf(given: unknown, content: object, expected: unknown): Promise<void> {
  const texts = [JSON.stringify(given), JSON.stringify(given, null, 2)]
  for (const text of texts) expect(JSON.parse((await redacted(text, content)) as string)).toEqual(expected)
  expect(await redacted(given as Plain, content)).toEqual(expected)
}

const conversation = [
  { role: 'system', parts: [{ type: 'text', content: 'Be kind.' }] },
  { role: 'user', parts: [{ type: 'text', content: 'Is a@example.com mine?' }] },
  { role: 'assistant', parts: [{ type: 'tool_call', id: 'c1', name: 'find', arguments: { who: 'a@example.com' } }] },
  { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'Yes, of Ann' }] },
  {
    role: 'assistant',
    parts: [
      { type: 'reasoning', content: 'Well.' },
      { type: 'text', content: 'a@example.com is.' },
    ],
  },
]

describe('the conventions', () => {
  test.each<[string, object, unknown]>([
    [
      'drop, but mask answers and cut results',
      DROPPED,
      [
        { role: 'system', parts: [{ type: 'text', content: dropped('Be kind.') }] },
        { role: 'user', parts: [{ type: 'text', content: dropped('Is a@example.com mine?') }] },
        {
          role: 'assistant',
          parts: [
            {
              type: 'tool_call',
              id: dropped('c1'),
              name: dropped('find'),
              arguments: expect.stringMatching(/^\[DROPPED length=\d+\]$/),
            },
          ],
        },
        { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c1', response: 'Yes, of  [TRUNCATED length=11]' }] },
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', content: dropped('Well.') },
            { type: 'text', content: '[EMAIL] is.' },
          ],
        },
      ],
    ],
    [
      'keep all but what users write',
      { default: 'keep', user: 'hash' },
      conversation.map((message) =>
        message.role === 'user'
          ? { role: 'user', parts: [{ type: 'text', content: hashed('Is a@example.com mine?') }] }
          : message,
      ),
    ],
    [
      'mask all but answers',
      { default: 'mask', assistant: 'keep' },
      [
        conversation[0],
        { role: 'user', parts: [{ type: 'text', content: 'Is [EMAIL] mine?' }] },
        { role: 'assistant', parts: [{ type: 'tool_call', id: 'c1', name: 'find', arguments: { who: '[EMAIL]' } }] },
        ...conversation.slice(3),
      ],
    ],
  ])('%s', (_, content, expected) => expectOf(conversation, content, expected))
})

/** Under a policy that keeps what assistants say and drops the rest: what is left, `-` for what is dropped. */
const forms: readonly (readonly [what: string, given: unknown, left: unknown])[] = [
  ['a role behind its content', [{ content: 'a', role: 'user' }], [{ content: '-', role: 'user' }]],
  [
    'an answer',
    { choices: [{ message: { role: 'assistant', content: 'a' } }] },
    { choices: [{ message: { role: 'assistant', content: 'a' } }] },
  ],
  ['no role in it', { choices: [{ message: { content: 'a' } }] }, { choices: [{ message: { content: '-' } }] }],
  [
    'somebody else among choices',
    { choices: [{ message: { role: 'user', content: 'a' } }] },
    { choices: [{ message: { role: 'user', content: '-' } }] },
  ],
  ['no role', [{ content: 'a' }], [{ content: '-' }]],
  ['an unknown role', [{ role: 'critic', content: 'a' }], [{ role: '-', content: '-' }]],
  ['a role that is no text', [{ role: ['assistant'], content: 'a' }], [{ role: '-', content: '-' }]],
  ['a role that is a number', [{ role: 7, content: 'a' }], [{ role: '-', content: '-' }]],
  ['a role that is true', [{ role: true, content: 'a' }], [{ role: true, content: '-' }]],
  [
    'an unknown type',
    [{ role: 'assistant', content: [{ type: 'x', text: 'a' }] }],
    [{ role: 'assistant', content: [{ type: '-', text: '-' }] }],
  ],
  [
    'role and type that disagree',
    [{ role: 'assistant', type: 'human', content: 'a' }],
    [{ role: 'assistant', type: 'human', content: '-' }],
  ],
  [
    'a message in a message',
    [{ role: 'assistant', content: { role: 'user', content: 'a' } }],
    [{ role: 'assistant', content: { role: 'user', content: '-' } }],
  ],
  [
    'the other way round',
    [{ role: 'user', content: { role: 'assistant', content: 'a' } }],
    [{ role: 'user', content: { role: 'assistant', content: '-' } }],
  ],
  [
    'numbers',
    [
      { role: 'user', content: 42 },
      { role: 'assistant', content: 42 },
    ],
    [
      { role: 'user', content: '-' },
      { role: 'assistant', content: 42 },
    ],
  ],
  [
    'what a message repeats',
    [{ role: 'assistant', input: 'a', history: [{ text: 'b' }], messages: [{ role: 'user', content: 'c' }] }],
    [{ role: 'assistant', input: '-', history: [{ text: '-' }], messages: [{ role: 'user', content: '-' }] }],
  ],
  [
    'a call’s input',
    [{ type: 'tool_use', input: 'a', role: 'assistant' }],
    [{ type: 'tool_use', input: '-', role: 'assistant' }],
  ],
  [
    'an unknown key',
    [{ role: 'assistant', ann: 'a', content: 'a' }],
    [{ role: 'assistant', '- key=1': '-', content: 'a' }],
  ],
  [
    'two of them',
    [{ role: 'assistant', ann: { x: 1 }, bob: [1] }],
    [{ role: 'assistant', '- key=1': '-', '- key=2': '-' }],
  ],
  [
    'an image',
    [{ role: 'assistant', content: [{ type: 'image_url', image_url: { url: 'a' } }] }],
    [{ role: 'assistant', content: [{ type: 'image_url', image_url: '-' }] }],
  ],
  [
    'a tool call',
    [{ role: 'assistant', content: null, tool_calls: [{ id: '1', function: { arguments: 'a' } }] }],
    [{ role: 'assistant', content: null, tool_calls: '-' }],
  ],
  [
    'a thought',
    [{ role: 'model', parts: [{ text: 'a', thought: true }, { text: 'b' }] }],
    [{ role: 'model', parts: [{ text: '-', thought: true }, { text: 'b' }] }],
  ],
  [
    'a result in an answer',
    [{ role: 'assistant', content: [{ type: 'tool_result', content: [{ type: 'text', text: 'a' }] }] }],
    [{ role: 'assistant', content: [{ type: 'tool_result', content: '-' }] }],
  ],
  [
    'a call in nobody’s words',
    [{ type: 'function', name: 'f', arguments: 'a' }],
    [{ type: 'function', name: '-', arguments: '-' }],
  ],
  [
    'LangChain',
    {
      messages: [
        { type: 'human', content: 'a' },
        { type: 'ai', content: 'b' },
      ],
    },
    {
      messages: [
        { type: 'human', content: '-' },
        { type: 'ai', content: 'b' },
      ],
    },
  ],
  [
    'pydantic-ai',
    [
      { kind: 'request', parts: [{ part_kind: 'user-prompt', content: 'a' }] },
      { kind: 'response', parts: [{ part_kind: 'text', content: 'b' }] },
    ],
    [
      { kind: 'request', parts: [{ part_kind: 'user-prompt', content: '-' }] },
      { kind: 'response', parts: [{ part_kind: 'text', content: 'b' }] },
    ],
  ],
  [
    'Gemini',
    {
      contents: [
        { role: 'user', parts: [{ text: 'a' }] },
        { role: 'model', parts: [{ text: 'b' }, { functionCall: { name: 'f' } }] },
      ],
      systemInstruction: { parts: [{ text: 'c' }] },
    },
    {
      contents: [
        { role: 'user', parts: [{ text: '-' }] },
        { role: 'model', parts: [{ text: 'b' }, { functionCall: '-' }] },
      ],
      systemInstruction: '-',
    },
  ],
  [
    'Anthropic',
    {
      system: 'a',
      messages: [
        { role: 'user', content: 'a' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
      ],
    },
    {
      system: '-',
      messages: [
        { role: 'user', content: '-' },
        {
          role: 'assistant',
          content: [
            { type: 'thinking', thinking: '-' },
            { type: 'text', text: 'b' },
          ],
        },
      ],
    },
  ],
  [
    'JSON in a text',
    [{ role: 'user', content: '{"role":"assistant","content":"a"}' }],
    [{ role: 'user', content: '-' }],
  ],
  ['texts without messages', ['a', 'b'], ['-', '-']],
  [
    'nothing',
    [{ role: 'user', content: '', parts: [] }, {}, null],
    [{ role: 'user', content: '', parts: [] }, {}, null],
  ],
]

test.each(forms)('forms: %s', async (_, given, left) => {
  const content = { default: 'drop', assistant: 'keep' }
  const marked = (text: string) => JSON.parse(text.replaceAll(/\[DROPPED length=\d+(?: parts=\d)?( key=\d)?\]/g, '-$1'))
  expect(marked((await redacted(JSON.stringify(given), content)) as string)).toEqual(left)
  expect(marked(JSON.stringify(await redacted(given as Plain, content)))).toEqual(left)
})

/** Nothing of `secret` may be left where answers are kept and all else is dropped. */
const hostile: readonly (readonly [what: string, text: string])[] = [
  ['two roles', '[{"role":"user","role":"assistant","content":"secret"}]'],
  ['and the other way round', '[{"role":"assistant","role":"user","content":"secret"}]'],
  ['one of them null', '[{"role":"assistant","role":null,"content":"secret"}]'],
  ['two, one with escapes', String.raw`[{"role":"assistant","r\u006fle":"user","content":"secret"}]`],
  ['one with escapes', String.raw`[{"r\u006fle":"us\u0065r","content":"secret"}]`],
  ['two types', '[{"role":"user","type":"text","type":"message","content":"secret"}]'],
  ['a role in another case', '[{"role":"assistant","Role":"user","secret":"secret"}]'],
  ['two contents', '[{"role":"user","content":"a","content":"secret"}]'],
  ['a cut', '[{"role":"assistant","content":"a"},{"role":"assistant","content":"secret'],
  ['something behind', '[{"role":"assistant","content":"a"}] secret'],
  ['a comma too many', '[{"role":"assistant","content":"secret"},]'],
  ['a comment', '[{"role":"assistant",/* "content":"a" */"content":"secret"}]'],
  ['a line break in a text', '[{"role":"assistant","content":"a\n secret"}]'],
  ['a bad escape', String.raw`[{"role":"assistant","content":"\x secret"}]`],
  ['no quotes', '[{"role":"assistant","content":secret}]'],
  ['other quotes', "[{'role': 'assistant', 'content': 'secret'}]"],
  ['objects of a language', "HumanMessage(content='secret', role='user')"],
  ['quotes around all', JSON.stringify('[{"role":"user","content":"secret"}]')],
  ['a mark in front', '\ufeff[{"role":"user","content":"secret"}]'],
  ['brackets that do not match', '[{"role":"assistant","x":[{"a":1]},"content":"secret"}]'],
  ['deep nesting', `${'{"content":'.repeat(40)}{"role":"assistant","content":"secret"}${'}'.repeat(40)}`],
  ['deeper nesting', `[{"role":"assistant","content":${'['.repeat(3000)}"secret"${']'.repeat(3000)}}]`],
  [
    'a bad text behind deep nesting',
    `[{"x":${'['.repeat(1001)}${']'.repeat(1001)},"role":"assistant","content":"a\n secret"}]`,
  ],
  ['many parts', `[{"role":"assistant","content":[${'"a",'.repeat(WORDS_MAX)}"secret"]}]`],
  ['many small parts', `[{"role":"user","content":[${'"s",'.repeat(2000)}"secret"]}]`],
  ['keys of an object', '[{"role":"user","content":{"secret":"secret"},"secret":1}]'],
  [
    'keys of arguments',
    '[{"role":"assistant","parts":[{"type":"tool_call","arguments":{"secret":{"text":"secret"}}}]}]',
  ],
  ['a type behind arguments', '[{"role":"assistant","parts":[{"input":{"secret":"secret"},"type":"tool_use"}]}]'],
]

describe.each(['gen_ai.input.messages', 'gen_ai.output.messages', 'gen_ai.event.content'])('%s', (key) => {
  test.each(hostile)('nothing is left of what is not understood: %s', async (_, text) => {
    for (const content of [
      { default: 'drop', assistant: 'keep' },
      { default: 'keep', user: 'drop', retrieved: 'drop', tool_call: 'drop' },
      { default: 'hash', assistant: 'mask' },
    ]) {
      const left = (await redacted(text, content, key)) as string
      expect(left).not.toContain('secret')
      expect(left.length).toBeLessThan(text.length * 5 + 1500)
      if (isJson(text)) expect(isJson(left) || /^\[[A-Z]{6,7} [^\]]*\]$/.test(left), left).toBe(true)
    }
  })
})

test.each([
  "[{'role': 'user', 'content': 'secret'}]",
  JSON.stringify('["secret"]'),
  JSON.stringify('  {"a":"secret"}'),
  JSON.stringify('"secret"'),
  "{'messages': 'secret'}",
  'secret [{"role": "user"}]',
  "secret HumanMessage(role='user')",
  JSON.stringify('{"role":"user","content":"secret"}'),
  'x {\\"role\\":\\"user\\",\\"content\\":\\"secret\\"}',
  '\ufeff[{"role":"user","content":"secret"}]',
  '\u200b[{"type":"human","content":"secret"}]',
  ' \u00a0\u2060{"type":"human","content":"secret"}',
  `${'\u200b'.repeat(100)}[{"type":"human","content":"secret"}]`,
  'data: {"type":"human","content":"secret"}\n\ndata: {"type":"ai","content":"x"}\n\n',
  'event: message\ndata: {"type":"human","content":"secret"}',
  String.raw`x "[{\\\"role\\\":\\\"user\\\",\\\"content\\\":\\\"secret\\\"}]"`,
  "content='secret' name='f' tool_call_id='call_1'",
])('what models answer is kept, but no structure that is not understood: %s', async (text) => {
  const content = { default: 'drop', assistant: 'keep', tool_call: 'keep', reasoning: 'keep', media: 'keep' }
  const llm = (value: Plain) => redacted(value, content, 'output.value', { 'openinference.span.kind': 'LLM' })
  expect(await llm('The answer is a secret')).toBe('The answer is a secret')
  expect(await llm('"The answer is a secret"')).toBe('"The answer is a secret"')
  for (const answer of ['', 'ä', '„The answer“', 'Use this: {"data": [1]}', 'The data: {a, b}', '12'])
    expect(await llm(answer)).toBe(answer)
  expect(await llm(text)).toMatch(/^\[DROPPED length=\d+( parts=1)?\]$/)
  expect(await llm(Buffer.from(text))).toMatch(/^\[DROPPED length=\d+\]$/)
})

test('structured values of too many parts', async () => {
  const messages = [{ role: 'assistant', content: [...Array(WORDS_MAX).fill('a'), 'secret'] }]
  const left = await redacted(messages as Plain, { default: 'drop', assistant: 'keep' })
  expect(left).toMatch(/^\[DROPPED length=\d+ parts=1\]$/)
})

test('structured values: a key behind its value, and none', async () => {
  const field = (number: number, ...inner: Buffer[]) => {
    const content = Buffer.concat(inner)
    return Buffer.concat([Buffer.from([number * 8 + 2, content.length]), content])
  }
  const text = (value: string) => field(1, Buffer.from(value))
  const role = field(1, field(1, Buffer.from('role')), field(2, text('assistant')))
  const attribute = (pair: Buffer) =>
    field(9, field(1, Buffer.from('gen_ai.input.messages')), field(2, field(6, role, field(1, pair))))
  for (const pair of [
    Buffer.concat([field(2, text('secret')), field(1, Buffer.from('content'))]),
    field(2, text('secret')),
  ]) {
    const { batch } = receive('traces', field(1, field(2, field(2, attribute(pair)))))
    const left = (await redactAs('traces', batch, { content: { default: 'drop', assistant: 'keep' } })).batch!
    expect(left.count).toBe(1)
    expect(left.bytes.includes('secret')).toBe(false)
    expect(left.bytes.includes('[DROPPED')).toBe(true)
  }
})

test('a structured value’s keys tell of secrets where the rest is masked', async () => {
  const content = { default: 'mask', assistant: 'keep' }
  const given = [
    { role: 'user', client_secret: 'hunter2', password: 'a@example.com', content: 'x' },
    { role: 'assistant', content: 'a@example.com' },
  ]
  expect(await redacted(given as Plain, content)).toEqual([
    { role: 'user', client_secret: '[API_KEY]', password: '[API_KEY]', content: 'x' },
    { role: 'assistant', content: 'a@example.com' },
  ])
})

test('a text is hashed alike with and without escapes', async () => {
  const content = { default: 'keep', user: 'hash' }
  for (const text of ['"line"\n', 'plain', 'ä']) {
    const inJson = JSON.parse((await redacted(JSON.stringify([{ role: 'user', content: text }]), content)) as string)
    expect(inJson[0].content).toBe(hashed(text))
  }
})

test('a second pass changes nothing', async () => {
  const text = JSON.stringify([...conversation, { ann: 1, bob: 2, role: 'user' }])
  for (const content of [
    DROPPED,
    { default: 'hash', assistant: 'mask' },
    { default: 'mask', user: 'drop', system: 'keep' },
  ]) {
    const once = await redacted(text, content)
    expect(await redacted(once, content)).toBe(once)
    const values = await redacted(JSON.parse(text), content)
    expect(await redacted(values, content)).toEqual(values)
  }
})

test('many parts under many levels are so much work that it is booked, and not more than their bytes allow', () => {
  const redactor = redactorOf('traces', redaction.schema.parse({ content: { default: 'drop', assistant: 'mask' } }))
  const parts = `[${Array(WORDS_MAX - 100)
    .fill('"a"')
    .join()}]`
  const text = `${'{"content":'.repeat(30)}${parts}${',"role":"user"}'.repeat(30)}`
  const batch = traceBatch(Array(40).fill({ attributes: { 'gen_ai.input.messages': text } }))
  expect(() => redactor.redact(batch, new RedactionTally(), LOOP_STEPS_MAX)).toThrow(EffortError)
  const few = traceBatch(Array(4).fill({ attributes: { 'gen_ai.input.messages': text } }))
  expect(() => redactor.redact(few, new RedactionTally(), LOOP_STEPS_MAX)).not.toThrow()
})

test('work that was given up leaves nothing to what comes after', () => {
  const content = { default: 'drop', assistant: 'keep', user: 'mask', tool_result: 'truncate' }
  const redactor = redactorOf('traces', redaction.schema.parse({ content, truncate: { length: 8 } }))
  const batchOf = (text: string) => traceBatch([{ attributes: { 'gen_ai.input.messages': text } }])
  const hard = batchOf(JSON.stringify([...conversation, { role: 'tool', content: `secret ${'a@b.co '.repeat(20)}` }]))
  const easy = batchOf('[{"role":"user","content":"a@example.com"}]')
  const redact = (steps: number) => redactor.redact(hard, new RedactionTally(), steps)
  let isGivenUp = 0
  for (let steps = 10; steps < 1e6; steps = Math.ceil(steps * 1.2)) {
    try {
      redact(steps)
    } catch (error) {
      expect(error).toBeInstanceOf(EffortError)
      isGivenUp++
    }
    const [left] = itemsOf(redactor.redact(easy, new RedactionTally()))
    expect(attributesOf(left)[0]![1]).toBe('[{"role":"user","content":"[EMAIL]"}]')
  }
  expect(isGivenUp).toBeGreaterThan(5)
})

test('what has nothing to be taken out stays byte for byte', async () => {
  const batch = traceBatch([
    { attributes: { 'gen_ai.output.messages': ' [ {"role":"assistant", "content":"fine"} ]' } },
  ])
  expect((await redactAs('traces', batch, { content: { default: 'drop', assistant: 'mask' } })).batch).toBe(batch)
})

test('bodies of events, and counts by role', async () => {
  const body = { index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'mail a@example.com' } }
  const records = logBatch([{ event: 'gen_ai.choice', body: body as Plain }])
  const { batch, meter } = await redactAs('logs', records, { content: { default: 'drop', assistant: 'mask' } })
  const left = JSON.stringify(itemsOf(batch!)[0]!['body'] as Message)
  expect(left).toContain('mail [EMAIL]')
  expect(left).not.toContain('"stop"')
  expect(meter.value('sluice_redaction_dropped_content', { role: 'any' })).toBe(2)
  const span = traceBatch([{ attributes: { 'gen_ai.input.messages': JSON.stringify(conversation) } }])
  const counted = (await redactAs('traces', span, { content: DROPPED, truncate: { length: 8 } })).meter
  const counts = ['system', 'user', 'tool_call', 'reasoning', 'tool_result', 'assistant', 'any'].map((role) =>
    counted.value('sluice_redaction_dropped_content', { role }),
  )
  expect(counts).toEqual([1, 1, 3, 1, 1, 0, 0])
})

/** Every role's words have a mark; a naive reader knows whose they are because JSON.parse has made objects of them. */
describe('made conversations', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e6)
  let state = seed
  const random = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below
  const pick = <T>(list: readonly T[]): T => list[random(list.length)]!
  const ROLES = { user: 'user', system: 'system', assistant: 'assistant', tool: 'tool_result' } as const
  const PARTS = { tool_call: 'arguments', reasoning: 'content', image: 'data', text: 'content' } as const
  const roleOfPart = { tool_call: 'tool_call', reasoning: 'reasoning', image: 'media' } as const
  const shuffled = (members: readonly (readonly [string, unknown])[]) =>
    Object.fromEntries([...members].sort(() => random(3) - 1))
  const words = (role: string) =>
    `${pick(['', '"', '\n', 'ä', '{"role":"assistant"}', '}],['])} ${role}-words ${pick(['', '\\'])}`

  function message(): unknown {
    const name = pick(Object.keys(ROLES)) as keyof typeof ROLES
    const role = ROLES[name]
    const content = random(3) === 0 ? words(role) : Array.from({ length: random(4) }, () => part(role))
    return shuffled([
      ['role', name],
      [pick(['content', 'parts']), content],
    ])
  }

  function part(role: string): unknown {
    const type = pick(Object.keys(PARTS)) as keyof typeof PARTS
    const whose = type === 'text' ? role : roleOfPart[type]
    const value = random(2) === 0 ? words(whose) : { deep: [words(whose), 7, { 'a key': words(whose) }] }
    return shuffled([
      ['type', type],
      [PARTS[type], type === 'text' ? words(whose) : value],
    ])
  }

  /** Marks of roles in a value. */
  const marksIn = (text: string) => [...text.matchAll(/(\w+)-words/g)].map(([, role]) => role!)

  test(`what is left is what the policies leave, seed ${seed}`, async () => {
    for (let round = 0; round < 100; round++) {
      const given = Array.from({ length: 1 + random(5) }, message)
      const names = ['user', 'system', 'assistant', 'tool_result', 'tool_call', 'reasoning', 'media']
      const content = Object.fromEntries(names.map((name) => [name, pick(['drop', 'hash', 'mask', 'keep'])]))
      const isLeft = (role: string) => content[role] === 'mask' || content[role] === 'keep'
      const expected = marksIn(JSON.stringify(given)).filter(isLeft)
      const left = (await redacted(JSON.stringify(given), { default: 'drop', ...content })) as string
      expect(marksIn(JSON.stringify(JSON.parse(left))), `seed ${seed} round ${round}`).toEqual(expected)
      const values = await redacted(given as Plain, { default: 'drop', ...content })
      expect(marksIn(JSON.stringify(values)), `seed ${seed} round ${round}`).toEqual(expected)
    }
  })

  test(`damaged ones tell no more, seed ${seed}`, () => {
    const redactor = redactorOf('traces', redaction.schema.parse({ content: { default: 'drop', assistant: 'keep' } }))
    for (let round = 0; round < 1000; round++) {
      const bytes = Buffer.from(JSON.stringify(Array.from({ length: 1 + random(4) }, message)))
      for (let change = 0; change <= random(3); change++)
        bytes[random(bytes.length)] = pick([34, 44, 58, 91, 92, 93, 117, 123, 125, 32])
      const text = bytes.toString('latin1')
      const batch = traceBatch([{ attributes: { 'gen_ai.input.messages': text } }])
      const left = attributesOf(itemsOf(redactor.redact(batch, new RedactionTally()))[0])[0]![1] as string
      const may = isJson(text) ? marksIn(JSON.stringify(assistantIn(JSON.parse(text)))) : []
      expect(may, `seed ${seed} round ${round}: ${text}`).toEqual(expect.arrayContaining(marksIn(left)))
    }
  })

  /** All that a message of the assistant holds, as far as it is not said to be of another role. */
  function assistantIn(value: unknown): unknown[] {
    if (typeof value !== 'object' || value === null) return []
    if ((value as { role?: unknown }).role === 'assistant') return [value]
    return Object.values(value).flatMap(assistantIn)
  }
})

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
