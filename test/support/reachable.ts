/** The truth beside captured telemetry (`reachable.json`), and how its model names are folded. */

/** Folders in the dialects that have to be right. */
export const SUPPORTED = [
  'python/oaiv2-legacy-content',
  'python/oaiv2-latest-event',
  'python/otel-genai-openai-span',
  'python/otel-genai-openai-nocontent',
  'python/otel-genai-anthropic-span',
  'python/otel-google-genai-latest',
  'python/otel-bedrock',
  'js/otel-openai',
  'js/anthropic-native',
  'java/openai-java-otel',
]

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
