/** Spans that are model calls: brought into the newest conventions, priced, and their answers judged. */
import type { Consumer, Host } from '../../component.ts'
import { findAnswer } from '../../content/answers/find_answer.ts'
import type { Lexicon } from '../../gen_ai/dialects/lexicon.ts'
import { readModelCall } from '../../gen_ai/reading/read.ts'
import { ScopeMarks } from '../../gen_ai/reading/recognise.ts'
import { lacksUsage, needsUsage, WorkflowOutputs } from '../../gen_ai/reading/workflow_output.ts'
import { SPAN_ATTRIBUTES } from '../../telemetry/attribute_writer.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import type { CallTally } from './call_counters.ts'
import type { GenAiConfig } from './config.ts'
import { Normaliser } from './normaliser.ts'

export class SpanNormaliser extends Normaliser<'traces'> {
  #scopes: ScopeMarks
  readonly #view = new SpanView()
  readonly #outputs = new WorkflowOutputs()

  constructor(config: GenAiConfig, host: Host, next: Consumer<'traces'>) {
    super(config, host, next, SPAN_ATTRIBUTES)
    this.#scopes = new ScopeMarks(this.lexicon)
  }

  protected normalise(batch: TraceBatch, tally: CallTally): void {
    const view = this.#view
    for (let item = 0; item < batch.items; item++) {
      view.read(batch, item)
      if (
        readModelCall(view, this.found, this.#scopes.of(batch, view.scope), this.call) &&
        (!lacksUsage(this.call) || this.#outputs.read(batch, view, this.call) || !needsUsage(this.call))
      )
        this.writeCall(item, view, tally)
    }
    this.#outputs.forget()
    view.forget()
    this.#scopes.forget()
  }

  protected readBy(lexicon: Lexicon): void {
    this.#scopes = new ScopeMarks(lexicon)
  }

  protected findAnswer(): void {
    findAnswer(this.#view, this.answer)
  }
}
