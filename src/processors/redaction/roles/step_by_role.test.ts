/** Plain texts under names that every kind of step uses, where the policies of roles differ. */
import { describe, expect, test } from 'vitest'
import { attributesOf, itemsOf, logBatch, type Plain, traceBatch } from '../../../../test/support/otlp.ts'
import type { ContentPolicy } from '../config.ts'
import { redactAs } from '../redaction.fixture.ts'

const OUTPUTS = [
  'output.value',
  'traceloop.entity.output',
  'langfuse.observation.output',
  'mlflow.spanOutputs',
  'lmnr.span.output',
  'gen_ai.workflow.output',
]
const INPUTS = ['input.value', 'traceloop.entity.input', 'langfuse.observation.input', 'mlflow.spanInputs']
const DROP_RESULTS = { default: 'keep', tool_result: 'drop' } as const
const KEEP_RESULTS = { default: 'drop', tool_result: 'keep' } as const
const DROP_DOCUMENTS = { default: 'keep', retrieved: 'drop' } as const
const KEEP_DOCUMENTS = { default: 'drop', retrieved: 'keep' } as const
const DROP_USERS = { default: 'keep', user: 'drop' } as const
const KEEP_MODELS = { default: 'drop', assistant: 'keep', tool_call: 'keep', reasoning: 'keep', media: 'keep' } as const
type Content = Record<string, ContentPolicy>
type Attributes = readonly (readonly [key: string, value: Plain])[]

/** Whether the text is left. */
async function isLeft(key: string, text: string, content: Content, others: Attributes = []): Promise<boolean> {
  const left = new Set<boolean>()
  for (const attributes of [
    [[key, text] as const, ...others],
    [...others, [key, text] as const],
  ]) {
    const span = (await redactAs('traces', traceBatch([{ attributes }]), { content })).batch!
    const record = (await redactAs('logs', logBatch([{ attributes }]), { content })).batch!
    for (const item of [...itemsOf(span), ...itemsOf(record)])
      left.add(attributesOf(item).some(([name, value]) => name === key && value === text))
  }
  expect(left.size, 'spans and records, before and behind').toBe(1)
  return left.has(true)
}

describe.each(['TRS', '"TRS"', "content='TRS' name='f' tool_call_id='call_1'", 'Human: USR\nAI: AST'])('%j', (text) => {
  test('may be anybody’s where nothing says what the step is', async () => {
    for (const content of [DROP_RESULTS, DROP_DOCUMENTS, DROP_USERS, KEEP_MODELS, KEEP_RESULTS])
      for (const key of [...OUTPUTS, ...INPUTS]) expect(await isLeft(key, text, content), key).toBe(false)
  })
})

const steps: readonly (readonly [others: Attributes, side: 'in' | 'out', content: Content, isLeft: boolean])[] = [
  [[['openinference.span.kind', 'LLM']], 'out', KEEP_MODELS, true],
  [[['openinference.span.kind', 'LLM']], 'out', DROP_RESULTS, true],
  [[['openinference.span.kind', 'LLM']], 'in', DROP_RESULTS, false],
  [[['openinference.span.kind', 'LLM']], 'in', DROP_DOCUMENTS, true],
  [[['openinference.span.kind', 'LLM']], 'out', { default: 'keep', tool_call: 'drop' }, false],
  [[['mlflow.spanType', '"CHAT_MODEL"']], 'out', KEEP_MODELS, true],
  [[['langfuse.observation.type', 'generation']], 'out', KEEP_MODELS, true],
  [[['gen_ai.operation.name', 'chat']], 'out', KEEP_MODELS, true],
  [[['llm.request.type', 'chat']], 'out', KEEP_MODELS, true],
  [[['openinference.span.kind', 'TOOL']], 'out', KEEP_RESULTS, true],
  [[['openinference.span.kind', 'TOOL']], 'out', DROP_RESULTS, false],
  [[['openinference.span.kind', 'TOOL']], 'out', KEEP_MODELS, false],
  [[['openinference.span.kind', 'TOOL']], 'in', { default: 'drop', tool_call: 'keep' }, true],
  [[['openinference.span.kind', 'TOOL']], 'in', KEEP_RESULTS, false],
  [[['traceloop.span.kind', 'tool']], 'out', KEEP_RESULTS, true],
  [[['lmnr.span.type', 'TOOL']], 'out', KEEP_RESULTS, true],
  [[['gen_ai.operation.name', 'execute_tool']], 'out', KEEP_RESULTS, true],
  [[['openinference.span.kind', 'RETRIEVER']], 'out', KEEP_DOCUMENTS, true],
  [[['openinference.span.kind', 'RETRIEVER']], 'out', DROP_DOCUMENTS, false],
  [[['openinference.span.kind', 'RETRIEVER']], 'in', { default: 'drop', user: 'keep' }, true],
  [[['openinference.span.kind', 'CHAIN']], 'out', KEEP_MODELS, false],
  [[['openinference.span.kind', 'AGENT']], 'out', DROP_RESULTS, false],
  [[['traceloop.span.kind', 'task']], 'out', DROP_RESULTS, false],
  [[['openinference.span.kind', 'x'.repeat(40)]], 'out', DROP_RESULTS, false],
  [[['openinference.span.kind', 7]], 'out', DROP_RESULTS, false],
  [[['openinference.span.kind', ['LLM']]], 'out', DROP_RESULTS, false],
]

test.each(steps)('of a step with %j, %sput under %j: left %s', async (others, side, content, left) => {
  for (const key of side === 'out' ? OUTPUTS : INPUTS)
    for (const text of ['ANY', '"ANY"']) expect(await isLeft(key, text, content, others), key).toBe(left)
})

test('steps that are said to be two things are neither', async () => {
  const both: Attributes = [
    ['openinference.span.kind', 'LLM'],
    ['traceloop.span.kind', 'tool'],
  ]
  for (const content of [KEEP_MODELS, KEEP_RESULTS, DROP_USERS])
    for (const others of [both, [...both].reverse(), [both[0]!, ['gen_ai.operation.name', 'invoke_agent'] as const]])
      expect(await isLeft('output.value', 'ANY', content, others)).toBe(false)
  const same: Attributes = [both[0]!, ['gen_ai.operation.name', 'chat']]
  expect(await isLeft('output.value', 'ANY', KEEP_MODELS, same)).toBe(true)
})

test('each item says for itself what it is', async () => {
  const batch = traceBatch([
    { attributes: { 'openinference.span.kind': 'LLM', 'output.value': 'AST' } },
    { attributes: { 'output.value': 'ANY' } },
    { attributes: { 'openinference.span.kind': 'TOOL', 'output.value': 'TRS' } },
  ])
  const left = itemsOf((await redactAs('traces', batch, { content: KEEP_MODELS })).batch!)
  expect(left.map((item) => new Map(attributesOf(item)).get('output.value'))).toEqual([
    'AST',
    '[DROPPED length=3]',
    '[DROPPED length=3]',
  ])
})

test('structures say themselves whose words they hold, whatever the step is', async () => {
  const text = '[{"role":"user","content":"USR"},{"role":"tool","content":"TRS"},{"choices":[{"text":"AST"}]}]'
  for (const [kind, content, left] of [
    ['LLM', KEEP_MODELS, ['AST']],
    ['TOOL', KEEP_MODELS, []],
    ['TOOL', KEEP_RESULTS, ['TRS']],
    ['TOOL', DROP_USERS, ['TRS']],
  ] as const) {
    const attributes = { 'output.value': text, 'openinference.span.kind': kind }
    const { batch } = await redactAs('traces', traceBatch([{ attributes }]), { content })
    expect(String(attributesOf(itemsOf(batch!)[0])[0]![1]).match(/USR|TRS|AST/g) ?? [], kind).toEqual(left)
  }
})

test('the names of models’ answers are theirs; what an agent logs of its action is anybody’s', async () => {
  for (const key of [
    'gen_ai.output.messages',
    'gen_ai.completion',
    'gen_ai.completion.0.content',
    'gen_ai.response.text',
  ])
    expect(await isLeft(key, 'AST', KEEP_MODELS), key).toBe(true)
  for (const content of [DROP_RESULTS, { default: 'keep', assistant: 'drop' }, { default: 'keep', reasoning: 'drop' }])
    expect(await isLeft('gen_ai.agent.action.log', 'AST', content as Content)).toBe(false)
})
