/** Which log records are model calls, and in which dialect: by the event's name, else by the scope. */
import type { LogBatch } from '../../telemetry/batch.ts'
import type { RecordView } from '../../telemetry/record_view.ts'
import { builtInLexicon, DETAILS, type Lexicon, type RecordMark } from '../dialects/lexicon.ts'
import { scopeNameOf } from '../wire.ts'
import { type DialectCandidates, recognise, ScopeMarks } from './recognise.ts'

const details = Buffer.from(DETAILS)

/** What a scope leaves possible for its log records. */
export interface RecordCandidates {
  readonly lexicon: Lexicon
  readonly marks: readonly RecordMark[]
  /** All its records may be calls, not only some events. */
  readonly byScope: boolean
  /** The conventions' event repeats another record. */
  readonly repeats: boolean
  /** Dialects of the attributes of the conventions' event. */
  readonly ofSpans: DialectCandidates
}

/** The scopes of one batch after another. One instance serves one component. */
export class RecordMarks {
  readonly #lexicon: Lexicon
  readonly #spanMarks: ScopeMarks
  #batch: LogBatch | undefined
  #scope = -1
  #candidates: RecordCandidates | undefined

  constructor(lexicon: Lexicon = builtInLexicon) {
    this.#lexicon = lexicon
    this.#spanMarks = new ScopeMarks(lexicon)
  }

  /** The marks that a log record in scope group `scope` of the batch may show. */
  of(batch: LogBatch, scope: number): RecordCandidates {
    if (this.#candidates !== undefined && batch === this.#batch && scope === this.#scope) return this.#candidates
    this.#batch = batch
    this.#scope = scope
    const name = scopeNameOf(batch, scope)
    const lexicon = this.#lexicon
    const marks = lexicon.recordMarks.filter((mark) => mark.scope === undefined || name.startsWith(mark.scope))
    this.#candidates = {
      lexicon,
      marks,
      byScope: marks.some(({ event }) => event === undefined),
      repeats: lexicon.repeating.some((scope) => name.startsWith(scope)),
      ofSpans: this.#spanMarks.of(batch, scope),
    }
    return this.#candidates
  }

  /** Lets go of the last batch. */
  forget(): void {
    this.#batch = undefined
    this.#spanMarks.forget()
  }
}

/** Could the record be a call? A look at its event's name alone: nearly all records end here. */
export function mayBeRecorded({ byScope, lexicon }: RecordCandidates, view: RecordView): boolean {
  return byScope || (view.eventStart >= 0 && lexicon.recordEvents.find(view.bytes, view.eventStart, view.eventEnd) >= 0)
}

/** The mark that the record shows, which has its dialect; undefined without one. `found` as filled with the lexicon's keys. */
export function recogniseRecord(
  candidates: RecordCandidates,
  view: RecordView,
  found: Int32Array,
): RecordMark | undefined {
  const { lexicon, marks, repeats, ofSpans } = candidates
  if (view.isEvent(details)) {
    if (repeats) return undefined
    const dialect = recognise(ofSpans, found)
    return lexicon.marksOfDetails[dialect < 0 ? lexicon.newestDialect : dialect]
  }
  for (let at = 0; at < marks.length; at++) {
    const { event } = marks[at]!
    if (event === undefined || view.isEvent(event)) return marks[at]
  }
  return undefined
}
