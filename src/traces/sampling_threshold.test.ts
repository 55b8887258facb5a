import { expect, test } from 'vitest'
import { traceBatch } from '../../test/support/otlp.ts'
import { jsonToProtobuf } from '../otlp/json_to_protobuf.ts'
import { ITEM } from '../telemetry/layout.ts'
import { receive } from '../telemetry/receive.ts'
import { sampledWeight, weightOf } from './sampling_threshold.ts'

test.each([
  ['', 1],
  ['ot=th:0', 1],
  ['ot=th:8', 2],
  ['ot=th:c', 4],
  ['ot=th:e6666666666668', 10],
  ['ot=rv:0123456789abcd;th:c', 4],
  ['ot=th:c;rv:0123456789abcd', 4],
  ['vendor=a,ot=th:c', 4],
  ['vendor=a, ot=th:c ,other=b', 4],
  ['not=th:c', 1],
  ['vendor=th:c', 1],
  ['ot=xth:c', 1],
  ['ot=th:C', 1],
  ['ot=th:', 1],
  ['ot=th:123456789abcdef', 1],
  ['ot=th:ffffffffffffff', 1],
  ['ot=p:8', 1],
])('%s stands for %s', (state, weight) => {
  expect(weightOf(state)).toBeCloseTo(weight, 9)
})

test.each([
  ['ot=th:8', 2],
  [`${'v=1,'.repeat(200)}ot=th:8`, 1],
  [undefined, 1],
])('of a span with the state %s: %s', (state, weight) => {
  const { bytes, layout } = traceBatch([{ more: state === undefined ? {} : { traceState: state } }])
  expect(sampledWeight(bytes, layout.itemRows[ITEM.start]!, layout.itemRows[ITEM.end]!)).toBe(weight)
})

test('wherever it stands: exporters write JSON in an order of their own', () => {
  const span = { traceId: '1'.repeat(32), spanId: '2'.repeat(16), parentSpanId: '3'.repeat(16), name: 'chat' }
  const json = {
    resourceSpans: [{ scopeSpans: [{ spans: [{ ...span, endTimeUnixNano: '1', traceState: 'ot=th:8' }] }] }],
  }
  const { bytes, layout } = receive('traces', jsonToProtobuf('TracesRequest', Buffer.from(JSON.stringify(json)))).batch
  expect(sampledWeight(bytes, layout.itemRows[ITEM.start]!, layout.itemRows[ITEM.end]!)).toBe(2)
})
