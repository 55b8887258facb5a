/** Model and tokens that only a workflow's output has. */
import { describe, expect, test } from 'vitest'
import { attributesOf, batchOf, itemsOf, keyValues, type PlainAttributes } from '../../../test/support/otlp.ts'
import type { Message } from '../../otlp/codec.ts'
import { processorForTests } from './processor.fixture.ts'

const id = (number: number) => Buffer.from(number.toString(16).padStart(16, '0'), 'hex')
const TRACE = Buffer.alloc(16, 7)

interface Part {
  readonly id: number
  readonly parent?: number
  readonly start?: number
  readonly attributes?: PlainAttributes
}

function spanOf({ id: own, parent, start = own, attributes = {} }: Part): Message {
  return {
    traceId: TRACE,
    spanId: id(own),
    ...(parent !== undefined && { parentSpanId: id(parent) }),
    name: `span ${own}`,
    startTimeUnixNano: BigInt(start),
    endTimeUnixNano: BigInt(start + 1),
    attributes: keyValues(attributes),
  }
}

/** By span id, what is told of each call: model and input, or nothing of both. */
async function told(ofHaystack: readonly Part[], ofTraceloop: readonly Part[]): Promise<Record<number, string>> {
  const group = (name: string, parts: readonly Part[]) => ({ scope: { name }, spans: parts.map(spanOf) })
  const batch = batchOf('traces', {
    resourceSpans: [
      {
        scopeSpans: [
          group('haystack', ofHaystack),
          group('opentelemetry.instrumentation.haystack', ofTraceloop),
        ] as unknown as Message[],
      },
    ],
  })
  const calls: Record<number, string> = {}
  for (const span of itemsOf(await processorForTests().normalise(batch))) {
    const attributes = Object.fromEntries(attributesOf(span))
    if (attributes['sluice.dialect'] === undefined) continue
    const facts = [attributes['gen_ai.response.model'] ?? '-', attributes['gen_ai.usage.input_tokens'] ?? '-']
    calls[(span['spanId'] as Buffer).readUInt32BE(4)] = facts.join(' ')
  }
  return calls
}

const call = (own: number, parent: number): Part => ({
  id: own,
  parent,
  attributes: { 'gen_ai.system': 'OpenAI', 'llm.request.type': 'chat' },
})
const run = (own: number, name: string, more: Partial<Part> = {}): Part => ({
  id: own,
  parent: 1,
  attributes: { 'haystack.component.name': name, 'haystack.component.type': 'OpenAIChatGenerator' },
  ...more,
})
const workflow = (output: string): Part => ({
  id: 1,
  attributes: { 'traceloop.span.kind': 'workflow', 'traceloop.entity.output': output },
})
const meta = (model: string, input: number) => ({ model, usage: { prompt_tokens: input, completion_tokens: 1 } })

describe('a workflow’s output', () => {
  test.each([
    ['of a chat', { a: { replies: [{ _content: [{ text: 'x' }], _meta: meta('m', 70) }] } }, 'm 70'],
    ['of an older chat', { a: { replies: [{ content: 'x', meta: meta('m', 70) }] } }, 'm 70'],
    ['of a completion', { a: { replies: ['x'], meta: [meta('m', 70)] } }, 'm 70'],
    [
      'with a cache beside the input',
      { a: { replies: [{ _meta: { model: 'm', usage: { input_tokens: 70, cache_read_input_tokens: 30 } } }] } },
      'm 100',
    ],
    ['of another component', { b: { replies: [{ _meta: meta('m', 70) }] } }, '- -'],
    ['with no number where one should be', { a: { replies: [{ _meta: { model: 'm', usage: 'none' } }] } }, 'm -'],
  ])('%s', async (_, output, right) => {
    expect(await told([run(2, 'a')], [workflow(JSON.stringify(output)), call(3, 2)])).toEqual({ 3: right })
  })

  test('has the last run of a component that ran again, and the model of all', async () => {
    const output = JSON.stringify({ a: { replies: [{ _meta: meta('m', 70) }] } })
    const runs = [run(4, 'a', { start: 40 }), run(2, 'a', { start: 20 })]
    expect(await told(runs, [call(3, 2), workflow(output), call(5, 4)])).toEqual({ 3: 'm -', 5: 'm 70' })
  })

  test('makes a call of an embedder, which is none without', async () => {
    const embedder = (own: number, name: string) =>
      run(own, name, {
        attributes: { 'haystack.component.name': name, 'haystack.component.type': 'OpenAITextEmbedder' },
      })
    const output = JSON.stringify({ a: { embedding: [0.5], meta: meta('e', 12) } })
    expect(await told([embedder(2, 'a'), embedder(3, 'b')], [workflow(output)])).toEqual({ 2: 'e 12' })
  })

  test('is read as far as a mebibyte', async () => {
    const output = (length: number) => JSON.stringify({ b: 'x'.repeat(length), a: { meta: [meta('m', 70)] } })
    const toldOf = (length: number) => told([run(2, 'a')], [workflow(output(length)), call(3, 2)])
    expect([await toldOf(1000), await toldOf(2 ** 20)]).toEqual([{ 3: 'm 70' }, { 3: '- -' }])
  })

  test('is read for so many calls of a batch, and not for more', async () => {
    const output = JSON.stringify({ a: { meta: [meta('m', 70)] }, b: 'x'.repeat(2 ** 19) })
    const calls = Array.from({ length: 40 }, (_, at) => call(100 + at, 2))
    const models = Object.values(await told([run(2, 'a')], [workflow(output), ...calls]))
    expect(models.filter((model) => model === 'm 70').length).toBe(31)
    expect(models.filter((model) => model === '- -').length).toBe(9)
  })

  test('that is nowhere above, where parents make a circle', async () => {
    expect(await told([run(2, 'a', { parent: 2 })], [call(3, 2)])).toEqual({ 3: '- -' })
  })
})
