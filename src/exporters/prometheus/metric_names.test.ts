import { expect, test } from 'vitest'
import { labelName, type MetricType, metricName, verbatimName } from './metric_names.ts'

test.each<[name: string, unit: string, type: MetricType, expected: string]>([
  ['gen_ai.client.token.usage', '{token}', 'histogram', 'gen_ai_client_token_usage'],
  ['gen_ai.client.operation.duration', 's', 'histogram', 'gen_ai_client_operation_duration_seconds'],
  ['requests', '{request}', 'counter', 'requests_total'],
  ['requests_total', '1', 'counter', 'requests_total'],
  ['total.bytes.sent', 'By', 'counter', 'bytes_sent_total'],
  ['latency_seconds', 's', 'histogram', 'latency_seconds'],
  ['cpu.utilization', '1', 'gauge', 'cpu_utilization_ratio'],
  ['hit_ratio', '1', 'gauge', 'hit_ratio'],
  ['hits', '1', 'histogram', 'hits'],
  ['speed', 'm/s', 'gauge', 'speed_meters_per_second'],
  ['speed', '{x}/s', 'gauge', 'speed_per_second'],
  ['x', 'By/foo_', 'gauge', 'x_bytes_per_foo'],
  ['x', 'foo_/s', 'gauge', 'x_foo_per_second'],
  ['x', 'm/{y}', 'gauge', 'x_meters'],
  ['disk', '%', 'gauge', 'disk_percent'],
  ['cost', 'USD', 'gauge', 'cost_USD'],
  ['foo/bar__baz', '', 'gauge', 'foo_bar_baz'],
  ['ns:rule', '', 'gauge', 'ns:rule'],
  ['1st.thing', '', 'gauge', '_1st_thing'],
  ['{}"\n# TYPE', '', 'gauge', 'TYPE'],
  ['ä', '', 'gauge', ''],
  ['___', '', 'gauge', ''],
  ['', '', 'gauge', ''],
])('%j in %j as %s becomes %j', (name, unit, type, expected) => {
  expect(metricName(name, unit, type, { namespace: '', suffixes: true, utf8: false })).toBe(expected)
})

test.each([
  ['a.b', 'my-app', true, 'my_app_a_b_seconds'],
  ['1a', 'n', true, 'n_1a_seconds'],
  ['a..b__c', '', false, 'a_b__c'],
  ['1a', '', false, '_1a'],
  ['1a', '2n', false, '_2n_1a'],
])('%s in namespace %j, suffixes %s: %s', (name, namespace, suffixes, expected) => {
  expect(metricName(name, 's', 'gauge', { namespace, suffixes, utf8: false })).toBe(expected)
})

test.each([
  ['req.count', '1', 'counter', '', 'req.count_total'],
  ['req.count_total', '', 'counter', '', 'req.count_total'],
  ['total', '', 'counter', '', 'total_total'],
  ['disk.used', 'By', 'gauge', 'my-app', 'my-app_disk.used_bytes'],
  ['disk.used.bytes', 'By', 'gauge', '', 'disk.used.bytes'],
  ['net.bytes.per_second', 'By/s', 'counter', '', 'net.bytes_per_second_total'],
  ['net', 'foo bar/s', 'gauge', '', 'net_foo bar_per_second'],
  ['part.ratio', '1', 'gauge', '', 'part_ratio'],
  ['föö{x}', '{call}', 'histogram', '', 'föö{x}'],
  ['', 's', 'gauge', 'n', ''],
] as const)('in UTF-8, %j in %j as %s in namespace %j becomes %j', (name, unit, type, namespace, expected) => {
  expect(metricName(name, unit, type, { namespace, suffixes: true, utf8: true })).toBe(expected)
})

test.each(['llm_requests_total', 'llm_latency_ms', 'llm_rateLimited_total', 'llm_cost_usd'])(
  '%s stays as it is',
  (name) => {
    expect(verbatimName(name, { namespace: '', suffixes: true, utf8: false })).toBe(name)
  },
)

test.each([
  ['http.method', 'http.method'],
  ['1d', '1d'],
  ['__name__', 'key__name__'],
  ['', ''],
])('in UTF-8, label %j becomes %j', (key, expected) => {
  expect(labelName(key, true)).toBe(expected)
})

test.each([
  ['http.method', 'http_method'],
  ['a..b', 'a__b'],
  ['_private', '_private'],
  ['1d', 'key_1d'],
  ['__name__', 'key__name__'],
  ['a="b",c', 'a__b__c'],
  ['ä', '_'],
  ['🙂', '_'],
  ['', ''],
])('label %j becomes %j', (key, expected) => {
  expect(labelName(key)).toBe(expected)
})
