import { expect, test } from 'vitest'
import { SpanView } from '../telemetry/span_view.ts'
import { FINISH_REASONS } from './known_values.ts'
import { ModelCall } from './model_call.ts'
import { readNormalisedCall } from './normalised.ts'
import { batchOf, callOf } from './span.fixture.ts'

test('finish reasons are those of the span, whatever was read before', () => {
  const [length, stop] = ['length', 'stop'].map((reason) => FINISH_REASONS.indexOf(reason as 'stop'))
  const genkit = { 'genkit:metadata:subtype': 'model', 'genkit:output': '{"finishReason":"length"}' }
  const before = callOf({ scope: 'genkit-tracer', attributes: genkit })!
  expect([...before.finishReasons.subarray(0, before.finishReasonCount)]).toEqual([length])
  const view = new SpanView()
  view.read(
    batchOf({
      attributes: {
        'sluice.dialect': 'genkit',
        'gen_ai.operation.name': 'chat',
        'gen_ai.response.finish_reasons': ['stop'],
      },
    }),
    0,
  )
  const call = new ModelCall()
  expect(readNormalisedCall(view, call)).toBe(true)
  expect([...call.finishReasons.subarray(0, call.finishReasonCount)]).toEqual([stop])
})
