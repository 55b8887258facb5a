/** What a config says of attributes by their keys. */
import { type RedactionConfig, strictnessOf } from './config.ts'

/** Of a key: 1 + the strictness of the policy of the first rule that matches, 0 if none does. */
export function rulesOf(rules: RedactionConfig['content_rules']): ((key: string) => number) | undefined {
  if (rules.length === 0) return undefined
  const made = rules.map(({ match, content }) => ({ matches: glob(match), answer: 1 + strictnessOf(content) }))
  return (key) => made.find(({ matches }) => matches(key))?.answer ?? 0
}

/**
 * A name in which `*` stands for any text. Each piece between two of them is taken where it stands first, so that it takes
 * time linear in the key, which senders choose.
 */
function glob(pattern: string): (key: string) => boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return (key) => key === first
  return (key) => {
    if (!key.startsWith(first) || !key.endsWith(last)) return false
    let at = first.length
    for (const piece of rest) {
      const found = key.indexOf(piece, at)
      if (found < 0) return false
      at = found + piece.length
    }
    return at + last.length <= key.length
  }
}
