/** Numbers of a model call that no honest emitter sends. They are in no sum: one of them would spoil a counter for good. */

/** Beyond these a number is not believed. */
export interface Plausible {
  readonly duration_max_ms: number
  readonly tokens_max: number
  readonly cost_usd_max: number
}

const DAY_MS = 86_400_000
/** Ten times the largest context that anybody offers, and what a call of that size costs with the dearest model. */
export const PLAUSIBLE: Plausible = { duration_max_ms: DAY_MS, tokens_max: 100_000_000, cost_usd_max: 10_000 }

/** What `sluice.implausible` lists. The position is the bit in `ModelCall.implausible`; the first seven follow `FIELD`. */
export const IMPLAUSIBLE = [
  'input_tokens',
  'output_tokens',
  'cache_read_tokens',
  'cache_write_tokens',
  'reasoning_tokens',
  'time_to_first_chunk',
  'cost',
  'duration',
] as const

export const FIRST_CHUNK = 1 << IMPLAUSIBLE.indexOf('time_to_first_chunk')
export const COST = 1 << IMPLAUSIBLE.indexOf('cost')
export const DURATION = 1 << IMPLAUSIBLE.indexOf('duration')
/** Any of the token counts. */
export const TOKENS = FIRST_CHUNK - 1
