/** docs/metrics.md: every family that comes of the stories, as the connector itself describes it. `npm run docs` writes it. */
import { readdirSync, writeFileSync } from 'node:fs'
import { counted, type Point } from './counted.fixture.ts'
import { bodiesOf, storyIn } from './story.fixture.ts'

const directory = new URL('stories/', import.meta.url)
export const page = new URL('../../docs/metrics.md', import.meta.url)

interface Family {
  readonly kind: Point['kind']
  readonly help: string
  readonly bounds: readonly number[] | undefined
  readonly labels: ReadonlySet<string>
}

/** The page's text. */
export async function metricsPage(): Promise<string> {
  const families = new Map<string, Family>()
  for (const name of readdirSync(directory).sort()) {
    const story = storyIn(new URL(name, directory))
    const config = JSON.stringify(story.config ?? {}).slice(1, -1)
    const { points } = await counted(bodiesOf(story), 'drop', (story.read_after ?? 4) * 1000, config)
    for (const { name: family, kind, help, bounds, labels } of points) {
      const before = families.get(family)
      const all = new Set([...(before?.labels ?? []), ...Object.keys(labels)])
      families.set(family, { kind, help, bounds: before?.bounds ?? bounds, labels: all })
    }
  }
  const sections = [...families]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, family]) => sectionOf(name, family))
  return `${[INTRODUCTION, ...sections].join('\n\n')}\n`
}

const INTRODUCTION = `# Metrics of model calls and steps

Every family that \`gen_ai_metrics\` makes, with its labels and bounds, and a query. Names are shown as Prometheus has them; those that
begin with \`gen_ai_\` are the OpenTelemetry GenAI conventions' (dots in OTLP), with their bounds. What the labels mean, and which
options change them, stands in the [connector's README](../src/connectors/gen_ai_metrics/README.md). Not shown here: \`llm_weighted_*\`
(\`weighted_metrics\`), \`llm_drift\` (after an hour and more), and the daemon's own metrics at port 8888. Written by \`npm run docs\` from
what small applications bring about (\`test/cases/stories\`).`

function sectionOf(name: string, { kind, help, bounds, labels }: Family): string {
  const shown = shownName(name, kind)
  const by = [...labels].map((label) => label.replaceAll('.', '_')).sort()
  const lines = [
    `## ${shown}`,
    `${kind === 'counter' ? 'Counter' : kind === 'gauge' ? 'Gauge' : 'Histogram'}. ${help}.`,
    `Labels: ${by.length === 0 ? 'none' : by.map((label) => `\`${label}\``).join(', ')}.${bounds === undefined ? '' : ` Bounds: ${bounds.join(', ')}.`}`,
    ['```promql', queryOf(shown, kind, by[0]), '```'].join('\n'),
  ]
  return lines.join('\n\n')
}

/** As the exporter names it: the conventions' durations have their unit behind them. */
function shownName(name: string, kind: Point['kind']): string {
  const plain = name.replaceAll('.', '_')
  return kind === 'histogram' && plain.startsWith('gen_ai_') && /duration$|time_[a-z_]+$/.test(plain)
    ? `${plain}_seconds`
    : plain
}

function queryOf(name: string, kind: Point['kind'], label: string | undefined): string {
  const by = label === undefined ? '' : ` by (${label})`
  if (kind === 'counter') return `sum${by} (increase(${name}[1h]))`
  if (kind === 'gauge') return name
  return `histogram_quantile(0.95, sum by (${['le', ...(label === undefined ? [] : [label])].join(', ')}) (rate(${name}_bucket[5m])))`
}

if (process.argv[1] === import.meta.filename) writeFileSync(page, await metricsPage())
