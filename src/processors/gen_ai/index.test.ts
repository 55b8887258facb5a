import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { NEWEST, SLUICE } from '../../gen_ai/call_fields.ts'
import { ModelCall } from '../../gen_ai/model_call.ts'
import { normalisedKeys, readNormalisedCall } from '../../gen_ai/normalised.ts'
import { type AttributeList, batchOf } from '../../gen_ai/span.fixture.ts'
import { decode, type Message } from '../../otlp/codec.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { receive } from '../../telemetry/receive.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { schema } from './config.ts'
import { processorForTests, recordProcessorForTests } from './processor.fixture.ts'

const bedrock = {
  scope: 'opentelemetry.instrumentation.botocore.bedrock-runtime',
  attributes: {
    'gen_ai.system': 'aws.bedrock',
    'gen_ai.operation.name': 'chat',
    'gen_ai.request.model': 'us.anthropic.claude-sonnet-4-5-20250929-v1:0',
    'gen_ai.usage.input_tokens': 19,
    'gen_ai.usage.output_tokens': 43,
    'gen_ai.usage.cache_read.input_tokens': 1531,
    'gen_ai.usage.cache_creation.input_tokens': 23,
    'gen_ai.response.finish_reasons': ['max_tokens'],
  },
}

/** Attributes of a span as plain pairs, in their order. */
function pairsOf(batch: TraceBatch, at = 0): [string, unknown][] {
  const message = decode('TracesRequest', batch.bytes) as never as {
    resourceSpans: { scopeSpans: { spans: { attributes: { key: string; value: Message }[] }[] }[] }[]
  }
  const span = message.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans))[at]!
  return (span.attributes ?? []).map(({ key, value }) => [key, plain(value)])
}

function plain(value: Message): unknown {
  const [one] = Object.values(value)
  if (typeof one === 'bigint') return Number(one)
  const list = value['arrayValue'] as { values: Message[] } | undefined
  return list === undefined ? one : list.values.map(plain)
}

describe('what it writes', () => {
  test('a span of an older convention', async () => {
    const batch = await processorForTests().normalise(batchOf(bedrock))
    const pairs = pairsOf(batch)
    expect(new Set(pairs.map(([key]) => key)).size).toBe(pairs.length)
    expect(Object.fromEntries(pairs)).toEqual({
      ...bedrock.attributes,
      'gen_ai.provider.name': 'aws.bedrock',
      'gen_ai.usage.input_tokens': 1573,
      'gen_ai.usage.cache_write.input_tokens': 23,
      'gen_ai.response.finish_reasons': ['length'],
      'sluice.dialect': 'otel-botocore-bedrock',
      'sluice.context_window.utilization': 1573 / 200_000,
      'sluice.cost.saved_usd': 0.00454707,
      'sluice.cost.table_usd': 0.001372305,
      'sluice.cost.usd': expect.closeTo((19 * 3.3 + 1531 * 0.33 + 23 * 4.125 + 43 * 16.5) / 1e6, 12),
      'sluice.cost.source': 'table',
      'sluice.quality.score': 0.4,
      'sluice.quality.signals': ['truncated'],
    })
  })

  test('a span that says everything already gets only what is ours', async () => {
    const attributes = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.usage.input_tokens': 10,
      'gen_ai.usage.output_tokens': 2,
      'gen_ai.response.finish_reasons': ['stop'],
    }
    const pairs = pairsOf(await processorForTests().normalise(batchOf({ attributes })))
    expect(pairs.slice(-6)).toEqual(Object.entries(attributes))
    expect(pairs.slice(0, -6).map(([key]) => key)).toEqual([
      'sluice.dialect',
      'sluice.context_window.utilization',
      'sluice.cost.table_usd',
      'sluice.cost.usd',
      'sluice.cost.source',
    ])
  })

  test('other spans stay as they are, to the byte', async () => {
    const other = { attributes: { 'http.response.status_code': 429 } }
    const alone = batchOf(other)
    expect(await processorForTests().normalise(alone)).toBe(alone)
    const mixed = await processorForTests().normalise(batchOf(other, bedrock, other))
    expect(pairsOf(mixed, 0)).toEqual(pairsOf(alone))
    expect(pairsOf(mixed, 2)).toEqual(pairsOf(alone))
    expect(mixed.count).toBe(3)
  })

  test('an attribute that occurs twice is replaced wholly', async () => {
    const twice: AttributeList = [...Object.entries(bedrock.attributes), ['gen_ai.usage.input_tokens', 1]]
    const pairs = pairsOf(await processorForTests().normalise(batchOf({ ...bedrock, attributes: twice })))
    expect(pairs.filter(([key]) => key === 'gen_ai.usage.input_tokens')).toEqual([['gen_ai.usage.input_tokens', 1573]])
  })

  test.each<[string, AttributeList, { code: number; message?: string } | undefined, Record<string, unknown>]>([
    [
      'rate limited',
      { 'http.response.status_code': 429 },
      { code: 2 },
      { 'error.type': '429', 'sluice.rate_limited': true },
    ],
    ['failed', { 'http.response.status_code': 500 }, { code: 2 }, { 'error.type': '500' }],
    ['failed, unknown why', {}, { code: 2 }, {}],
    [
      'an error type of no use',
      { 'error.type': true, 'http.response.status_code': 500 },
      { code: 2 },
      { 'error.type': '500' },
    ],
    ['good', {}, undefined, {}],
  ])('%s', async (_, attributes, status, added) => {
    const chat = { 'gen_ai.operation.name': 'chat', 'gen_ai.provider.name': 'openai' }
    const span = { attributes: { ...chat, ...attributes } as AttributeList, ...(status && { status }) }
    const pairs = pairsOf(await processorForTests().normalise(batchOf(span)))
    expect(new Set(pairs.map(([key]) => key)).size).toBe(pairs.length)
    expect(Object.fromEntries(pairs)).toEqual({
      ...(span.attributes as object),
      ...added,
      'sluice.dialect': 'otel-genai-v1.37-v1.41',
    })
  })

  test.each([
    ['length', 'truncated'],
    ['SAFETY', 'content_filter'],
    ['refusal', 'refusal'],
  ])('%s lowers the quality: %s', async (reason, signal) => {
    const attributes = { ...bedrock.attributes, 'gen_ai.response.finish_reasons': [reason] }
    const pairs = Object.fromEntries(pairsOf(await processorForTests().normalise(batchOf({ ...bedrock, attributes }))))
    expect(pairs).toMatchObject({ 'sluice.quality.score': 0.4, 'sluice.quality.signals': [signal] })
  })

  test('what a trusted tier has judged stands', async () => {
    const once = await processorForTests().normalise(batchOf(bedrock))
    const other = processorForTests({ prices: [{ model: '*', input_usd_per_million: 9 }] })
    expect(await other.normalise(once)).toBe(once)
  })
})

describe('reading what it wrote', () => {
  test('every name is known to the reader', () => {
    for (const name of [...Object.values(NEWEST), ...Object.values(SLUICE)])
      expect(normalisedKeys.names).toContain(name)
  })

  test('the facts come back', async () => {
    const attributes = {
      ...bedrock.attributes,
      'gen_ai.request.model': 'models/gemini-2.5-pro',
      'llm.task_type': 'sum',
    }
    const call = firstCall(await processorForTests().normalise(batchOf({ ...bedrock, attributes })))!
    expect([call.inputTokens, call.outputTokens, call.cacheReadTokens, call.cacheWriteTokens]).toEqual([
      1573, 43, 1531, 23,
    ])
    expect([call.text(1), call.text(7), call.qualityScore, call.dialect]).toEqual(['gemini-2.5-pro', 'sum', 0.4, 1])
  })

  test('a span that was not normalised is none', () => {
    expect(firstCall(batchOf(bedrock))).toBeUndefined()
  })

  function firstCall(batch: TraceBatch): ModelCall | undefined {
    const view = new SpanView()
    const call = new ModelCall()
    view.read(batch, 0)
    return readNormalisedCall(view, call) ? call : undefined
  }
})

describe('counters', () => {
  test('calls by dialect, corrected tokens, unknown models', async () => {
    const processor = processorForTests()
    const unknown = { ...bedrock, attributes: { ...bedrock.attributes, 'gen_ai.request.model': 'nobody-knows' } }
    await processor.normalise(batchOf(bedrock, unknown))
    expect(processor.count('sluice_gen_ai_calls{dialect=otel-botocore-bedrock}')).toBe(2)
    expect(processor.count('sluice_gen_ai_corrected_tokens')).toBe(2 * (1531 + 23))
    expect(processor.count('sluice_gen_ai_unknown_models')).toBe(1)
  })

  test('a batch refused and sent again is counted once', async () => {
    const processor = processorForTests()
    processor.refuse(new Error('full'))
    await expect(processor.normalise(batchOf(bedrock))).rejects.toThrow('full')
    processor.refuse(undefined)
    await processor.normalise(batchOf(bedrock))
    expect(processor.count('sluice_gen_ai_calls{dialect=otel-botocore-bedrock}')).toBe(1)
  })
})

describe('options', () => {
  test('a changed config is taken in place', async () => {
    const processor = processorForTests()
    expect(await processor.reconfigure({ prices: [{ model: 'us.anthropic.*', input_usd_per_million: 1e6 }] })).toBe(
      true,
    )
    const pairs = Object.fromEntries(pairsOf(await processor.normalise(batchOf(bedrock))))
    expect(pairs).toMatchObject({ 'sluice.cost.usd': 1573, 'sluice.cost.source': 'override' })
  })

  test.each([
    [{ price: [] }],
    [{ prices: [{ model: 'm' }] }],
    [{ prices: [{ model: 'm', input_usd_per_million: -1 }] }],
    [{ prices: [{ model: '', input_usd_per_million: 1 }] }],
  ])('%j is refused', (config) => {
    expect(schema.safeParse(config).success).toBe(false)
  })

  test('logs without calls pass unchanged', async () => {
    const batch = receive('logs', Buffer.alloc(0)).batch
    expect(await recordProcessorForTests().normalise(batch)).toBe(batch)
  })
})

describe('captured bodies', () => {
  test('damaged ones are refused at the door or pass through', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1e6)
    let state = seed
    const random = (below: number) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % below
    const processor = processorForTests()
    let passed = 0
    for (const name of ['bedrock_cached', 'anthropic_twice', 'java_rate_limited'])
      for (let round = 0; round < 700; round++) {
        const body = readFileSync(new URL(`../../gen_ai/testdata/${name}.traces.pb`, import.meta.url))
        for (let change = 0; change <= random(3); change++) body[random(body.length)] = random(256)
        try {
          const batch = receive('traces', body).batch
          const count = (await processor.normalise(batch)).count
          expect(count).toBe(batch.count)
          passed++
        } catch (error) {
          expect((error as Error).name, `SEED=${seed} ${name} round ${round}: ${error}`).toBe('WireError')
        }
      }
    expect(passed, `SEED=${seed}`).toBeGreaterThan(100)
  })

  test.each([
    ['bedrock_cached', 1, 1573, 0],
    ['anthropic_twice', 2, 1924, 0],
    ['java_rate_limited', 9, 10462, 2],
  ])('%s', async (name, calls, input, rateLimited) => {
    const body = readFileSync(new URL(`../../gen_ai/testdata/${name}.traces.pb`, import.meta.url))
    const batch = await processorForTests().normalise(receive('traces', body).batch)
    const sum = { calls: 0, input: 0, rateLimited: 0 }
    const view = new SpanView()
    const call = new ModelCall()
    for (let item = 0; item < batch.items; item++) {
      view.read(batch, item)
      if (!readNormalisedCall(view, call)) continue
      sum.calls++
      sum.input += call.inputTokens || 0
      if (call.rateLimited) sum.rateLimited++
    }
    expect(sum).toEqual({ calls, input, rateLimited })
  })
})
