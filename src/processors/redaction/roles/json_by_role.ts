import { WHOSE_COUNT } from '../../../content/messages/vocabulary.ts'
import { CONTAINER, KEY, TEXT, WHOLE, type WhoseWords, WORDS } from '../../../content/messages/whose_words.ts'
import { Output } from '../../../otlp/output.ts'
import type { ContentPolicy } from '../config.ts'
import type { RedactionTally } from '../redaction_tally.ts'
import { NOTHING, type ViewedBytes, viewed } from '../texts/byte_cache.ts'
import type { Contents } from '../texts/contents.ts'
import type { JudgedTexts } from '../texts/judged_texts.ts'
import { groupOfWords } from './role_words.ts'

const QUOTE = 34
const BACKSLASH = 92
const COLON = 58
/** What stands in place of many small parts may be longer than they are: so much of it is taken. */
const GROWTH_MAX = 4
const GROWTH_MIN_BYTES = 1024

/** What `prepare` says. */
const UNCHANGED = 0
export const CHANGED = 1
/** What is left is too long: the text has to be taken as a whole. */
export const TOO_LONG = 2

/**
 * Writes JSON text in which each part is as the policy of its role wants it, and which is JSON of the same shape. The
 * detectors see all that is left at once, as they do where there is one policy for all: a key tells of the value beside it.
 */
export class JsonByRole {
  readonly #texts: JudgedTexts
  readonly #contents: Contents
  /** By WHOSE. */
  readonly #policies: readonly ContentPolicy[]
  readonly #out = new Output(1 << 12)
  /** Ranges of `#out` in which nothing is looked for: start and end. */
  readonly #kept: number[] = []
  readonly #counts = new Int32Array(WHOSE_COUNT)
  #left: ViewedBytes = NOTHING
  #source: ViewedBytes = NOTHING
  #copied = 0
  #keys = 0
  #findings = 0

  constructor(texts: JudgedTexts, contents: Contents, policies: readonly ContentPolicy[]) {
    this.#texts = texts
    this.#contents = contents
    this.#policies = policies
  }

  /** What is to be left of the JSON text [start, end), whose parts are `words`. If it is CHANGED, `write` has to follow. */
  prepare(source: ViewedBytes, start: number, end: number, words: WhoseWords, tally: RedactionTally): 0 | 1 | 2 {
    this.#out.reset()
    this.#source = source
    this.#copied = start
    this.#keys = 0
    this.#counts.fill(0)
    let done: 0 | 1 | 2 = UNCHANGED
    try {
      done = this.#leave(start, end, words, tally)
      return done
    } finally {
      this.#source = NOTHING
      this.#kept.length = 0
      if (done !== CHANGED) this.#forget()
    }
  }

  #leave(start: number, end: number, words: WhoseWords, tally: RedactionTally): 0 | 1 | 2 {
    const out = this.#out
    const rows = words.rows
    const length_max = (end - start) * GROWTH_MAX + GROWTH_MIN_BYTES
    for (let row = 0; row < words.count; ) {
      if (out.end > length_max) return TOO_LONG
      const at = row * WORDS.width
      const bits = rows[at + WORDS.bits]!
      if ((bits & (CONTAINER | WHOLE)) === CONTAINER) row++
      else {
        this.#part(rows[at + WORDS.start]!, rows[at + WORDS.end]!, bits, rows[at + WORDS.whose]!, tally)
        row = rows[at + WORDS.next]!
      }
    }
    this.#copyTo(end)
    return this.#find(tally) ? CHANGED : UNCHANGED
  }

  /** How long what is left is, in bytes, before anything in it was masked. */
  get length(): number {
    return this.#out.end
  }

  write(out: Output, tally: RedactionTally): void {
    if (this.#findings === 0) out.copy(this.#out.bytes, 0, this.#out.end)
    else this.#texts.writeRedacted(out, this.#findings, tally)
    this.#forget()
  }

  #forget(): void {
    this.#out.reset()
    this.#left = NOTHING
  }

  #find(tally: RedactionTally): boolean {
    let isChanged = false
    for (let whose = 0; whose < WHOSE_COUNT; whose++) {
      const count = this.#counts[whose]!
      if (count === 0) continue
      tally.addDropped(groupOfWords(whose), count)
      isChanged = true
    }
    this.#left = viewed(this.#out.bytes)
    this.#findings = this.#texts.find(this.#left, 0, this.#out.end)
    if (this.#findings > 0 && this.#kept.length > 0) this.#findings = this.#texts.leaveRanges(this.#kept)
    return isChanged || this.#findings !== 0
  }

  #part(start: number, end: number, bits: number, whose: number, tally: RedactionTally): void {
    const policy = this.#policies[whose]!
    if (policy === 'keep') this.#keep(start, end)
    else if (policy === 'truncate') this.#truncate(start, end, bits, whose, tally)
    else if (policy !== 'mask') this.#replace(policy, start, end, bits, whose)
  }

  #keep(start: number, end: number): void {
    this.#copyTo(start)
    const from = this.#out.end
    this.#copyTo(end)
    this.#kept.push(from, this.#out.end)
  }

  #replace(policy: 'drop' | 'hash', start: number, end: number, bits: number, whose: number): void {
    const quote = (bits & (TEXT | KEY)) === 0 ? 0 : 1
    const from = start + quote
    const to = end - quote
    const isKey = (bits & KEY) !== 0
    const key = isKey ? this.#keys + 1 : 0
    const text = this.#contents.insteadOfPart(policy, this.#source.bytes, from, to, quote === 1, key)
    if (text === undefined) return this.#keep(start, end)
    if (isKey) this.#keys++
    this.#copyTo(start)
    const written = this.#out.end
    this.#out.byte(QUOTE)
    this.#out.text(text)
    this.#out.byte(QUOTE)
    this.#kept.push(written, this.#out.end)
    this.#copied = end
    this.#counts[whose]!++
  }

  /** In a structure, each of its texts and keys. */
  #truncate(start: number, end: number, bits: number, whose: number, tally: RedactionTally): void {
    if ((bits & (TEXT | KEY)) !== 0) return this.#truncateText(start + 1, end - 1, (bits & KEY) !== 0, whose, tally)
    const { bytes } = this.#source
    for (let at = start; at < end; ) {
      if (bytes[at++] !== QUOTE) continue
      const from = at
      while (bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1
      let behind = ++at
      while (bytes[behind]! <= 32) behind++
      this.#truncateText(from, at - 1, bytes[behind] === COLON, whose, tally)
    }
  }

  /** Masked before it is cut: half of a finding would not be found. */
  #truncateText(start: number, end: number, isKey: boolean, whose: number, tally: RedactionTally): void {
    const { bytes } = this.#source
    if (!this.#contents.isLong(bytes, start, end, true)) return
    this.#copyTo(start)
    const out = this.#out
    const from = out.end
    const count = this.#texts.find(this.#source, start, end)
    if (count === 0) out.copy(bytes, start, end)
    else this.#texts.writeRedacted(out, count, tally, true)
    this.#contents.truncate(out, from, end - start, true, isKey ? ++this.#keys : 0)
    this.#copied = end
    this.#counts[whose]!++
  }

  #copyTo(to: number): void {
    this.#out.copy(this.#source.bytes, this.#copied, to)
    this.#copied = to
  }
}
