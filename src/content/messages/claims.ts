/**
 * What words claim that others use too: `choices` are what a model answers, or what a user may choose from. A message
 * around bears the claim out or does not; where there is none, it depends on who writes such structures.
 */
import type { Role } from '../content_groups.ts'
import { WHOSE, type Whose } from './vocabulary.ts'

interface Claim {
  readonly of: Role
  /** In whose messages it holds. In others, the heavier of both counts. */
  readonly beside: 'nobody' | 'assistant' | 'anybody'
  /** Where it holds without a message around. */
  readonly alone: 'nowhere' | 'models' | 'everywhere'
}

const claims: Partial<Record<Whose, Claim>> = {
  answer: { of: 'assistant', beside: 'nobody', alone: 'models' },
  thought: { of: 'reasoning', beside: 'assistant', alone: 'models' },
  documents: { of: 'retrieved', beside: 'nobody', alone: 'everywhere' },
  picture: { of: 'media', beside: 'anybody', alone: 'nowhere' },
  file: { of: 'media', beside: 'nobody', alone: 'nowhere' },
}
const rows = new Map(Object.entries(claims).map(([word, claim]) => [WHOSE[word as Whose] as number, claim]))

export function isClaim(whose: number): boolean {
  return whose >= WHOSE.answer
}

/** The role that is claimed; a role claims itself. */
export function claimed(whose: number): number {
  const claim = rows.get(whose)
  return claim === undefined ? whose : WHOSE[claim.of]
}

/** Whether the claim holds in messages of that role. */
export function holdsBeside(whose: number, role: number): boolean {
  const beside = rows.get(whose)?.beside
  return beside === 'anybody' ? role !== WHOSE.unknown : beside === 'assistant' && role === WHOSE.assistant
}

/** Whether the claim holds where no message is around. `isModels`: models write such structures. */
export function holdsAlone(whose: number, isModels: boolean): boolean {
  const alone = rows.get(whose)?.alone
  return alone === 'everywhere' || (alone === 'models' && isModels)
}
