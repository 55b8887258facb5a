/** Which metrics of an application say the same as what is derived of its calls: those of the same name, however it is written. */

/** What the connector makes, by the names of the metrics. A position is also the bit of a set of families. */
export const FAMILIES: readonly (readonly string[])[] = [
  ['llm_requests_total'],
  ['llm_errors_total'],
  ['llm_rate_limited_total', 'llm_rateLimited_total'],
  ['llm_tokens_input_total'],
  ['llm_tokens_output_total'],
  ['llm_tokens_cached_total'],
  ['llm_tokens_reasoning_total'],
  ['llm_calls_without_usage_total'],
  ['llm_finish_reasons_total'],
  ['llm_quality_signals_total'],
  ['llm_safety_signals_total'],
  ['llm_request_duration_seconds'],
  ['llm_latency_ms'],
  ['llm_time_to_first_token_seconds'],
  ['llm_time_per_output_token_seconds'],
  ['llm_cost_usd'],
  ['llm_cost_saved_usd_total'],
  ['llm_cost_difference_usd_total'],
  ['llm_unpriced_requests_total'],
  ['llm_quality_score', 'llm_quality_score_distribution'],
  ['gen_ai.client.token.usage'],
  ['gen_ai.client.operation.duration'],
  ['gen_ai.client.operation.time_to_first_chunk'],
  ['llm_time_between_chunks_seconds'],
  ['llm_queue_time_seconds'],
  ['llm_context_window_utilization', 'llm_context_window_utilization_distribution'],
]

/** Names of the metrics of a set of families. */
export function metricNamesOf(families: number): ReadonlySet<string> {
  return new Set(FAMILIES.flatMap((names, family) => ((families >>> family) & 1 ? names : [])))
}

/** What a name says beside the meaning: its kind, a histogram's part, its unit. */
const ADDED = /_(total|count|sum|bucket|ms|milliseconds|s|seconds|usd|tokens?)$/

const byWords = new Map<string, number>()
for (const [family, names] of FAMILIES.entries())
  for (const name of names) {
    const words = wordsOf(name).replace(/_total$/, '')
    for (const one of [words, words.replace(ADDED, '')]) if (!byWords.has(one)) byWords.set(one, family)
  }

/**
 * Position in FAMILIES of the family with that name, -1 for any other name. Dots, underscores and capitals are one, and what
 * Prometheus adds to a name may stand there or not: `llm.tokens.input`, `llm_cost`, `gen_ai_client_operation_duration_seconds`.
 */
export function familyOf(name: string): number {
  for (let words = wordsOf(name); ; ) {
    const family = byWords.get(words)
    if (family !== undefined) return family
    const shorter = words.replace(ADDED, '')
    if (shorter === words) return -1
    words = shorter
  }
}

function wordsOf(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
}

const NAME_BYTES_MAX = 100
const NAMES_MAX = 1000
const known = new Map<string, number>()

/** The same of a name in UTF-8. What neither begins with `llm` nor with `gen` costs no text. */
export function familyOfBytes(bytes: Buffer, start: number, end: number): number {
  const first = bytes[start]! | LOWER
  if ((first !== L && first !== G) || end - start > NAME_BYTES_MAX) return -1
  const name = bytes.toString('latin1', start, end)
  let family = known.get(name)
  if (family !== undefined) return family
  family = familyOf(name)
  if (known.size >= NAMES_MAX) known.clear()
  known.set(name, family)
  return family
}

const LOWER = 0x20
const L = 0x6c
const G = 0x67
