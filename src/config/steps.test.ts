import { expect, test } from 'vitest'
import { components } from '../components.ts'
import { loadConfig } from './load.ts'
import { ConfigError, formatProblems } from './problem.ts'

function load(steps: string, metrics: string, logs: string) {
  const text = `
receivers: { otlp: { protocols: { http: } } }
processors: { redaction: { content: drop } }
connectors: { gen_ai_metrics: { ${metrics} }, gen_ai_logs: { ${logs} } }
exporters: { nop: }
service:
  ${steps}
  pipelines:
    traces: { receivers: [otlp], processors: [redaction], exporters: [gen_ai_metrics, gen_ai_logs] }
    metrics: { receivers: [gen_ai_metrics], exporters: [nop] }
    logs: { receivers: [gen_ai_logs], exporters: [nop] }
`
  return loadConfig({ configs: ['c.yaml'] }, components, { variables: {}, readFile: () => text })
}

const SHIPPED = { settle_after: 5000, settle_max: 30_000, calls_max: 200_000, duplicates_window: 1_000_000 }

const cases: [string, steps: string, metrics: string, logs: string, settled: object][] = [
  ['nothing is written', '', '', '', {}],
  ['in one place', 'steps: { settle_after: 1s, calls_max: 10 }', '', '', { settle_after: 1000, calls_max: 10 }],
  ['at one connector: both have it', '', 'settle_after: 2s', '', { settle_after: 2000 }],
  ['at both, equal in other words', '', 'settle_max: 60s', 'settle_max: 1m', { settle_max: 60_000 }],
  ['everywhere', 'steps: { settle_after: 1s }', 'settle_after: 1s', 'settle_after: 1000ms', { settle_after: 1000 }],
  ['the default, written', 'steps: { settle_after: 5s }', 'settle_after: 5s', '', {}],
]
test.each(cases)('%s', (_, steps, metrics, logs, settled) => {
  const { connectors } = load(steps, metrics, logs)
  for (const { config } of connectors.values()) expect(config).toMatchObject({ ...SHIPPED, ...settled })
})

const unequal: [steps: string, metrics: string, logs: string, told: string][] = [
  ['steps: { settle_after: 1s }', '', 'settle_after: 2s', 'connectors::gen_ai_logs::settle_after'],
  ['', 'calls_max: 3', 'calls_max: 4', '`connectors::gen_ai_metrics::calls_max`'],
  ['steps: { settle_after: 5s }', 'settle_after: 2s', '', '`service::steps::settle_after`'],
]
test.each(unequal)('unequal values are an error: %s | %s | %s', (steps, metrics, logs, told) => {
  try {
    load(steps, metrics, logs)
    expect.unreachable('taken')
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const text = formatProblems(error.problems)
    expect(text).toContain(told)
    expect(text).toContain('service.steps')
    expect(text).toMatch(/^c\.yaml:4:\d+: error: /)
  }
})
