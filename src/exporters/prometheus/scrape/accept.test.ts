import { expect, test } from 'vitest'
import { negotiate } from './accept.ts'

const TEXT = 'text/plain; version=0.0.4; charset=utf-8; escaping='
const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping='
const PROTOBUF =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping='
/** What Prometheus 3 sends without and with native histograms. */
const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1'
const NATIVE = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,'

test.each([
  ['', true, `${TEXT}underscores`],
  ['*/*', true, `${TEXT}underscores`],
  ['application/json', true, `${TEXT}underscores`],
  ['application/openmetrics-text', true, `${OPEN_METRICS}underscores`],
  ['application/openmetrics-text', false, `${TEXT}underscores`],
  ['Application/OpenMetrics-Text; version="1.0.0" ; Escaping=dots', true, `${OPEN_METRICS}dots`],
  ['application/openmetrics-text;version=0.0.1', true, `${OPEN_METRICS.replace('1.0.0', '0.0.1')}underscores`],
  ['application/openmetrics-text;version=2.0.0', true, `${TEXT}underscores`],
  ['application/openmetrics-text;q=0', true, `${TEXT}underscores`],
  ['application/openmetrics-text;q=0.2,text/plain', true, `${TEXT}underscores`],
  ['text/plain;escaping=values', true, `${TEXT}values`],
  ['text/plain;escaping=nonsense', true, `${TEXT}underscores`],
  ['application/vnd.google.protobuf;encoding=text', true, `${TEXT}underscores`],
  [PROMETHEUS, true, `${OPEN_METRICS}allow-utf-8`],
  [PROMETHEUS, false, `${TEXT}allow-utf-8`],
  [NATIVE + PROMETHEUS, false, `${PROTOBUF}allow-utf-8`],
])('%s, OpenMetrics %s: %s', (accept, openMetrics, expected) => {
  expect(negotiate(accept, openMetrics).contentType).toBe(expected)
})
