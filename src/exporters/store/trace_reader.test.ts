import { expect, test } from 'vitest'
import { traceBatch } from '../../../test/support/otlp.ts'
import type { Address } from '../../journal/journal.ts'
import { StoredTrace } from './stored_trace.ts'
import { TraceReader } from './trace_reader.ts'

const RECORD = 1 as Address

test('models are told apart, however many there have been', () => {
  const reader = new TraceReader()
  const traces = new Map<string, StoredTrace>()
  const obtain = (key: string): StoredTrace => {
    const trace = traces.get(key) ?? new StoredTrace(key, RECORD)
    traces.set(key, trace)
    return trace
  }
  const call = (trace: number, id: number, model: string, parent?: number) => ({
    trace: trace.toString(16).padStart(32, '0'),
    id: id.toString(16).padStart(16, '0'),
    ...(parent !== undefined && { parent: parent.toString(16).padStart(16, '0') }),
    start_ms: 1000,
    end_ms: 2000,
    attributes: {
      'sluice.dialect': 'otel-genai-newest',
      'gen_ai.operation.name': 'chat',
      'gen_ai.request.model': model,
      'gen_ai.usage.input_tokens': 100,
      'gen_ai.usage.output_tokens': 10,
    },
  })
  for (let at = 0; at < 5000; at++) reader.read(traceBatch([call(1, at + 1, `m${at}`)]), RECORD, obtain)
  for (const [trace, inner] of [
    [2, 'y'],
    [3, 'x'],
  ] as const) {
    reader.read(traceBatch([call(trace, 1, 'x')], { scope: { name: 'framework' } }), RECORD, obtain)
    reader.read(traceBatch([call(trace, 2, inner, 1)], { scope: { name: 'sdk' } }), RECORD, obtain)
  }
  const inputs = [...traces.values()].slice(1).map((trace) => trace.totals.input)
  expect(inputs).toEqual([200, 100])
})
