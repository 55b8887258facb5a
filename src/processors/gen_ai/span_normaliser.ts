/** Spans: model calls are brought into the newest conventions, priced, and their answers judged; other steps are marked. */
import type { Consumer, Host } from '../../component.ts'
import { findAnswer } from '../../content/answers/find_answer.ts'
import type { Lexicon } from '../../gen_ai/dialects/lexicon.ts'
import { readModelCall } from '../../gen_ai/reading/read.ts'
import { ScopeMarks } from '../../gen_ai/reading/recognise.ts'
import { lacksUsage, needsUsage, WorkflowOutputs } from '../../gen_ai/reading/workflow_output.ts'
import { keyOfProcess } from '../../gen_ai/steps/arguments_fingerprint.ts'
import { readStep } from '../../gen_ai/steps/read_step.ts'
import { Step } from '../../gen_ai/steps/step.ts'
import type { Clock } from '../../self/clock.ts'
import { SPAN_ATTRIBUTES } from '../../telemetry/attribute_writer.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import type { CallTally } from './call_counters.ts'
import type { GenAiConfig } from './config.ts'
import { Normaliser } from './normaliser.ts'
import { StepWatch } from './steps/step_watch.ts'
import { StepWriter } from './steps/step_writer.ts'
import { watchedStep } from './steps/watched_step.ts'

export class SpanNormaliser extends Normaliser<'traces'> {
  #scopes: ScopeMarks
  readonly #view = new SpanView()
  readonly #outputs = new WorkflowOutputs()
  readonly #step = new Step()
  readonly #steps = new StepWriter(SPAN_ATTRIBUTES)
  readonly #secret = keyOfProcess()
  readonly #watch = new StepWatch()
  readonly #clock: Clock

  constructor(config: GenAiConfig, host: Host, next: Consumer<'traces'>) {
    super(config, host, next, SPAN_ATTRIBUTES)
    this.#scopes = new ScopeMarks(this.lexicon)
    this.#clock = host.clock
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
      else if (readStep(view, this.#step, this.#secret)) this.#writeStep(item, view, tally)
    }
    this.#step.forget()
    this.#outputs.forget()
    view.forget()
    this.#scopes.forget()
  }

  #writeStep(item: number, view: SpanView, tally: CallTally): void {
    this.rewrite.prependToItem(item)
    this.#steps.write(
      this.rewrite.out,
      this.#step,
      this.#watch.notice(watchedStep(view, this.#step), this.#clock.monotonic_ms()),
    )
    this.rewrite.close()
    tally.steps.add(this.#step)
  }

  protected readBy(lexicon: Lexicon): void {
    this.#scopes = new ScopeMarks(lexicon)
  }

  protected findAnswer(): void {
    findAnswer(this.#view, this.answer)
  }
}
