import { expect, test } from 'vitest'
import { traceBatch } from '../../../../test/support/otlp.ts'
import { ITEM } from '../../../telemetry/layout.ts'
import { isHeadSampled, saysSampled } from './head_sampling.ts'

test.each([
  ['ot=th:8', true],
  ['ot=th:c;rv:1234567890abcd', true],
  ['ot=rv:1234567890abcd;th:08', true],
  ['vendor=x, ot=th:fd70a4', true],
  ['ot=p:3;r:10', true],
  ['ot=th:0', false],
  ['ot=th:00', false],
  ['ot=p:0', false],
  ['ot=rv:1234567890abcd', false],
  ['ot=th:', false],
  ['ot=th:xyz', false],
  ['dd=th:8', false],
  ['', false],
])('%j: %s', (traceState, sampled) => {
  expect(saysSampled(traceState)).toBe(sampled)
  const { bytes, layout } = traceBatch([{ attributes: { a: 'b' }, more: { traceState } }])
  expect(isHeadSampled(bytes, layout.itemRows[ITEM.start]!, layout.itemRows[ITEM.end]!)).toBe(sampled)
})
