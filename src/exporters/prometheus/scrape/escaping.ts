/**
 * Names in UTF-8, for scrapers that take them and for those that do not.
 * Source: Prometheus, "Content negotiation: escaping", and the escaping schemes of its common library.
 */

/** `allow-utf-8`: names stand as they are, in quotes where they need them. */
export type Escaping = 'allow-utf-8' | 'underscores' | 'dots' | 'values'

export const ESCAPINGS: readonly string[] = ['allow-utf-8', 'underscores', 'dots', 'values'] satisfies Escaping[]

/** Names that need neither quotes nor escaping. */
const PLAIN_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const PLAIN_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/

export function isPlainMetric(name: string): boolean {
  return PLAIN_METRIC.test(name)
}

export function isPlainLabel(name: string): boolean {
  return PLAIN_LABEL.test(name)
}

/** The metric's name in letters, digits, `_` and `:`; with `allow-utf-8` as it is. */
export function escapeMetric(name: string, escaping: Escaping): string {
  return escaping === 'allow-utf-8' || isPlainMetric(name) ? name : escaped(name, escaping)
}

/** The label's name in letters, digits and `_`; with `allow-utf-8` as it is. */
export function escapeLabelName(name: string, escaping: Escaping): string {
  return escaping === 'allow-utf-8' || isPlainLabel(name) ? name : escaped(name, escaping).replaceAll(':', '_')
}

function escaped(name: string, escaping: Exclude<Escaping, 'allow-utf-8'>): string {
  const characters = [...name].map((character, at) => {
    if (character === '_') return escaping === 'underscores' ? '_' : '__'
    if (/[a-zA-Z:]/.test(character) || (at > 0 && /[0-9]/.test(character))) return character
    if (escaping === 'underscores') return '_'
    if (escaping === 'dots') return character === '.' ? '_dot_' : '__'
    return `_${character.codePointAt(0)!.toString(16)}_`
  })
  return (escaping === 'values' ? 'U__' : '') + characters.join('')
}
