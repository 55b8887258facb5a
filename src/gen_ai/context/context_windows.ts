/** How many tokens a model's context window holds: by the config, the user's price files, the bundled list, or its name. */

import type { PriceSource } from '../pricing/price_source.ts'
import { findListed } from '../pricing/price_table.ts'
import { isStatedFor, type StatedFor } from '../pricing/stated_price.ts'
import { windowByName } from './windows_by_name.ts'

/** What the config says of the window of a model or deployment. */
export interface StatedWindow extends StatedFor {
  /** Tokens, input and output together. */
  readonly tokens: number
}

export interface WindowSources {
  readonly stated: readonly StatedWindow[]
  readonly files: readonly PriceSource[]
}

/**
 * Tokens that the window holds; NaN where nobody tells. `models`: the response's model first, that of the request behind it; of a
 * deployment whose name says nothing, what stands in its place. Slow: callers keep the answer.
 */
export function contextWindowOf(
  { stated, files }: WindowSources,
  provider: string,
  models: readonly string[],
  address: string,
): number {
  const own = stated.find((one) => models.some((model) => isStatedFor(one, provider, model, address)))
  if (own !== undefined) return own.tokens
  for (const model of models) {
    for (const file of files) {
      const inFile = file.window?.(provider, model)
      if (inFile !== undefined) return inFile
    }
    // A window is the model's, whoever runs it: where the provider is unknown its name tells.
    const listed = findListed(provider, model)?.window ?? findListed('', model)?.window ?? windowByName(model)
    if (listed !== undefined) return listed
  }
  return Number.NaN
}

/** An input may be so much above a window that is told in round numbers, and still be all of it. */
const ROUNDED = 1.05

/**
 * How full the window was when the model began to answer: the part of it that the input takes, 0 to 1; NaN where one of both is
 * unknown, or the input is so much larger that the window must be another.
 */
export function utilizationOf(inputTokens: number, window_tokens: number): number {
  const part = inputTokens / window_tokens
  return part >= 0 && part <= ROUNDED ? Math.min(part, 1) : Number.NaN
}
