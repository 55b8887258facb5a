/** What log records tell of model calls stands with their traces. */
import { afterEach, describe, expect, it } from 'vitest'
import { type LogOptions, logBatch, type SpanOptions, traceBatch } from '../../../test/support/otlp.ts'
import { cleanUp, newDirectory, started, traceId } from './store.fixture.ts'
import { EARLY_RECORDS_MAX } from './stored_trace.ts'
import { EARLY_MAX } from './trace_index.ts'

afterEach(cleanUp)

const START_MS = 1_700_000_000_000
const SPAN = '00000000000000aa'
const facts = {
  'sluice.dialect': 'autogen',
  'gen_ai.operation.name': 'chat',
  'gen_ai.response.model': 'm1',
  'gen_ai.usage.input_tokens': 100,
  'gen_ai.usage.output_tokens': 10,
  'sluice.cost.usd': 0.25,
}
const quality = { 'sluice.quality.score': 0.4, 'sluice.quality.signals': ['refusal'] }
const span = (more: SpanOptions = {}) => ({
  trace: traceId('a'),
  id: SPAN,
  start_ms: START_MS,
  end_ms: START_MS + 900,
  ...more,
})
const record = (more: LogOptions = {}): LogOptions => ({
  trace: traceId('a'),
  span: SPAN,
  time_ms: START_MS + 901,
  attributes: facts,
  ...more,
})
const answer = record({ event: 'gen_ai.choice', attributes: quality })

describe.each([true, false])('a trace, its spans stored first: %s', (spansFirst) => {
  it.each<[string, SpanOptions, LogOptions[], object]>([
    [
      'has the calls that log records tell of',
      span(),
      [record(), record({ time_ms: START_MS + 500, attributes: { ...facts, 'error.type': '500' } })],
      { models: ['m1'], cost_usd: 0.5, input_tokens: 200, output_tokens: 20, error: true, spans: 1 },
    ],
    [
      'sums a call once that a record and its span tell of',
      span({ attributes: facts }),
      [record(), record()],
      { cost_usd: 0.25, input_tokens: 100, error: false },
    ],
    [
      'has the quality of an answer in a log record',
      span({ attributes: facts }),
      [answer],
      { quality_score: 0.4, quality_signals: ['refusal'], input_tokens: 100 },
    ],
    [
      'has nothing of a summary, nor of a record of another trace',
      span(),
      [record({ event: 'sluice.gen_ai.summary' }), { ...answer, trace: traceId('b') }],
      { quality_signals: [], quality_score: undefined, input_tokens: undefined },
    ],
  ])('%s', async (_, one, records, expected) => {
    const directory = newDirectory()
    const { take, store, find } = await started({ directory })
    const batches = [traceBatch([one]), logBatch(records), logBatch(records)]
    await take(...(spansFirst ? batches : batches.toReversed()))
    expect(store.trace(traceId('a'))).toMatchObject(expected)
    expect(find()).toEqual(['a'])
    await store.shutdown()
    const again = await started({ directory })
    expect(again.store.trace(traceId('a'))).toMatchObject(expected)
  })
})

it('traces are found by a signal that a log record tells of', async () => {
  const { take, find } = await started()
  await take(traceBatch([span(), span({ trace: traceId('b') })]), logBatch([answer]))
  expect(find({ signal: 'refusal' })).toEqual(['a'])
})

it('log records alone are no trace, and the newest traces that they tell of are remembered', async () => {
  const { take, find, store } = await started()
  const of = (at: number) => ({ ...answer, trace: traceId((at + 1).toString(16)) })
  await take(logBatch(Array.from({ length: EARLY_MAX + 1 }, (_, at) => of(at))))
  expect(find()).toEqual([])
  await take(traceBatch([span({ trace: of(0).trace }), span({ trace: of(1).trace })]))
  expect(find({ signal: 'refusal' })).toEqual(['2'])
  expect(store.trace(of(0).trace)).toMatchObject({ quality_signals: [] })
})

it('so many log records are read of a trace of which nothing is stored', async () => {
  const { take, store } = await started()
  const records = Array.from({ length: EARLY_RECORDS_MAX + 5 }, (_, at) => record({ time_ms: START_MS + at }))
  await take(logBatch(records), traceBatch([span()]))
  expect(store.trace(traceId('a'))).toMatchObject({ input_tokens: EARLY_RECORDS_MAX * 100 })
})
