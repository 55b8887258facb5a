/** Which instrumentation made a span: two reports by one instrumentation are two calls, two by different ones may be one. */
import { findScopeName } from '../gen_ai/wire.ts'
import type { LogBatch, TraceBatch } from '../telemetry/batch.ts'
import { fieldEnd, fieldStart } from '../telemetry/find_field.ts'
import { textId } from '../telemetry/hash.ts'

export interface Emitter {
  /** Of the scope's name; 0 where it has none. */
  readonly hash: number
  /** Does it instrument a provider's SDK, and nothing above that? */
  readonly isOfProvider: boolean
}

export const NOBODY: Emitter = { hash: 0, isOfProvider: false }
const KNOWN_MAX = 1000
const NAME_MAX_BYTES = 200

/** `openinference.instrumentation.openai`, `@traceloop/instrumentation-anthropic`, `opentelemetry.instrumentation.openai.v1`, `logfire.openai` … */
const ofProvider =
  /((^|[./-])(instrumentation[.-]|logfire\.)|^io\.opentelemetry\.)(openai(-java|-official)?|anthropic(-java)?|mistralai|groq|cohere|(botocore\.)?bedrock(-runtime)?|vertexai|google[_-]genai|google[_-]generativeai|together|replicate|ollama|watsonx|sagemaker|alephalpha|writer)([._-]?v?\d+(\.\d+)*)?$/

/** The scopes of one batch after another. One instance serves one component. */
export class Emitters {
  readonly #known = new Map<number, Emitter>()
  #batch: TraceBatch | LogBatch | undefined
  #scope = -1
  #emitter = NOBODY

  of(batch: TraceBatch | LogBatch, scope: number): Emitter {
    if (batch === this.#batch && scope === this.#scope) return this.#emitter
    this.#batch = batch
    this.#scope = scope
    const { bytes } = batch
    const name = findScopeName(batch, scope)
    this.#emitter = name < 0 ? NOBODY : this.#named(bytes, fieldStart(bytes, name), fieldEnd(bytes, name))
    return this.#emitter
  }

  /** Lets go of the last batch. */
  forget(): void {
    this.#batch = undefined
  }

  #named(bytes: Buffer, start: number, end: number): Emitter {
    const hash = textId(bytes, start, end)
    const known = this.#known.get(hash)
    if (known !== undefined) return known
    const name = bytes.toString('latin1', start, Math.min(end, start + NAME_MAX_BYTES))
    const emitter = { hash, isOfProvider: ofProvider.test(name) }
    // Or names made of ids would keep the real ones out for ever.
    if (this.#known.size >= KNOWN_MAX) this.#known.clear()
    this.#known.set(hash, emitter)
    return emitter
  }
}
