/** A file of the user's prices: which of the two shapes it has is seen by itself. */

import { listedFile } from './listed_file.ts'
import { liteLlmFile } from './litellm_file.ts'
import { jsonKindOf, type Members, PriceFileError, type PriceSource } from './price_source.ts'

/** Largest file; LiteLLM's, the larger one of those that people publish, has a quarter of it. */
export const PRICE_FILE_BYTES_MAX = 16 << 20

/** `text`: the file. Throws PriceFileError. */
export function readPriceFile(text: string): PriceSource {
  const value = parsed(text)
  if (Array.isArray(value)) return listedFile(value)
  if (typeof value === 'object' && value !== null) {
    const { providers } = value as Members
    if (Array.isArray(providers)) return listedFile(providers)
    if (Object.values(value).some((one) => typeof one === 'object' && one !== null))
      return liteLlmFile(value as Members)
  }
  throw new PriceFileError(
    '',
    typeof value === 'object' ? 'a map without models' : jsonKindOf(value),
    'a list of providers, or a map of models',
    'use the shape of genai-prices, or of LiteLLM’s model_prices_and_context_window.json',
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new PriceFileError(placeOf(error, text), 'a text that is none', 'JSON', 'check brackets, commas and quotes')
  }
}

/** The engine's message quotes the text; of it only the place is told. */
function placeOf(error: unknown, text: string): string {
  const { message } = error as Error
  const position = /position (\d+)/.exec(message)?.[1]
  const at = position === undefined ? text.length : Number(position)
  const before = text.slice(0, at).split('\n')
  return `line ${before.length}, column ${before.at(-1)!.length + 1}`
}
