import { expect, test } from 'vitest'
import type { PlainAttributes } from '../../../test/support/otlp.ts'
import { SIGNALS } from '../../gen_ai/quality.ts'
import { bench, call } from './gen_ai_metrics.fixture.ts'

/** A call judged by the `gen_ai` processor. */
function judged(score: number, ...signals: string[]) {
  const span = call()
  const quality = { 'sluice.quality.score': score, 'sluice.quality.signals': signals }
  return { ...span, attributes: { ...(span.attributes as PlainAttributes), ...quality } }
}

test('every signal is counted, and every score', async () => {
  const it = await bench()
  await it.send(...SIGNALS.map((signal) => judged(0.4, signal)), judged(0.3, 'refusal', 'truncated'), judged(0.99))
  await it.send(judged(0.4, 'of another version'), call())
  await it.stop()
  const counted = SIGNALS.map((signal) => it.value('llm_quality_signals_total', { signal }))
  expect(counted).toEqual(SIGNALS.map((signal) => (['refusal', 'truncated'].includes(signal) ? 2 : 1)))
  expect(it.value('llm_quality_score_distribution')).toBe(SIGNALS.length + 3)
})

test('a reason to finish that nobody knows is counted as other', async () => {
  const it = await bench()
  const ended = (...reasons: string[]) => {
    const span = call()
    const attributes = { ...(span.attributes as PlainAttributes), 'gen_ai.response.finish_reasons': reasons }
    return { ...span, attributes }
  }
  await it.send(ended('stop'), ended('tea_time'), ended('of another version', 'stop'), ended('other'))
  await it.stop()
  const counted = ['stop', 'other'].map((finish_reason) => it.value('llm_finish_reasons_total', { finish_reason }))
  expect(counted).toEqual([2, 3])
})
