/** Steps through the processor: what is counted, bounded, and never written. */
import { expect, test } from 'vitest'
import { attributesOf, itemsOf, type SpanOptions, traceBatch } from '../../../../test/support/otlp.ts'
import { hasFailed } from '../../../gen_ai/step_failure.ts'
import { fingerprintOfJson } from '../../../gen_ai/steps/fingerprint.ts'
import { SpanView } from '../../../telemetry/span_view.ts'
import { redactAs } from '../../redaction/redaction.fixture.ts'
import { processorForTests } from '../processor.fixture.ts'

async function written(...spans: readonly SpanOptions[]) {
  const processor = processorForTests()
  const batch = await processor.normalise(traceBatch(spans))
  return { processor, batch, spans: itemsOf(batch).map((span) => Object.fromEntries(attributesOf(span))) }
}
const spanId = (at: number) => (at + 1).toString(16).padStart(16, '0')
const tool = (at: number, attributes: SpanOptions['attributes'] = {}): SpanOptions => ({
  id: spanId(at),
  name: 'execute_tool search',
  attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search', ...attributes },
})

test('24 tools with error.type and no status have failed, and are counted', async () => {
  const failing = Array.from({ length: 24 }, (_, at) => tool(at, { 'error.type': 'timeout' }))
  const { processor, batch, spans } = await written(...failing)
  expect(processor.count('sluice_gen_ai_steps{kind=tool,dialect=otel-genai-without-provider}')).toBe(24)
  expect(spans.map((span) => span['sluice.failed'])).toEqual(Array(24).fill(true))
  const view = new SpanView()
  view.read(batch, 0)
  expect(hasFailed(view)).toBe(true)
})

test('a batch that is refused and sent again counts its steps once', async () => {
  const processor = processorForTests()
  const batch = traceBatch([tool(0, { 'error.type': 'timeout' }), tool(1, { 'error.type': 'timeout' })])
  processor.refuse(new Error('full'))
  await expect(processor.normalise(batch)).rejects.toThrow('full')
  processor.refuse(undefined)
  await processor.normalise(batch)
  expect(processor.count('sluice_gen_ai_steps{kind=tool,dialect=otel-genai-without-provider}')).toBe(2)
})

test('fingerprints are equal for equal arguments and one key', () => {
  const print = (text: string, key = 'k') => fingerprintOfJson(Buffer.from(key), Buffer.from(text), 0, text.length)
  expect(print('{"a":1,"b":[2,3]}')).toMatch(/^[0-9a-f]{16}$/)
  expect(print('{ "b": [2, 3], "a": 1 }')).toBe(print('{"a":1,"b":[2,3]}'))
  const others = ['{"a":1,"b":[3,2]}', '{"a":1}', '[1]', 'Berlin', '{"a":1', `${'['.repeat(9000)}`]
  expect(new Set([...others, '{"a":1,"b":[2,3]}'].map((text) => print(text))).size).toBe(7)
  expect(print('Berlin', 'other')).not.toBe(print('Berlin'))
})

test('of a retrieval ids and scores stay without content, texts go; both are bounded', async () => {
  const documents = Array.from({ length: 100 + 5 }, (_, at) => [
    [`retrieval.documents.${at}.document.id`, `d${at}`] as const,
    [`retrieval.documents.${at}.document.score`, 0.5] as const,
    [`retrieval.documents.${at}.document.content`, `Refunds are paid ${at}`] as const,
  ])
  const attributes = [['openinference.span.kind', 'RETRIEVER'] as const, ...documents.flat()]
  const { batch } = await written({ name: 'search', attributes })
  const { batch: redacted } = await redactAs('traces', batch)
  const span = Object.fromEntries(attributesOf(itemsOf(redacted!)[0]))
  expect(span['sluice.retrieval.documents']).toBe(100 + 5)
  expect(span['sluice.retrieval.ids']).toHaveLength(100)
  expect(span['sluice.retrieval.scores']).toHaveLength(100)
  expect(redacted!.bytes.includes('Refunds are paid')).toBe(false)
})

test('arguments are not written, and long names are cut between characters', async () => {
  const { spans } = await written({
    name: 'a',
    attributes: {
      'openinference.span.kind': 'TOOL',
      'tool.name': 'ä'.repeat(300),
      'tool.parameters': '{"q":"secret"}',
    },
  })
  expect(spans[0]!['gen_ai.tool.name']).toBe('ä'.repeat(100))
  expect(JSON.stringify(Object.entries(spans[0]!).filter(([key]) => key !== 'tool.parameters'))).not.toContain('secret')
})
