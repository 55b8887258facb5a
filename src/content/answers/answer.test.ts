import { describe, expect, test } from 'vitest'
import { readJsonMessages } from '../messages/json_messages.ts'
import { ESCAPED } from '../messages/message_reader.ts'
import { Answer, PIECE, REFUSED } from './answer.ts'

/** Texts, and beside them `refused`, `tools`, `blank` and reasons to finish, as far as they are there. */
function read(json: string): string[] {
  const bytes = Buffer.from(`..${json}..`)
  const answer = new Answer()
  answer.reset(bytes)
  answer.beginStructure()
  readJsonMessages(bytes, 2, bytes.length - 2, answer)
  const found: string[] = []
  for (let at = 0; at < answer.count * PIECE.width; at += PIECE.width) {
    const text = bytes.toString('utf8', answer.pieces[at + PIECE.start], answer.pieces[at + PIECE.end])
    const bits = answer.pieces[at + PIECE.bits]!
    found.push((bits & ESCAPED) !== 0 ? JSON.parse(`"${text}"`) : text)
    if ((bits & REFUSED) !== 0) found.push('refused')
  }
  if (answer.hasToolCalls) found.push('tools')
  if (answer.isBlank) found.push('blank')
  if (!answer.isMessage) found.push('no message')
  for (let at = 0; at < answer.finishReasonCount; at++)
    found.push(`=${bytes.toString('utf8', answer.finishReasons[at * 2], answer.finishReasons[at * 2 + 1])}`)
  return found
}

const long = `${'word '.repeat(30)}"quoted\\" \\\\`

describe('forms of messages', () => {
  test.each<[string, unknown, string[]]>([
    [
      'conventions',
      [
        {
          role: 'assistant',
          parts: [
            { content: 'a', type: 'text' },
            { type: 'text', content: 'b' },
          ],
          finish_reason: 'stop',
        },
      ],
      ['a', 'b', '=stop'],
    ],
    [
      'tool calls',
      [{ role: 'assistant', parts: [{ arguments: { text: 'x' }, name: 'f', type: 'tool_call' }] }],
      ['tools'],
    ],
    ['a refusal', [{ role: 'assistant', parts: [{ content: 'no', type: 'refusal' }] }], ['no', 'refused']],
    [
      'thoughts',
      [
        {
          role: 'assistant',
          parts: [
            { type: 'reasoning', content: 'hm' },
            { content: 'a', type: 'text' },
          ],
        },
      ],
      ['a'],
    ],
    ['no parts', [{ role: 'assistant', parts: [], finish_reason: 'content_filter' }], ['blank', '=content_filter']],
    ['an empty part', [{ role: 'assistant', parts: [{ content: ' \n', type: 'text' }] }], ['blank']],
    [
      'others',
      [
        { role: 'user', content: 'q' },
        { role: 'tool', content: 'r' },
        { role: 'assistant', content: 'a' },
      ],
      ['a'],
    ],
    [
      'a chat completion',
      { id: '1', choices: [{ finish_reason: 'stop', message: { content: 'a', refusal: null } }] },
      ['a', '=stop'],
    ],
    ['its refusal', { choices: [{ message: { content: null, refusal: 'no' } }] }, ['no', 'refused']],
    ['its tool calls', { role: 'assistant', content: null, tool_calls: [{ id: '1' }] }, ['tools']],
    ['content that was not captured', { choices: [{ message: { role: 'assistant', content: null } }] }, []],
    ['parts with a type alone', [{ role: 'assistant', parts: [{ type: 'text' }], finish_reason: 'stop' }], ['=stop']],
    ['parts without content', [{ role: 'assistant', parts: [{ type: 'text', content: null }] }], []],
    [
      'one of two was empty',
      [
        { role: 'assistant', content: null },
        { role: 'assistant', content: '' },
      ],
      ['blank'],
    ],
    ['no tool calls', { role: 'assistant', content: '', tool_calls: [], function_call: null }, ['blank']],
    [
      'a response',
      {
        instructions: 'x',
        output: [
          { type: 'reasoning', summary: [] },
          { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'a' }] },
        ],
        output_text: 'a',
      },
      ['a'],
    ],
    [
      'Anthropic',
      {
        content: [
          { type: 'thinking', thinking: 'hm' },
          { type: 'text', text: 'a' },
          { type: 'tool_use', input: {} },
        ],
        stop_reason: 'end_turn',
      },
      ['a', 'tools', '=end_turn'],
    ],
    [
      'Bedrock',
      { output: { message: { role: 'assistant', content: [{ text: 'a' }, { toolUse: { name: 'f' } }] } } },
      ['a', 'tools'],
    ],
    [
      'Gemini',
      { candidates: [{ content: { parts: [{ text: 'hm', thought: true }, { text: 'a' }] }, finishReason: 'STOP' }] },
      ['a', '=STOP'],
    ],
    [
      'LangChain',
      { generations: [[{ text: 'a', message: { lc: 1, kwargs: { content: 'a', tool_calls: [] } } }]] },
      ['a'],
    ],
    [
      'history',
      [
        { 'event.name': 'gen_ai.assistant.message', content: 'b' },
        { 'event.name': 'gen_ai.choice', message: { role: 'assistant', content: 'a' } },
      ],
      ['a'],
    ],
    ['an answer that is JSON itself', { title: 'x', result: 'y' }, ['y', 'no message']],
    ['long and escaped', [{ role: 'assistant', content: long }], [long]],
    ['a text', 'a', ['a', 'no message']],
    ['numbers and words', { role: 'assistant', a: [-1.5e3, true, false, null, {}], content: 'a' }, ['a']],
    ['nothing', [], ['no message']],
  ])('%s', (_, value, expected) => {
    expect(read(JSON.stringify(value))).toEqual(expected)
    expect(read(JSON.stringify(value, null, 2))).toEqual(expected)
  })
})

test('keys, roles and types with escapes say what they say without', () => {
  expect(
    read(String.raw`[{"r\u006fle":"us\u0065r","content":"q"},{"role":"assistant","p\u0061rts":[{"content":"a"}]}]`),
  ).toEqual(['a'])
})

describe('what is no JSON', () => {
  test.each([
    ['[{"role":"assistant","content":"cut o', ['cut o']],
    ['[{"role":"assistant","content":"a"', ['a']],
    ['[{"role":"user","content":"a"', []],
    ['[{"role" "assistant"}]', ['no message']],
  ])('%s', (json, expected) => {
    expect(read(json)).toEqual(expected)
  })

  test('nesting without end', () => {
    expect(read('['.repeat(100_000))).toEqual(['no message'])
    expect(read('{"content":'.repeat(100_000))).toEqual([])
  })

  test('damaged messages are read without an error', () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1e6)
    let state = seed
    const random = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below
    const good = JSON.stringify([
      { role: 'assistant', parts: [{ type: 'text', content: long }, { type: 'tool_call' }] },
    ])
    const answer = new Answer()
    for (let round = 0; round < 2000; round++) {
      const bytes = Buffer.from(good)
      for (let change = 0; change <= random(4); change++) bytes[random(bytes.length)] = random(256)
      answer.reset(bytes)
      readJsonMessages(bytes, 0, random(bytes.length), answer)
      for (let at = 0; at < answer.count * PIECE.width; at += PIECE.width)
        expect(answer.pieces[at + PIECE.end], `SEED=${seed}`).toBeLessThanOrEqual(bytes.length)
    }
  })
})
