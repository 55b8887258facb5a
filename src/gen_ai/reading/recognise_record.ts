/** Which log records are model calls, and in which dialect: by the event's name, else by the scope. */
import type { LogBatch } from '../../telemetry/batch.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import type { RecordView } from '../../telemetry/record_view.ts'
import { lexicon, type RecordMark } from '../dialects/lexicon.ts'
import { scopeNameOf } from '../wire.ts'
import { type DialectCandidates, recognise, ScopeMarks } from './recognise.ts'

/** The conventions' event for a call: its attributes are like those of the call's span. */
const DETAILS = 'gen_ai.client.inference.operation.details'
const details = Buffer.from(DETAILS)
const events = new KeySet([DETAILS, ...new Set(lexicon.recordMarks.flatMap(({ event }) => event?.toString() ?? []))])
/** Of an event of the conventions that shows no mark of a dialect. */
const NEWEST_DIALECT = lexicon.ids.indexOf('otel-genai-newest')

/** What a scope leaves possible for its log records. */
export interface RecordCandidates {
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
  readonly #spanMarks = new ScopeMarks()
  #batch: LogBatch | undefined
  #scope = -1
  #candidates: RecordCandidates | undefined

  /** The marks that a log record in scope group `scope` of the batch may show. */
  of(batch: LogBatch, scope: number): RecordCandidates {
    if (this.#candidates !== undefined && batch === this.#batch && scope === this.#scope) return this.#candidates
    this.#batch = batch
    this.#scope = scope
    const name = scopeNameOf(batch, scope)
    const marks = lexicon.recordMarks.filter((mark) => mark.scope === undefined || name.startsWith(mark.scope))
    this.#candidates = {
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
export function mayBeRecorded({ byScope }: RecordCandidates, view: RecordView): boolean {
  return byScope || (view.eventStart >= 0 && events.find(view.bytes, view.eventStart, view.eventEnd) >= 0)
}

/** Of the conventions' event, by dialect. */
const marksOfDetails: readonly RecordMark[] = lexicon.ids.map((_, dialect) => ({
  dialect,
  scope: undefined,
  event: details,
  isCall: true,
  fails: false,
}))

/** The mark that the record shows, which has its dialect; undefined without one. `found` as filled with the lexicon's keys. */
export function recogniseRecord(
  candidates: RecordCandidates,
  view: RecordView,
  found: Int32Array,
): RecordMark | undefined {
  const { marks, repeats, ofSpans } = candidates
  if (view.isEvent(details)) {
    if (repeats) return undefined
    const dialect = recognise(ofSpans, found)
    return marksOfDetails[dialect < 0 ? NEWEST_DIALECT : dialect]
  }
  for (let at = 0; at < marks.length; at++) {
    const { event } = marks[at]!
    if (event === undefined || view.isEvent(event)) return marks[at]
  }
  return undefined
}
