import { expect, test } from 'vitest'
import { components } from '../../components.ts'
import { loadConfig } from '../load.ts'
import { ConfigError, formatProblems } from '../problem.ts'

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
  const text = mistakesOf(steps, metrics, logs)
  expect(text).toContain(told)
  expect(text).toContain('service.steps')
  expect(text).toMatch(/^c\.yaml:4:\d+: error: /)
})

const disordered: [steps: string, metrics: string, told: string][] = [
  ['steps: { settle_after: 1m }', '', 'c.yaml:7:26: error: service::steps::settle_after: found'],
  ['', 'settle_after: 1m', 'c.yaml:4:47: error: connectors::gen_ai_metrics::settle_after: found'],
  ['steps: { settle_max: 2s }', '', 'c.yaml:7:24: error: service::steps::settle_max: found'],
  [
    'steps: { settle_after: 20s }',
    'settle_max: 10s',
    'c.yaml:4:45: error: connectors::gen_ai_metrics::settle_max: found',
  ],
]
test.each(disordered)('a settle_max shorter than settle_after is an error: %s | %s', (steps, metrics, told) => {
  expect(mistakesOf(steps, metrics, '')).toContain(told)
})

test('a settle_max equal to settle_after is taken', () => {
  expect(mistakesOf('steps: { settle_after: 30s }', '', '')).toBe('')
})

function mistakesOf(steps: string, metrics: string, logs: string): string {
  try {
    load(steps, metrics, logs)
    return ''
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return formatProblems(error.problems)
  }
}
