/** What words of messages claim, where the policies of roles differ: which marks are left, and which are not. */
import { describe, expect, test } from 'vitest'
import { attributesOf, itemsOf, logBatch, type Plain, traceBatch } from '../../../../test/support/otlp.ts'
import { redactAs } from '../redaction.fixture.ts'

const marks = /\b(?:USR|AST|TCL|TRS|RET|REA|MED|SYS|ANY)\b/g
const INPUTS = ['traceloop.entity.input', 'input.value', 'mlflow.spanInputs', 'gen_ai.input.messages']
const OUTPUTS = ['gen_ai.output.messages']
const KEEP_CALLS = { default: 'drop', tool_call: 'keep' }
const KEEP_ANSWERS = { default: 'drop', assistant: 'keep' }
const DROP_RESULTS = { default: 'keep', tool_result: 'drop' }
const DROP_USERS = { default: 'keep', user: 'drop' }
const ASKED = { type: 'mcp_call', id: 'x', name: 'f', arguments: 'TCL' }

const rows: readonly (readonly [
  what: string,
  keys: readonly string[],
  given: unknown,
  content: object,
  left: string,
])[] = [
  ['a function’s arguments', INPUTS, { args: ['USR'], kwargs: { q: 'USR' } }, KEEP_CALLS, ''],
  ['a function’s arguments', INPUTS, { args: ['USR'], kwargs: { q: 'USR' } }, DROP_USERS, ''],
  ['arguments among inputs', INPUTS, { inputs: { args: 'USR', arguments: ['USR'] } }, KEEP_CALLS, ''],
  ['arguments that are messages', INPUTS, { args: [{ role: 'user', content: 'USR' }] }, KEEP_CALLS, ''],
  [
    'arguments that are messages',
    INPUTS,
    {
      args: [
        { role: 'user', content: 'USR' },
        { role: 'assistant', content: 'AST' },
      ],
    },
    KEEP_ANSWERS,
    'AST',
  ],
  ['arguments in a user’s message', INPUTS, [{ role: 'user', content: [{ args: 'USR' }] }], KEEP_CALLS, ''],
  ['a call', OUTPUTS, [{ type: 'function_call', name: 'f', arguments: { a: 'TCL' } }], KEEP_CALLS, 'TCL'],
  [
    'a call by its key',
    [...INPUTS, ...OUTPUTS],
    [{ role: 'assistant', tool_calls: [{ type: 'function', function: { arguments: { output: 'TCL' } } }] }],
    KEEP_CALLS,
    'TCL',
  ],
  [
    'a call of arguments with a role',
    OUTPUTS,
    [{ type: 'tool_call', arguments: { role: 'x', a: 'TCL' } }],
    KEEP_CALLS,
    'TCL',
  ],
  [
    'a provider’s own call',
    OUTPUTS,
    [{ type: 'web_search_call', action: { type: 'search', query: 'TCL' } }],
    KEEP_CALLS,
    'TCL',
  ],
  [
    'a server’s call',
    OUTPUTS,
    [{ role: 'assistant', parts: [{ type: 'server_tool_call', server_tool_call: { type: 'x', code: 'TCL' } }] }],
    KEEP_CALLS,
    'TCL',
  ],
  [
    'a call of an unknown key',
    OUTPUTS,
    [{ type: 'tool_call', arguments: 'TCL', yields: { x: 'TRS' } }],
    KEEP_CALLS,
    'TCL',
  ],
  ['a call with its error', OUTPUTS, [{ ...ASKED, error: { message: 'TRS' } }], KEEP_CALLS, 'TCL'],
  ['a call with its error', OUTPUTS, [{ ...ASKED, error: 'TRS' }], DROP_RESULTS, 'TCL'],
  [
    'a code with its logs',
    OUTPUTS,
    [{ type: 'code_interpreter_call', code: 'TCL', outputs: [{ type: 'logs', logs: 'TRS' }] }],
    DROP_RESULTS,
    'TCL',
  ],
  [
    'a code with its logs',
    OUTPUTS,
    [{ type: 'code_interpreter_call', code: 'TCL', outputs: [{ type: 'logs', logs: 'TRS' }] }],
    KEEP_CALLS,
    'TCL',
  ],
  ['an image that was made', OUTPUTS, [{ type: 'image_generation_call', result: 'MED' }], KEEP_CALLS, ''],
  [
    'an image that was made',
    OUTPUTS,
    [{ type: 'image_generation_call', result: 'MED' }],
    { default: 'keep', media: 'drop' },
    '',
  ],
  [
    'a search with what it found',
    OUTPUTS,
    [{ type: 'file_search_call', queries: ['TCL'], results: [{ text: 'RET' }] }],
    KEEP_CALLS,
    'TCL',
  ],
  [
    'a search with what it found',
    OUTPUTS,
    [{ type: 'file_search_call', queries: ['TCL'], results: [{ text: 'RET' }] }],
    { default: 'keep', retrieved: 'drop' },
    'TCL',
  ],
  [
    'a search with its sources',
    OUTPUTS,
    [{ type: 'web_search_call', action: { type: 'search', query: 'TCL', sources: ['RET'] } }],
    { default: 'keep', retrieved: 'drop' },
    'TCL',
  ],
  [
    'a search with its sources',
    OUTPUTS,
    [{ type: 'web_search_call', action: { type: 'search', query: 'TCL', sources: ['RET'] } }],
    KEEP_CALLS,
    'TCL',
  ],
  [
    'a result in a call whose type stands behind',
    OUTPUTS,
    [{ result: { a: 'TRS' }, arguments: 'TCL', type: 'tool_call' }],
    DROP_RESULTS,
    'TCL',
  ],
  ['choices that a user has', INPUTS, { inputs: { candidates: ['USR'], choices: ['USR'] } }, KEEP_ANSWERS, ''],
  [
    'a text to be completed',
    INPUTS,
    { completion: 'USR', delta: 'USR', generated_text: 'USR', generations: [['USR']] },
    KEEP_ANSWERS,
    '',
  ],
  [
    'choices of a function that says nothing',
    ['output.value', 'traceloop.entity.output'],
    { candidates: [{ name: 'ANY' }] },
    KEEP_ANSWERS,
    '',
  ],
  ['choices of a model', OUTPUTS, { candidates: [{ content: 'AST' }], output_text: 'AST' }, KEEP_ANSWERS, 'AST AST'],
  ['choices of a model among inputs', OUTPUTS, { inputs: { candidates: [{ content: 'USR' }] } }, KEEP_ANSWERS, ''],
  [
    'choices with roles',
    INPUTS,
    { choices: [{ message: { role: 'assistant', content: 'AST' } }] },
    KEEP_ANSWERS,
    'AST',
  ],
  ['choices in a user’s message', OUTPUTS, [{ role: 'user', choices: ['USR'] }], DROP_USERS, ''],
  ['choices in a user’s message', OUTPUTS, [{ role: 'user', choices: ['USR'] }], KEEP_ANSWERS, ''],
  ['a document', INPUTS, { document: 'USR', files: ['USR'], image: 'USR' }, { default: 'drop', media: 'keep' }, ''],
  ['a document', INPUTS, { document: 'USR', files: ['USR'], image: 'USR' }, DROP_USERS, ''],
  [
    'a document in a message',
    INPUTS,
    [
      {
        role: 'user',
        content: [{ type: 'document', source: { type: 'text', data: 'USR' } }, { document: { text: 'USR' } }],
      },
    ],
    { default: 'drop', media: 'keep' },
    '',
  ],
  [
    'a document in a message',
    INPUTS,
    [
      {
        role: 'user',
        content: [{ type: 'document', source: { type: 'text', data: 'USR' } }, { document: { text: 'USR' } }],
      },
    ],
    DROP_USERS,
    '',
  ],
  [
    'images in a message',
    INPUTS,
    [{ role: 'user', content: [{ type: 'image', data: 'MED' }, { image: { bytes: 'MED' } }, { text: 'USR' }] }],
    { default: 'drop', media: 'keep' },
    'MED MED',
  ],
  [
    'a thought that a user has',
    INPUTS,
    [{ role: 'user', reasoning: 'USR', thinking: { x: 'USR' } }],
    { default: 'drop', reasoning: 'keep' },
    '',
  ],
  ['a thought that a user has', INPUTS, [{ role: 'user', thought: 'USR', thinking: { x: 'USR' } }], DROP_USERS, ''],
  [
    'a thought among inputs',
    INPUTS,
    { inputs: { reasoning: 'USR' }, thinking: 'USR' },
    { default: 'drop', reasoning: 'keep' },
    '',
  ],
  [
    'an assistant’s thought',
    [...INPUTS, ...OUTPUTS],
    [{ role: 'assistant', reasoning_content: 'REA', content: 'AST' }],
    { default: 'drop', reasoning: 'keep' },
    'REA',
  ],
  [
    'documents',
    INPUTS,
    { documents: [{ content: 'RET' }], question: 'USR' },
    { default: 'drop', retrieved: 'keep' },
    'RET',
  ],
  ['documents of a user', INPUTS, [{ role: 'user', documents: ['USR'] }], { default: 'drop', retrieved: 'keep' }, ''],
  ['documents among inputs', INPUTS, { inputs: { documents: ['USR'] } }, { default: 'drop', retrieved: 'keep' }, ''],
]

/** In the order in which they stand. */
const marksIn = (value: Plain) => (JSON.stringify(value).match(marks) ?? []).join(' ')

test.each(rows)('%s in %s: %j under %j', async (_, keys, given, content, left) => {
  for (const key of keys)
    for (const value of [JSON.stringify(given), JSON.stringify(given, null, 2), given as Plain]) {
      const { batch } = await redactAs('traces', traceBatch([{ attributes: [[key, value]] }]), { content })
      expect(marksIn(attributesOf(itemsOf(batch!)[0])[0]![1]), key).toBe(left)
    }
})

const results = ['output', 'outputs', 'result', 'results', 'response', 'error', 'stdout', 'logs']
const calls: readonly (readonly [what: string, call: (result: object) => unknown])[] = [
  ['a typed one', (result) => [{ type: 'mcp_call', arguments: 'TCL', ...result }]],
  ['a part', (result) => [{ role: 'assistant', parts: [{ type: 'tool_call', arguments: { x: 'TCL' }, ...result }] }]],
  ['one by its key', (result) => [{ role: 'assistant', tool_calls: [{ function: { arguments: 'TCL' }, ...result }] }]],
  [
    'one with a result in its action',
    (result) => [{ type: 'x_call', tool_call: { arguments: 'TCL', action: result } }],
  ],
]

const values = ['TRS', ['TRS'], { content: 'TRS' }, { any: { deep: 'TRS' } }, [{ type: 'text', text: 'TRS' }]]

describe.each(calls)('what a call carries back: %s', (_, call) => {
  const given = results.flatMap((name) => values.map((value) => call({ [name]: value }) as Plain))
  const forms = given.flatMap((one) => [one, JSON.stringify(one)])

  test.each<[object, string]>([
    [DROP_RESULTS, 'TCL'],
    [KEEP_CALLS, 'TCL'],
    [{ default: 'drop', tool_result: 'keep' }, ''],
    [{ default: 'keep', tool_call: 'drop' }, ''],
  ])('in attributes and bodies, under %j', async (content, left) => {
    const spans = traceBatch(forms.map((one) => ({ attributes: [['gen_ai.output.messages', one]] })))
    const records = logBatch(forms.map((body) => ({ event: 'gen_ai.choice', body })))
    const attributes = itemsOf((await redactAs('traces', spans, { content })).batch!).map((item) => attributesOf(item))
    const bodies = itemsOf((await redactAs('logs', records, { content })).batch!)
    forms.forEach((form, at) => {
      expect(marksIn(attributes[at]![0]![1]), JSON.stringify(form)).toBe(left)
      expect(marksIn(bodies[at]!['body'] as Plain), JSON.stringify(form)).toBe(left)
    })
  })
})
