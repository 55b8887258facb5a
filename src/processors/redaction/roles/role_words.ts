/** Content of several roles, where their policies differ: what can be told apart in it. */
import { groupNumber } from '../../../content/content_groups.ts'
import type { Effort } from '../../../content/detectors/effort.ts'
import { looksLikeJson, readJsonMessages } from '../../../content/messages/json_messages.ts'
import { ValueMessages } from '../../../content/messages/value_messages.ts'
import { WHOSE } from '../../../content/messages/vocabulary.ts'
import { placeInJson, placeInValues, WhoseWords } from '../../../content/messages/whose_words.ts'
import { JsonSyntax } from '../../../content/quality/json_syntax.ts'
import { ARRAY, contentStart, KVLIST, STRING, valueKind } from '../../../telemetry/any_value.ts'
import { type ContentPolicy, strictnessOf } from '../config.ts'

/** What a value is. */
export const CONTENT = {
  /** A plain text or a number: its attribute says whose it may be. */
  plain: 0,
  /** A structure that is not understood, or not to its end. */
  unclear: 1,
  /** A text that is JSON; `words` has what is in it. */
  json: 2,
  /** A list or a map; `words` has what is in it. */
  values: 3,
} as const
export type ContentKind = (typeof CONTENT)[keyof typeof CONTENT]

/** What reading a byte takes, in steps: the syntax is checked, and then the messages are read. */
const BYTE_STEPS = 0.5
/** What a part takes that is judged by itself, what it takes to hash it, and what each look at a row does. */
const PART_STEPS = 20
const HASH_STEPS = 250
const VISIT_STEPS = 0.5
const ANY = groupNumber('any')
/** What stands around roles and messages in structures of other forms than JSON's, or of JSON in JSON. */
const marks = ['role"', "role'", 'role\\', 'role=', 'Message(', 'tool_call_id'].map((mark) => Buffer.from(mark))
/** Some emitters put quotes around plain texts, others around structures. */
const structureInQuotes = /^"\s*[[{(<"\\]/
const OPENING_BYTES = 64
/** What nobody sees may stand in front of a structure; the opening may end within a character. */
const hiddenStructure = /^[\s\p{Z}\p{C}\ufffd]*(?:[[{]|$)/u
/** Server-sent events, one a line. */
const DATA = Buffer.from('data:')
const events = /^data:\s*[[{"]/m

export class RoleWords {
  /** By WHOSE. */
  readonly policies: readonly ContentPolicy[]
  readonly words: WhoseWords
  readonly #values = new ValueMessages()
  readonly #placeInValues = placeInValues(this.#values)
  readonly #syntax = new JsonSyntax()
  readonly #effort: Effort
  readonly #partSteps: number

  constructor(policies: readonly ContentPolicy[], effort: Effort) {
    this.policies = policies
    this.words = new WhoseWords(policies.map(strictnessOf))
    this.#effort = effort
    this.#partSteps = policies.includes('hash') ? HASH_STEPS : PART_STEPS
  }

  /** For what no role is known of. */
  get strictest(): ContentPolicy {
    return this.policies[WHOSE.unknown]!
  }

  /** Reads the AnyValue in [start, end). `isModels`: only models write what stands there. @throws EffortError */
  read(bytes: Buffer, start: number, end: number, isModels: boolean): ContentKind {
    const kind = valueKind(bytes, start, end)
    const content = contentStart(bytes, start, end)
    if (kind < ARRAY && kind !== STRING) return CONTENT.plain
    this.#effort.spend((end - start) * BYTE_STEPS)
    if (kind === ARRAY || kind === KVLIST)
      return this.#readValues(bytes, start, end, isModels) ? CONTENT.values : CONTENT.unclear
    if (kind !== STRING) return CONTENT.unclear
    if (!looksLikeJson(bytes, content, end)) return isPlain(bytes, content, end) ? CONTENT.plain : CONTENT.unclear
    return this.#readJson(bytes, content, end, isModels) ? CONTENT.json : CONTENT.unclear
  }

  #readValues(bytes: Buffer, start: number, end: number, isModels: boolean): boolean {
    this.words.begin(bytes, this.#placeInValues)
    this.#values.read(bytes, start, end, this.words)
    return this.#finish(isModels) && this.#values.inOrder
  }

  /** What is no JSON to the last byte may be read in another way by somebody else. */
  #readJson(bytes: Buffer, start: number, end: number, isModels: boolean): boolean {
    const syntax = this.#syntax
    syntax.reset()
    if (!syntax.add(bytes, start, end, false) || !syntax.isComplete || syntax.isTooDeep) return false
    this.words.begin(bytes, placeInJson)
    const isWhole = readJsonMessages(bytes, start, end, this.words)
    return this.#finish(isModels) && isWhole
  }

  #finish(isModels: boolean): boolean {
    const isWhole = this.words.finish(isModels)
    this.#effort.spend(this.words.count * this.#partSteps + this.words.visits * VISIT_STEPS)
    return isWhole
  }
}

/** The content group under which words are counted. */
export function groupOfWords(whose: number): number {
  return whose === WHOSE.unknown ? ANY : whose
}

/** Whether a text that is no JSON is no structure either, in which the words of several roles could stand. */
function isPlain(bytes: Buffer, start: number, end: number): boolean {
  const text = bytes.subarray(start, end)
  const opening = text.toString('utf8', 0, OPENING_BYTES)
  if (structureInQuotes.test(opening) || (text.length > 0 && hiddenStructure.test(opening))) return false
  if (text.includes(DATA) && events.test(text.toString('latin1'))) return false
  return !marks.some((mark) => text.includes(mark))
}
