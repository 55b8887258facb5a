/** Which dialect a span is in: marks by scope are tried once per scope, marks by attribute once per span. */
import { ATTRIBUTE } from '../../telemetry/attributes.ts'
import type { LogBatch, TraceBatch } from '../../telemetry/batch.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { builtInLexicon, type Lexicon, type MarkRow } from '../dialects/lexicon.ts'
import { scopeNameOf } from '../wire.ts'

/** What a scope leaves possible. */
export interface DialectCandidates {
  readonly lexicon: Lexicon
  /** In order of precedence. */
  readonly marks: readonly MarkRow[]
  /** The scope is a mark or part of one: its spans are looked at whatever their attributes. */
  readonly byScope: boolean
  /** Dialect of a failed span whose name alone tells that it is a call; -1 in scopes where names tell nothing. */
  readonly byName: number
}

/** So many names of scopes are remembered, each of at most so many characters. */
const NAMES_MAX = 256
const NAME_MAX = 200

/** The scopes of one batch after another. One instance serves one component. */
export class ScopeMarks {
  readonly #lexicon: Lexicon
  /** By the scope's name. Applications have a few dozen. */
  readonly #known = new Map<string, DialectCandidates>()
  #batch: TraceBatch | LogBatch | undefined
  #scope = -1
  #candidates: DialectCandidates

  constructor(lexicon: Lexicon = builtInLexicon) {
    this.#lexicon = lexicon
    this.#candidates = { lexicon, marks: [], byScope: false, byName: -1 }
  }

  /** The marks that a span (or log record) in scope group `scope` of the batch may show. */
  of(batch: TraceBatch | LogBatch, scope: number): DialectCandidates {
    if (batch === this.#batch && scope === this.#scope) return this.#candidates
    this.#batch = batch
    this.#scope = scope
    this.#candidates = this.#candidatesIn(scopeNameOf(batch, scope))
    return this.#candidates
  }

  #candidatesIn(name: string): DialectCandidates {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const marks = this.#lexicon.marksByRow.filter((mark) => mark.scope === undefined || name.startsWith(mark.scope))
    const candidates = {
      lexicon: this.#lexicon,
      marks,
      byScope: marks.some((mark) => mark.scope !== undefined),
      byName: this.#lexicon.telling.find(({ scope }) => name.startsWith(scope))?.dialect ?? -1,
    }
    if (name.length > NAME_MAX) return candidates
    if (this.#known.size === NAMES_MAX) this.#known.clear()
    this.#known.set(name, candidates)
    return candidates
  }

  /** Lets go of the last batch. */
  forget(): void {
    this.#batch = undefined
  }
}

/** Could the span be in a dialect? A look for marks alone, before all attributes are looked up. */
export function mayBeMarked({ byScope, lexicon }: DialectCandidates, view: SpanView): boolean {
  return byScope || (beginsAsMarks(lexicon, view) && isMarked(lexicon, view))
}

/** Nearly all spans of other kinds end here. */
function beginsAsMarks({ anywhere }: Lexicon, { bytes, attributes }: SpanView): boolean {
  const { first, second } = anywhere
  const { rows, count } = attributes
  for (let at = ATTRIBUTE.keyStart; at < count * ATTRIBUTE.width; at += ATTRIBUTE.width) {
    const start = rows[at]!
    if (first[bytes[start]!] === 1 && second[bytes[start + 1]!] === 1) return true
  }
  return false
}

function isMarked({ anywhere }: Lexicon, { bytes, attributes }: SpanView): boolean {
  const { rows, count } = attributes
  for (let at = ATTRIBUTE.keyStart; at < count * ATTRIBUTE.width; at += ATTRIBUTE.width)
    if (anywhere.keys.find(bytes, rows[at]!, rows[at + 1]!) >= 0) return true
  return false
}

/** Position of the dialect in the table, or -1. `found` as filled with the lexicon's keys. */
export function recognise({ marks }: DialectCandidates, found: Int32Array): number {
  for (let at = 0; at < marks.length; at++) {
    const mark = marks[at]!
    if (mark.key < 0 || found[mark.key]! >= 0) return mark.dialect
  }
  return -1
}
