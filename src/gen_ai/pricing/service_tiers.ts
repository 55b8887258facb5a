/** What a call costs more or less because of the tier in which the provider served it: the list has the standard one only. */
import { KeySet } from '../../telemetry/key_set.ts'

export const TIERS = ['standard', 'flex', 'batch', 'priority'] as const
export type Tier = (typeof TIERS)[number]
export const STANDARD = TIERS.indexOf('standard')

/** A price by the list times this. */
export interface TierFactor {
  readonly factor: number
  /** Nobody has published it for this model. */
  readonly isGuess: boolean
}

const spellings: Readonly<Record<string, Tier>> = {
  flex: 'flex',
  FLEX: 'flex',
  batch: 'batch',
  BATCH: 'batch',
  priority: 'priority',
  PRIORITY: 'priority',
  ON_DEMAND_FLEX: 'flex',
  ON_DEMAND_PRIORITY: 'priority',
}
const keys = new KeySet(Object.keys(spellings))
const tiers = Int8Array.from(Object.values(spellings), (tier) => TIERS.indexOf(tier))

/** Position in TIERS of the tier that is named in [start, end): what is not known is the standard one. */
export function tierIn(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return STANDARD
  const spelling = keys.find(bytes, start, end)
  return spelling < 0 ? STANDARD : tiers[spelling]!
}

/** OpenAI's prices of priority processing over the standard ones, by the model's name without its date. */
const priority: readonly (readonly [string, number])[] = [
  ['gpt-5-mini', 1.8],
  ['gpt-5', 2],
  ['gpt-4.1-nano', 2],
  ['gpt-4.1', 1.75],
  ['gpt-4o-mini', 5 / 3],
  ['gpt-4o', 1.7],
  ['o4-mini', 20 / 11],
  ['o3', 1.75],
]

/** Batches, and what may wait, cost half wherever they are offered; first in line costs more, by model. */
export function tierFactor(tier: number, payee: string, model: string): TierFactor {
  const name = TIERS[tier]
  if (name === 'standard') return { factor: 1, isGuess: false }
  // Groq's flex is the same price for a higher limit.
  if (name === 'flex' && payee === 'groq') return { factor: 1, isGuess: false }
  if (name !== 'priority') return { factor: 0.5, isGuess: false }
  // Anthropic's is capacity that was paid for before.
  if (payee === 'anthropic') return { factor: 1, isGuess: true }
  if (payee === 'aws') return { factor: 1.75, isGuess: false }
  if (payee === 'google') return { factor: 1.8, isGuess: true }
  const known = priority.find(([name]) => model.startsWith(name) && /^(?:-\d|$)/.test(model.slice(name.length)))
  return known === undefined ? { factor: 2, isGuess: true } : { factor: known[1], isGuess: payee !== 'openai' }
}
