import type { Ancestry, Reports } from './groups.ts'
import { BETWEEN_MAX } from './report_tree.ts'
import type { Id } from './same_call.ts'

/** Of more reports each would be compared with too many. */
const FEW = 8

/**
 * True: no two of the reports can be one call, as of most traces with a few calls one after the other. False says nothing:
 * they have to be grouped. The rules that join reports need another emitter, an equal response id, a log record or a
 * stream's, or a report that stands above the other.
 */
export function areApart(reports: Reports, ancestry: Ancestry): boolean {
  const { count } = reports
  if (count > FEW) return false
  const spans: Id[] = []
  const parents: Id[] = []
  const responses: number[] = []
  let emitter = 0
  for (let at = 0; at < count; at++) {
    const facts = reports.facts(at)
    const { spanId, responseId } = facts
    if (at === 0) emitter = facts.emitter
    if (facts.emitter !== emitter || facts.isRecord || facts.isStreamRecord) return false
    if (spans.includes(spanId) || (responseId !== 0 && responses.includes(responseId))) return false
    spans.push(spanId)
    parents.push(facts.parentId)
    responses.push(responseId)
  }
  return !parents.some((parent, at) => isBelow(parent, spans[at]!, spans, ancestry))
}

/** Is one of the spans the parent, or above it? */
function isBelow(parent: Id, itself: Id, spans: readonly Id[], ancestry: Ancestry): boolean {
  let id = parent
  for (let between = 0; id !== 0 && id !== itself && between <= BETWEEN_MAX; between++) {
    if (spans.includes(id)) return true
    id = ancestry.above(id)
  }
  return false
}
