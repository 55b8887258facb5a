/** What is dangerous in a call or a step: what it was asked, what was found for it, and what somebody stopped. */
import { AskedWords } from '../content/prompts/asked_words.ts'
import { SIGNAL } from '../content/quality/signals.ts'
import { isIndirectInjection, isInjection } from '../content/safety/injection.ts'
import { mayInject } from '../content/safety/may_inject.ts'
import { SAFETY } from '../content/safety/safety_signals.ts'
import { textStart } from '../telemetry/any_value.ts'
import { KeySet } from '../telemetry/key_set.ts'
import type { SpanView } from '../telemetry/span_view.ts'
import type { ModelCall } from './model_call.ts'

/** What tools gave back and searches found. */
const FOUND = new KeySet([
  ...['gen_ai.tool.call.result', 'ai.toolCall.result', 'spring.ai.tool.call.result', 'gcp.vertex.agent.tool_response'],
  ...['tool_response', 'gen_ai.tool.output', 'gen_ai.tool.result', 'mcp.tool.result', 'mcp.response.value', 'output'],
  ...['traceloop.entity.output', 'langfuse.observation.output', 'mlflow.spanOutputs', 'genkit:output', 'output.value'],
  ...['gen_ai.retrieval.documents', 'lmnr.span.output', 'mastra.tool_call.output', 'gen_ai.completion'],
])
const FOUND_BYTES_MAX = 8 * 1024
const documents = /^retrieval\.documents\.\d+\.document\.content$/
const documentsBegin = Buffer.from('retrieval.documents.')

export class Safety {
  readonly #asked = new AskedWords()
  /** Bits of SAFETY_SIGNALS that are looked for. */
  readonly #wanted: number

  constructor(wanted: number) {
    this.#wanted = wanted
  }

  /** Sets the call's `safetySignals`; its quality has been judged. */
  judge(view: SpanView, call: ModelCall): void {
    let signals = (call.qualitySignals & SIGNAL.content_filter) !== 0 ? SAFETY.content_filter : 0
    const injections = this.#wanted & (SAFETY.prompt_injection | SAFETY.indirect_injection)
    if (injections !== 0 && this.#asked.read(view, mayInject)) {
      const { user, found } = this.#asked
      if (user !== '' && isInjection(user)) signals |= SAFETY.prompt_injection
      if (found !== '' && isIndirectInjection(found)) signals |= SAFETY.indirect_injection
    }
    call.safetySignals = signals & this.#wanted
  }

  /** The same of a step that is no call: bits of SAFETY_SIGNALS. */
  ofStep(view: SpanView, kind: string, verdict: string | undefined): number {
    let signals = verdict === 'blocked' ? SAFETY.guardrail_blocked : 0
    if (
      (kind === 'tool' || kind === 'retrieval') &&
      (this.#wanted & SAFETY.indirect_injection) !== 0 &&
      hasInjection(view)
    )
      signals |= SAFETY.indirect_injection
    return signals & this.#wanted
  }
}

function hasInjection({ bytes, attributes }: SpanView): boolean {
  for (let row = 0; row < attributes.count; row++) {
    const [start, end] = [attributes.keyStart(row), attributes.keyEnd(row)]
    if (FOUND.find(bytes, start, end) < 0 && !isDocument(bytes, start, end)) continue
    const to = attributes.valueEnd(row)
    const text = textStart(bytes, attributes.valueStart(row), to)
    const from = Math.max(text < 0 ? attributes.valueStart(row) : text, to - FOUND_BYTES_MAX)
    if (mayInject(bytes, from, to) && isIndirectInjection(bytes.toString('utf8', from, to))) return true
  }
  return false
}

function isDocument(bytes: Buffer, start: number, end: number): boolean {
  return (
    end - start > documentsBegin.length &&
    documentsBegin.compare(bytes, start, start + documentsBegin.length) === 0 &&
    documents.test(bytes.toString('latin1', start, end))
  )
}
