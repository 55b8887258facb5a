import type { Ancestry } from './groups.ts'
import { BETWEEN_MAX } from './report_tree.ts'
import type { CallFacts, Id } from './same_call.ts'

/** Of more reports each would be compared with too many. */
export const FEW = 8

/** What decides whether a report stands alone. */
export type ReportPlace = Readonly<
  Pick<CallFacts, 'spanId' | 'parentId' | 'responseId' | 'emitter' | 'isRecord' | 'isStreamRecord'>
>

/** Reports by position. */
export interface Places {
  readonly count: number
  /** May be the same object every time: it is read at once. */
  place(at: number): ReportPlace
}

const spans = new Float64Array(FEW)
const parents = new Float64Array(FEW)
const responses = new Int32Array(FEW)

/**
 * True: no two of the reports can be one call, as of most traces with a few calls one after the other. False says nothing:
 * they have to be grouped. The rules that join reports need another emitter, an equal response id, a log record or a
 * stream's, or a report that stands above the other.
 */
export function areApart(reports: Places, ancestry: Ancestry): boolean {
  const { count } = reports
  if (count > FEW) return false
  let emitter = 0
  for (let at = 0; at < count; at++) {
    const place = reports.place(at)
    if (at === 0) emitter = place.emitter
    if (place.emitter !== emitter || place.isRecord || place.isStreamRecord) return false
    spans[at] = place.spanId
    parents[at] = place.parentId
    responses[at] = place.responseId
    if (isAmong(spans, at, place.spanId)) return false
    if (place.responseId !== 0 && isAmong(responses, at, responses[at]!)) return false
  }
  for (let at = 0; at < count; at++) if (isBelow(parents[at]!, spans[at]!, count, ancestry)) return false
  return true
}

/** Is one of the spans the parent, or above it? */
function isBelow(parent: Id, itself: Id, count: number, ancestry: Ancestry): boolean {
  let id = parent
  for (let between = 0; id !== 0 && id !== itself && between <= BETWEEN_MAX; between++) {
    if (isAmong(spans, count, id)) return true
    id = ancestry.above(id)
  }
  return false
}

function isAmong(values: Float64Array | Int32Array, count: number, value: number): boolean {
  for (let at = 0; at < count; at++) if (values[at] === value) return true
  return false
}
