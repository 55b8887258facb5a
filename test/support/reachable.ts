/** The truth beside captured telemetry (`reachable.json`), and how its model names are folded. */
import { readdirSync, readFileSync } from 'node:fs'
import { jsonToProtobuf } from '../../src/otlp/json_to_protobuf.ts'
import { requestMessage } from '../../src/telemetry/signal.ts'

export const captures = new URL('../../../shared/data/captures/', import.meta.url)

/** The requests of that signal in a folder, in the order of arrival, as protobuf. */
export function requestsOf(folder: string, signal: 'traces' | 'logs'): Buffer[] {
  const directory = new URL(`${folder}/`, captures)
  return readdirSync(directory)
    .filter((name) => new RegExp(`\\.${signal}\\.(pb|json)$`).test(name))
    .sort()
    .map((name) => {
      const body = readFileSync(new URL(name, directory))
      return name.endsWith('.json') ? jsonToProtobuf(requestMessage[signal], body) : body
    })
}

/** Folders with calls, in all the dialects that were captured. */
export const SUPPORTED = [
  'python/autogen',
  'python/google-adk',
  'python/langfuse',
  'python/litellm',
  'python/litellm-proxy',
  'python/logfire',
  'python/mlflow',
  'python/oaiv2-latest-event',
  'python/oaiv2-legacy-content',
  'python/openinference-crewai',
  'python/openinference-google-genai',
  'python/openinference-haystack',
  'python/openinference-langchain',
  'python/openinference-openai',
  'python/openinference-openai-agents',
  'python/openinference-smolagents',
  'python/openlit-guard-score',
  'python/openlit-openai',
  'python/otel-bedrock',
  'python/otel-genai-anthropic-span',
  'python/otel-genai-openai-nocontent',
  'python/otel-genai-openai-span',
  'python/otel-google-genai-latest',
  'python/pydantic-ai',
  'python/pydantic-evals',
  'python/strands',
  'python/traceloop-anthropic',
  'python/traceloop-haystack',
  'python/traceloop-langchain-and-openai',
  'python/traceloop-old-openai',
  'python/traceloop-openai',
  'python/traceloop-sdk',
  'js/ai-sdk-6',
  'js/ai-sdk-7',
  'js/anthropic-native',
  'js/genkit',
  'js/langfuse-openai',
  'js/mastra',
  'js/openinference-langchain',
  'js/openinference-openai',
  'js/openinference-vercel',
  'js/openlit-openai',
  'js/otel-openai',
  'js/traceloop-langchain',
  'js/traceloop-openai',
  'java/openai-java-otel',
  'java/spring-ai',
]

/** Those of them whose calls no span tells of. */
export const IN_RECORDS_ONLY: readonly string[] = ['python/autogen']

export const FIELDS = [
  'calls',
  'failed',
  'rate_limited',
  'input',
  'output',
  'cached_read',
  'cache_write',
  'reasoning',
] as const
export type Field = (typeof FIELDS)[number]

export interface Reachable {
  models: Record<string, Record<Field, number>>
  also_right: { model: string; field: Field; delta: number; together?: string }[]
  same_model: Record<string, string>
}

/** Without provider, region, date and version: `us.anthropic.claude-sonnet-4-5-20250929-v1:0` is `claude-sonnet-4-5`. */
export function fold(model: string): string {
  return model
    .replace(/^.*\//, '')
    .replace(/^(us|eu|apac|global)\./, '')
    .replace(/^(anthropic|openai|amazon|google)\./, '')
    .replace(/-v\d+:\d+$/, '')
    .replace(/-(\d{8}|\d{4}-\d{2}-\d{2})$/, '')
}

interface Nameless {
  readonly model: string
  readonly calls: number
  readonly failed: number
  readonly rate_limited: number
}

/**
 * Calls whose spans or log records, and all around them, name no model (the instrumentation takes it from an answer, or has
 * none of a stream or an agent's): the truth knows it, a reader of telemetry counts them under `unknown`.
 */
const NAMELESS: Readonly<Record<string, readonly Nameless[]>> = {
  'python/autogen': [{ model: 'gpt-4o', calls: 1, failed: 0, rate_limited: 0 }],
  'python/openinference-haystack': [{ model: 'gpt-4o-mini', calls: 2, failed: 2, rate_limited: 1 }],
  'python/openinference-openai-agents': [{ model: 'gpt-4o', calls: 3, failed: 2, rate_limited: 1 }],
  'python/openinference-smolagents': [{ model: 'gpt-4o', calls: 2, failed: 2, rate_limited: 1 }],
  'python/traceloop-haystack': [
    { model: 'gpt-4o-mini', calls: 2, failed: 2, rate_limited: 1 },
    { model: 'gpt-4o', calls: 3, failed: 0, rate_limited: 0 },
  ],
}

/** What `reachable.json` of the folder says, with calls of no named model apart. */
export function expectedOf(folder: string, reachable: Reachable): Reachable {
  const models = { ...reachable.models }
  const unknown = Object.fromEntries(FIELDS.map((field) => [field, 0])) as Record<Field, number>
  let { also_right } = reachable
  for (const { model, ...counts } of NAMELESS[folder] ?? []) {
    const rest = { ...models[model]! }
    for (const [field, count] of Object.entries(counts)) {
      rest[field as Field] -= count
      unknown[field as Field] += count
    }
    models[model] = rest
    // What may be missing of failures is missing where those are counted.
    if (counts.failed > 0)
      also_right = also_right.map((one) =>
        one.model === model && one.field in counts ? { ...one, model: 'unknown' } : one,
      )
  }
  return folder in NAMELESS ? { ...reachable, models: { ...models, unknown }, also_right } : reachable
}

/** Sums by model as a reader of metrics finds them, with the names folded as `reachable.json` has them. */
export function totalsOf(
  byModel: Readonly<Record<string, Partial<Record<Field | 'errors', number>>>>,
  { same_model }: Reachable,
): Record<string, Partial<Record<Field, number>>> {
  const totals: Record<string, Partial<Record<Field, number>>> = {}
  for (const [model, { errors = 0, ...sums }] of Object.entries(byModel)) {
    const name = fold(model)
    const total = (totals[same_model[name] ?? name] ??= {})
    const failed = errors + (sums.rate_limited ?? 0)
    for (const field of FIELDS) total[field] = (total[field] ?? 0) + ((field === 'failed' ? failed : sums[field]) ?? 0)
  }
  return totals
}

/** What was found by model, where it is not what can be found: a line each. Empty if all is right. */
export function differences(
  found: Record<string, Partial<Record<Field, number>>>,
  { models, also_right }: Reachable,
  fields: readonly Field[] = FIELDS,
): string[] {
  const different: string[] = []
  for (const model of new Set([...Object.keys(models), ...Object.keys(found)])) {
    for (const field of fields) {
      const is = found[model]?.[field] ?? 0
      const right = models[model]?.[field] ?? 0
      const deltas = also_right.filter((other) => other.model === model && other.field === field)
      if (!sums(right, deltas).has(is)) different.push(`${model} ${field} ${is}, not ${right}`)
    }
  }
  return different
}

/** The right number, with any of the deltas; those that go together, together. */
function sums(right: number, deltas: Reachable['also_right']): Set<number> {
  const groups = Map.groupBy(deltas, ({ together }) => together ?? Symbol())
  let possible = [right]
  for (const group of groups.values()) {
    const delta = group.reduce((sum, one) => sum + one.delta, 0)
    possible = [...possible, ...possible.map((one) => one + delta)]
  }
  return new Set(possible)
}
