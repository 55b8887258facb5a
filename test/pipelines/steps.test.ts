/** `service.steps` of a config that is reloaded. */
import { expect, test } from 'vitest'
import { components } from '../../src/components.ts'
import { call } from '../../src/connectors/gen_ai_metrics/gen_ai_metrics.fixture.ts'
import { FakeClock } from '../../src/self/clock.ts'
import { itemsOf, traceBatch } from '../support/otlp.ts'
import { daemonOf, partsOf, Story } from './parts.fixture.ts'

const yaml = (steps: string, more = '') => `
receivers: { source: {} }
processors: { gen_ai: {}, redaction: { content: drop } }
connectors: { gen_ai_metrics: { ${more} }, gen_ai_logs: {} }
exporters: { sink/metrics: {}, sink/logs: {} }
service:
  steps: { ${steps} }
  pipelines:
    traces: { receivers: [source], processors: [gen_ai, redaction], exporters: [gen_ai_metrics, gen_ai_logs] }
    metrics: { receivers: [gen_ai_metrics], exporters: [sink/metrics] }
    logs: { receivers: [gen_ai_logs], exporters: [sink/logs] }
`

/** How many calls the metrics have, and how many summaries there are. */
function told(story: Story): [counted: number, summaries: number] {
  const sums = story
    .recorder('sink/metrics')
    .batches.flatMap((batch) => itemsOf(batch))
    .filter(({ name }) => name === 'llm_requests_total')
  const points = (sums.at(-1)?.['sum'] as { dataPoints: { asDouble: number }[] } | undefined)?.dataPoints ?? []
  const records = story.recorder('sink/logs').batches.flatMap((batch) => itemsOf(batch))
  const summaries = records.filter(({ eventName }) => eventName === 'sluice.gen_ai.summary').length
  return [points.reduce((sum, { asDouble }) => sum + (asDouble ?? 0), 0), summaries]
}

test.each<[what: string, before: string, after: string, more: string, isNew: boolean]>([
  ['a shorter wait', 'settle_after: 60s, settle_max: 60s', 'settle_after: 1s, settle_max: 60s', '', false],
  [
    'together with a key of one connector',
    'settle_after: 60s, settle_max: 60s',
    'settle_after: 1s, settle_max: 60s',
    'metrics_flush_interval: 5s',
    false,
  ],
  [
    'fewer calls, which takes new connectors,',
    'settle_after: 900s, settle_max: 900s',
    'settle_after: 900s, settle_max: 900s, calls_max: 1',
    '',
    true,
  ],
])('%s reaches what waits, in all connectors', async (_, before, after, more, isNew) => {
  const [clock, story] = [new FakeClock(), new Story()]
  const { daemon, source, reload } = daemonOf(yaml(before), {
    factories: [...components, ...partsOf(story)],
    clock,
    story,
  })
  await daemon.start()
  const { attributes } = call()
  const send = (digit: string) =>
    source().send(traceBatch([{ trace: digit.repeat(32), id: digit.repeat(16), attributes: attributes! }]))
  await send('1')
  await clock.advance(3000)
  expect(told(story)).toEqual([0, 0])
  const reloading = reload(yaml(after, more))
  await clock.advance(2000)
  await reloading
  await send('2')
  await send('3')
  await clock.advance(40_000)
  // Where connectors are new, the old ones tell of what waited when they go, and the metrics begin anew.
  expect(told(story)).toEqual(isNew ? [1, 2] : [3, 3])
  await daemon.stop()
})
