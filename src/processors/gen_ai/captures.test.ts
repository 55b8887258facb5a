/**
 * Model calls derived from captured telemetry of real instrumentations, compared with what a perfect normaliser
 * derives from it (`reachable.json` beside the captures).
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { FIELDS, type Field, fold, type Reachable, SUPPORTED } from '../../../test/support/reachable.ts'
import { FIELD } from '../../gen_ai/field.ts'
import { ModelCall } from '../../gen_ai/model_call.ts'
import { modelField, readNormalisedCall } from '../../gen_ai/normalised.ts'
import { type CallFacts, isSameCall, mergeCalls } from '../../gen_ai/same_call.ts'
import { nanosAsMillis } from '../../otlp/cursor.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { receive } from '../../telemetry/receive.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { processorForTests } from './processor.fixture.ts'

const captures = new URL('../../../../shared/data/captures/', import.meta.url)
const there = existsSync(captures)
if (!there) process.stderr.write(`SKIPPED: captured telemetry is not at ${captures.pathname}\n`)

type Totals = Record<Field, number>

interface Call extends CallFacts {
  readonly traceId: string
}

describe.skipIf(!there)('captures', () => {
  test.each(SUPPORTED)('%s gives what it can', async (folder) => {
    const reachable: Reachable = JSON.parse(readFileSync(new URL(`${folder}/reachable.json`, captures), 'utf8'))
    const derived = totals(once(await callsOf(folder)), reachable.same_model)
    expect(Object.keys(derived).sort()).toEqual(Object.keys(reachable.models).sort())
    for (const [model, expected] of Object.entries(reachable.models))
      for (const field of FIELDS) {
        const right = new Set([expected[field]])
        for (const other of reachable.also_right)
          if (other.model === model && other.field === field) right.add(expected[field] + other.delta)
        expect([...right], `${model} ${field}`).toContain(derived[model]![field])
      }
  })

  test('otel-genai-anthropic-span reports every call by two spans', async () => {
    const calls = await callsOf('python/otel-genai-anthropic-span')
    expect(calls.length).toBe(32)
    expect(once(calls).length).toBe(16)
  })

  test.each(SUPPORTED)('%s: a second pass changes nothing', async (folder) => {
    for (const body of bodiesOf(folder)) {
      const first = await processorForTests().normalise(receive('traces', body).batch)
      const second = await processorForTests().normalise(first)
      expect(second.bytes.equals(first.bytes)).toBe(true)
    }
  })
})

function bodiesOf(folder: string): Buffer[] {
  const directory = new URL(`${folder}/`, captures)
  return readdirSync(directory)
    .filter((name) => name.endsWith('.traces.pb'))
    .sort()
    .map((name) => readFileSync(new URL(name, directory)))
}

async function callsOf(folder: string): Promise<Call[]> {
  const calls: Call[] = []
  for (const body of bodiesOf(folder))
    calls.push(...callsIn(await processorForTests().normalise(receive('traces', body).batch)))
  return calls
}

function callsIn(batch: TraceBatch): Call[] {
  const view = new SpanView()
  const call = new ModelCall()
  const calls: Call[] = []
  for (let item = 0; item < batch.items; item++) {
    view.read(batch, item)
    if (!readNormalisedCall(view, call)) continue
    calls.push({
      traceId: batch.bytes.toString('hex', view.traceId, view.traceId + 16),
      spanId: batch.bytes.toString('hex', view.spanId, view.spanId + 8),
      parentId: view.parentId < 0 ? '' : batch.bytes.toString('hex', view.parentId, view.parentId + 8),
      responseId: call.text(FIELD.responseId),
      operation: call.operation,
      requestModel: modelField(call) < 0 ? 'unknown' : call.text(modelField(call)),
      responseModel: call.text(FIELD.responseModel),
      start_ms: nanosAsMillis(batch.bytes, view.startTime),
      end_ms: nanosAsMillis(batch.bytes, view.endTime),
      failed: call.failed,
      rateLimited: call.rateLimited,
      inputTokens: call.inputTokens,
      outputTokens: call.outputTokens,
      cacheReadTokens: call.cacheReadTokens,
      cacheWriteTokens: call.cacheWriteTokens,
      reasoningTokens: call.reasoningTokens,
    })
  }
  return calls
}

/** Each call once, though two spans of its trace report it. */
function once(calls: readonly Call[]): Call[] {
  const kept: Call[] = []
  for (const call of calls) {
    const at = kept.findIndex((other) => other.traceId === call.traceId && isSameCall(other, call))
    if (at < 0) kept.push(call)
    else {
      const { span, tokensOfSpan: _, ...numbers } = mergeCalls(kept[at]!, call)
      kept[at] = { ...call, ...span, ...numbers }
    }
  }
  return kept
}

function totals(calls: readonly Call[], sameModel: Record<string, string>): Record<string, Totals> {
  const byModel: Record<string, Totals> = {}
  for (const call of calls) {
    const name = fold(call.requestModel)
    const sum = (byModel[sameModel[name] ?? name] ??= Object.fromEntries(FIELDS.map((field) => [field, 0])) as Totals)
    sum.calls++
    if (call.failed) sum.failed++
    if (call.rateLimited) sum.rate_limited++
    sum.input += call.inputTokens || 0
    sum.output += call.outputTokens || 0
    sum.cached_read += call.cacheReadTokens || 0
    sum.cache_write += call.cacheWriteTokens || 0
    sum.reasoning += call.reasoningTokens || 0
  }
  return byModel
}
