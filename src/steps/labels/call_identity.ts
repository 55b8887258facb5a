/** Ids of who a call is for, that are too many to be labels: of its user, session and conversation, on its span or the nearest above that has one. */

import { idOf } from '../call_rows.ts'
import { type Calls, INT } from '../calls.ts'
import type { SpanLinks } from '../span_links.ts'
import { LabelChoice } from './label_choice.ts'
import type { Label } from './labels.ts'
import type { SpanLabels } from './span_labels.ts'

/** By the name under which a summary has it: where emitters write it, the best first. */
export const IDENTITIES: readonly Label[] = [
  {
    name: 'user.id',
    sources: [
      ...['user.id', 'enduser.id', 'enduser.pseudo.id', 'langfuse.user.id', 'langfuse.trace.user_id', 'gen_ai.user.id'],
      ...['gen_ai.request.user', 'llm.user', 'gen_ai.user', 'traceloop.association.properties.user_id'],
      ...['langsmith.metadata.user_id', 'ai.telemetry.metadata.userId', 'ai.telemetry.metadata.user_id'],
      ...[
        'metadata.user_id',
        'metadata.user_api_key_end_user_id',
        'metadata.user_api_key_user_id',
        'litellm.end_user.id',
      ],
      ...['lmnr.association.properties.user_id', 'baggage.user.id', 'user_id', 'userId'],
    ],
  },
  {
    name: 'session.id',
    sources: [
      ...['session.id', 'langfuse.session.id', 'traceloop.association.properties.session_id', 'baggage.session.id'],
      ...['langsmith.metadata.session_id', 'ai.telemetry.metadata.sessionId', 'metadata.session_id', 'session_id'],
      ...['gcp.vertex.agent.session_id', 'lmnr.association.properties.session_id', 'mlflow.trace.session'],
    ],
  },
  {
    name: 'gen_ai.conversation.id',
    sources: [
      ...['gen_ai.conversation.id', 'conversation.id', 'conversation_id', 'gen_ai.thread.id'],
      ...['traceloop.association.properties.conversation_id', 'traceloop.association.properties.thread_id'],
      ...['langsmith.metadata.thread_id', 'langsmith.metadata.conversation_id', 'metadata.thread_id', 'thread_id'],
    ],
  },
]
/** So many spans, from the call's own up, are asked. */
const SPANS_MAX = 64

export class CallIdentity {
  readonly #labels: SpanLabels
  readonly #links: SpanLinks
  #choice: LabelChoice | undefined
  #sources: readonly string[] = []
  readonly #found: (string | undefined)[] = IDENTITIES.map(() => undefined)
  readonly #starts: number[] = []
  readonly #ends: number[] = []

  constructor(labels: SpanLabels, links: SpanLinks) {
    this.#labels = labels
    this.#links = links
    labels.want(IDENTITIES.flatMap(({ sources }) => sources))
  }

  /** Texts by the position in IDENTITIES, undefined without: the same list every time. `report`: its row. */
  of({ ints }: Pick<Calls, 'ints'>, report: number): readonly (string | undefined)[] {
    const found = this.#found.fill(undefined)
    const int = report * INT.width
    const trace = ints[int + INT.trace]!
    let span = idOf(ints[int + INT.spanHigh]!, ints[int + INT.spanLow]!)
    let above = idOf(ints[int + INT.parentHigh]!, ints[int + INT.parentLow]!)
    for (let spans = 0; spans < SPANS_MAX && (span !== 0 || above !== 0); spans++) {
      const place = span === 0 ? -1 : this.#labels.find(trace, span)
      if (place >= 0) this.#take(place)
      if (found.every((one) => one !== undefined)) break
      span = above
      above = span === 0 ? 0 : this.#links.above(trace, span)
    }
    return found
  }

  #take(place: number): void {
    const labels = this.#labels
    if (this.#choice === undefined || this.#sources !== labels.sources) {
      this.#sources = labels.sources
      this.#choice = new LabelChoice(IDENTITIES, labels.sources)
    }
    this.#choice.begin()
    let chosen: Int32Array | undefined
    for (let left = labels.begin(place); left > 0; left--) {
      const source = labels.next()
      this.#starts[source] = labels.start
      this.#ends[source] = labels.end
      chosen = this.#choice.add(source)
    }
    for (let at = 0; chosen !== undefined && at < chosen.length; at++) {
      const source = chosen[at]!
      if (source < 0 || this.#found[at] !== undefined) continue
      const text = labels.bytes.toString('utf8', this.#starts[source], this.#ends[source])
      // What redaction has taken away is nobody's id.
      if (!text.startsWith('[DROPPED')) this.#found[at] = text
    }
  }
}
