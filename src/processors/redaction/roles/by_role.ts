/** Content of several roles, where their policies differ: each part of it as the policy of its role wants it. */
import { contentGroups, groupNumber } from '../../../content/content_groups.ts'
import { CONTAINER, KEY, TEXT, WHOLE, type WhoseWords, WORDS } from '../../../content/messages/whose_words.ts'
import { groupOfStep, type Side } from '../../../content/step_words.ts'
import { readUint32 } from '../../../otlp/cursor.ts'
import type { MessageName } from '../../../otlp/schema.ts'
import { contentStart, STRING } from '../../../telemetry/any_value.ts'
import type { ContentPolicy } from '../config.ts'
import type { RedactionTally } from '../redaction_tally.ts'
import type { ViewedBytes } from '../texts/byte_cache.ts'
import { type Contents, takesOut } from '../texts/contents.ts'
import type { JudgedTexts } from '../texts/judged_texts.ts'
import type { Edits } from '../walk/edits.ts'
import type { Keys } from '../walk/keys.ts'
import { CHANGED, JsonByRole, TOO_LONG } from './json_by_role.ts'
import { CONTENT, groupOfWords, type RoleWords } from './role_words.ts'
import { StepOfItem } from './step_of_item.ts'

/** What the walk does with parts. */
export interface Parts {
  readonly edits: Edits
  readonly tally: RedactionTally
  /** The AnyValue [start, end) of the field that begins at `field`. */
  whole(policy: ContentPolicy, group: number, field: number, start: number, end: number): void
  /** The KeyValue [start, end), under `mask` or `truncate`. */
  pair(policy: ContentPolicy, group: number, start: number, end: number): void
  /** A text in place of the AnyValue field [field, end). */
  replaceValue(field: number, end: number, text: Buffer): void
}

export class ByRole {
  readonly #roles: RoleWords
  readonly #json: JsonByRole
  readonly #contents: Contents
  /** By content group. */
  readonly #policies: readonly ContentPolicy[]
  readonly #step: StepOfItem
  #keys = 0

  constructor(
    roles: RoleWords,
    texts: JudgedTexts,
    contents: Contents,
    policies: readonly ContentPolicy[],
    keys: Keys,
  ) {
    this.#step = new StepOfItem(keys)
    this.#roles = roles
    this.#policies = policies
    this.#contents = contents
    this.#json = new JsonByRole(texts, contents, roles.policies)
  }

  /** What is judged next stands in that item. */
  begin(message: MessageName, start: number, end: number): void {
    this.#step.begin(message, start, end)
  }

  /**
   * Judges the AnyValue [start, end) of a content group: as a whole, if the group is of one role, by the strictest policy
   * of all, if it is a structure that is not understood, and else part by part. Under a name that every step uses,
   * on that `side` of it (a SIDE, else 0), the step tells whose a plain text is.
   */
  judge(source: ViewedBytes, group: number, side: number, field: number, start: number, end: number, to: Parts): void {
    if (!isMixed[group]) return to.whole(this.#policies[group]!, group, field, start, end)
    const plain = side === 0 ? group : groupOfStep(this.#step.of(source), side as Side)
    switch (this.#roles.read(source.bytes, start, end, plain === OUTPUT)) {
      case CONTENT.plain:
        return to.whole(this.#policies[plain]!, plain, field, start, end)
      case CONTENT.unclear:
        return to.whole(this.#roles.strictest, group, field, start, end)
      case CONTENT.json:
        return this.#judgeJson(source, group, field, start, end, to)
      case CONTENT.values:
        return this.#judgeValues(source.bytes, to)
    }
  }

  #judgeJson(source: ViewedBytes, group: number, field: number, start: number, end: number, to: Parts): void {
    const { words, strictest } = this.#roles
    const done = this.#json.prepare(source, contentStart(source.bytes, start, end), end, words, to.tally)
    if (done === TOO_LONG) to.whole(strictest, group, field, start, end)
    if (done !== CHANGED) return
    const { out } = to.edits
    const { length } = this.#json
    to.edits.open(field, end)
    const value = out.open(readUint32(source.bytes, field, end) >>> 3, length)
    const text = out.open(STRING, length)
    this.#json.write(out, to.tally)
    out.close(text, length)
    out.close(value, length)
    to.edits.close()
  }

  #judgeValues(bytes: Buffer, to: Parts): void {
    const { words, policies } = this.#roles
    this.#keys = 0
    for (let row = 0; row < words.count; ) {
      const at = row * WORDS.width
      const bits = words.rows[at + WORDS.bits]!
      const policy = policies[words.rows[at + WORDS.whose]!]!
      if ((bits & (CONTAINER | WHOLE)) === CONTAINER || policy === 'keep') row++
      else if ((bits & KEY) !== 0) row = this.#judgeKey(bytes, policy, words, row, to)
      else {
        this.#judgeValue(bytes, policy, words.rows, at, to)
        row = words.rows[at + WORDS.next]!
      }
    }
  }

  /** With its value, where that is not judged by itself: a key may name a secret. Returns the next row. */
  #judgeKey(bytes: Buffer, policy: ContentPolicy, { rows, count }: WhoseWords, row: number, to: Parts): number {
    const at = row * WORDS.width
    const field = rows[at + WORDS.field]!
    const end = rows[at + WORDS.end]!
    const group = groupOfWords(rows[at + WORDS.whose]!)
    if (takesOut(policy)) {
      const text = this.#contents.insteadOfPart(policy, bytes, rows[at + WORDS.start]!, end, false, this.#keys + 1)
      if (text === undefined) return row + 1
      this.#keys++
      to.tally.addDropped(group)
      to.edits.open(field, end)
      const mark = to.edits.out.open(readUint32(bytes, field, end) >>> 3, text.length)
      to.edits.out.text(text)
      to.edits.out.close(mark, text.length)
      to.edits.close()
      return row + 1
    }
    const value = at + WORDS.width
    const hasValue = row + 1 < count && rows[value + WORDS.field] === end
    to.pair(policy, group, field, hasValue ? rows[value + WORDS.end]! : end)
    return hasValue ? rows[value + WORDS.next]! : row + 1
  }

  #judgeValue(bytes: Buffer, policy: ContentPolicy, rows: Int32Array, at: number, to: Parts): void {
    const field = rows[at + WORDS.field]!
    const start = rows[at + WORDS.start]!
    const end = rows[at + WORDS.end]!
    const group = groupOfWords(rows[at + WORDS.whose]!)
    const isNumber = (rows[at + WORDS.bits]! & (TEXT | CONTAINER)) === 0
    if (!isNumber || !takesOut(policy)) return to.whole(policy, group, field, start, end)
    // Numbers that are attributes of their own stay; those in a structure may be what it is about.
    to.tally.addDropped(group)
    to.replaceValue(field, end, Buffer.from(this.#contents.insteadOfPart(policy, bytes, start, end, false, 0) ?? ''))
  }
}

const OUTPUT = groupNumber('output')
/** By content group: whether it holds the words of several roles. */
const isMixed = contentGroups.map(({ roles }) => roles.length > 1)
