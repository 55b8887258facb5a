/**
 * Does an answer open by declining what was asked? Told by its first sentences: first what may stand before (regret,
 * thanks, "as an AI …"), then who declines what. An answer that regrets and then answers, or that cannot "wait" or
 * "recommend it enough", is none. The phrases are data (`refusal_phrases.ts`).
 */
import { wordsOfDoubt } from './hedging.ts'
import { moreCjkForms, moreLanguages } from './refusal_languages.ts'
import {
  answersAfterAll,
  beginsAList,
  cjkForms,
  english,
  general,
  otherLanguages,
  particular,
  preambles,
  request,
  wrong,
} from './refusal_phrases.ts'

/** A longer text says more than no. */
const LENGTH_MAX_BYTES = 4000
/** So does a shorter one that declines something particular, unless it says that this would be wrong. */
const PARTICULAR_MAX_BYTES = 700
/** As far as the reason is looked for. */
const REASON_MAX = 500

/** `text` is the opening as `openingOf` makes it, of an answer of `length` bytes. */
export function isRefusal(text: string, length: number): boolean {
  if (length > LENGTH_MAX_BYTES) return false
  if (isCjk(text)) return allCjkForms.some((form) => form.test(text))
  const word = firstWord(text)
  return (
    formsOf.get(word)?.some((form) => form.test(text)) === true || (englishWords.has(word) && declines(text, length))
  )
}

/** A look at the first word, of a refusal or of doubt; languages without spaces are told by their script. */
export function mayRefuse(text: string): boolean {
  return isCjk(text) || formsOf.has(firstWord(text))
}

const allCjkForms = [...cjkForms, ...moreCjkForms]
const englishWords: ReadonlySet<string> = new Set(english.words)
/** The forms of all languages that begin with a word. */
const formsOf = new Map<string, RegExp[]>()
for (const { words, forms } of [english, ...otherLanguages, ...moreLanguages, { words: wordsOfDoubt, forms: [] }])
  for (const word of words) formsOf.set(word, [...(formsOf.get(word) ?? []), ...forms])

function isCjk(text: string): boolean {
  return text.charCodeAt(0) >= 0x3000
}

function firstWord(text: string): string {
  // The opening has small letters of Latin 1 only.
  return /^[a-zà-ÿ]+(?![\p{L}\p{M}])/u.exec(text)?.[0] ?? /^[\p{L}\p{M}]+/u.exec(text)?.[0].toLowerCase() ?? ''
}

function declines(text: string, length: number): boolean {
  const rest = withoutPreambles(text)
  if (rest !== text && english.forms.some((form) => form.test(rest))) return true
  const isGeneral = general.exec(rest)
  const match = isGeneral ?? particular.exec(rest)
  if (match === null) return false
  const after = rest.slice(match[0].length)
  if (answersAfterAll.test(after)) return false
  if (isGeneral !== null || request.test(after) || wrong.test(after.slice(0, REASON_MAX))) return true
  return length <= PARTICULAR_MAX_BYTES && !beginsAList.test(after)
}

function withoutPreambles(text: string): string {
  let rest = text
  for (let round = 0; round < 5; round++) {
    const before = rest
    for (const preamble of preambles) rest = rest.replace(preamble, '')
    if (rest === before) break
  }
  return rest
}
