/** The daemon of a simulation as YAML: gen_ai and redaction, and behind them metrics, summaries and the store. */
import { type Troubles, WAYS, type Way } from './troubles.ts'

/** Which connector or exporter is at the end of a way. */
const ENDS = { metrics: 'gen_ai_metrics', logs: 'gen_ai_logs', store: 'store' } as const
type Branch = keyof typeof ENDS
const BRANCHES = Object.keys(ENDS) as Branch[]

/** `steps`: keys of `service.steps`. Where something refuses, each way has a door, and reports wait longer for each other. */
export function configOf(directory: string, shards: number, { refusals }: Troubles, steps: string): string {
  const hasDoors = refusals.size > 0
  const door = (way: Way) => (hasDoors ? `moody/${way}` : '')
  const exporters = BRANCHES.map((branch) => (hasDoors ? `forward/${branch}` : ENDS[branch]))
  return `
receivers: { source: {} }
processors: { gen_ai: {}, redaction: { content: drop }, ${empty(hasDoors ? WAYS.map(door) : [])} }
connectors: { gen_ai_metrics: {}, gen_ai_logs: {}, ${empty(hasDoors ? exporters : [])} }
exporters: { sink/metrics: {}, sink/logs: {}, store: { directory: "${directory}" } }
service:
  shards: ${shards}
  steps: { ${steps}${hasDoors ? ', settle_after: 15s, settle_max: 300s' : ''} }
  pipelines:
    traces: { receivers: [source], processors: [gen_ai, redaction], exporters: [${exporters}] }
    logs: { receivers: [source], processors: [gen_ai, redaction], exporters: [${exporters}] }
    metrics: { receivers: [gen_ai_metrics], processors: [${door('metrics/out')}], exporters: [sink/metrics] }
    logs/out: { receivers: [gen_ai_logs], processors: [${door('logs/out')}], exporters: [sink/logs] }
${hasDoors ? BRANCHES.flatMap(waysTo).join('\n') : ''}
`
}

function waysTo(branch: Branch): string[] {
  const way = `receivers: [forward/${branch}], processors: [moody/${branch}], exporters: [${ENDS[branch]}]`
  return ['traces', 'logs'].map((signal) => `    ${signal}/${branch}: { ${way} }`)
}

function empty(ids: readonly string[]): string {
  return ids.map((id) => `${id}: {}`).join(', ')
}
