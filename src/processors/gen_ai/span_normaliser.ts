/** Spans of model calls and other steps: brought into the newest conventions, calls priced, and their answers judged. */
import type { Consumer, Host } from '../../component.ts'
import { findAnswer } from '../../content/answers/find_answer.ts'
import type { Lexicon } from '../../gen_ai/dialects/lexicon.ts'
import { readModelCall } from '../../gen_ai/reading/read.ts'
import { type DialectCandidates, recognise, ScopeMarks } from '../../gen_ai/reading/recognise.ts'
import { lacksUsage, needsUsage, WorkflowOutputs } from '../../gen_ai/reading/workflow_output.ts'
import { readStep } from '../../gen_ai/steps/read_step.ts'
import { Step } from '../../gen_ai/steps/step.ts'
import { StepFilter } from '../../gen_ai/steps/step_filter.ts'
import type { Loops } from '../../gen_ai/steps/watching/loop_bounds.ts'
import { STEP_WATCH, type StepWatch } from '../../gen_ai/steps/watching/step_watch.ts'
import { SPAN_ATTRIBUTES } from '../../telemetry/attribute_writer.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { SpanView, STATUS_ERROR } from '../../telemetry/span_view.ts'
import type { CallTally } from './call_counters.ts'
import type { GenAiConfig } from './config.ts'
import { Normaliser } from './normaliser.ts'
import { safetyWriter } from './quality_writer.ts'
import { StepWriter } from './steps/step_writer.ts'

export class SpanNormaliser extends Normaliser<'traces'> {
  #scopes: ScopeMarks
  readonly #view = new SpanView()
  readonly #outputs = new WorkflowOutputs()
  readonly #step = new Step()
  readonly #stepWriter = new StepWriter(SPAN_ATTRIBUTES)
  readonly #writeSafety = safetyWriter(SPAN_ATTRIBUTES)
  readonly #watch: StepWatch
  #loops: Loops
  #filter: StepFilter

  constructor(config: GenAiConfig, host: Host, next: Consumer<'traces'>) {
    super(config, host, next, SPAN_ATTRIBUTES)
    this.#scopes = new ScopeMarks(this.lexicon)
    this.#filter = new StepFilter(this.lexicon.anywhere.keys.names)
    this.#watch = host.service(STEP_WATCH)
    this.#loops = config.loops
  }

  protected normalise(batch: TraceBatch, tally: CallTally): void {
    const view = this.#view
    for (let item = 0; item < batch.items; item++) {
      view.read(batch, item)
      const candidates = this.#scopes.of(batch, view.scope)
      if (!this.#mayBeStep(candidates)) continue
      if (readModelCall(view, this.found, candidates, this.call)) {
        if (!lacksUsage(this.call) || this.#outputs.read(batch, view, this.call) || !needsUsage(this.call))
          this.writeCall(item, view, tally)
      } else if (readStep(view, this.#step, this.#watch.key)) this.#writeStep(item, candidates, tally)
    }
    this.#step.forget()
    this.#outputs.forget()
    view.forget()
    this.#scopes.forget()
  }

  override async update(config: unknown): Promise<boolean> {
    this.#loops = (config as GenAiConfig).loops
    return super.update(config)
  }

  /** Nearly all spans of other kinds end here. */
  #mayBeStep({ byScope, byName }: DialectCandidates): boolean {
    const view = this.#view
    return byScope || (byName >= 0 && view.statusCode === STATUS_ERROR) || this.#filter.passes(view)
  }

  #writeStep(item: number, candidates: DialectCandidates, tally: CallTally): void {
    const { rewrite, found, lexicon } = this
    rewrite.prependToItem(item)
    this.#stepWriter.write(rewrite.out, this.#step, this.#watch.see(this.#view, this.#step, this.#loops))
    const dangers = this.safety.ofStep(this.#view, this.#step.kind, this.#step.verdict)
    if (dangers !== 0) this.#writeSafety(rewrite.out, dangers)
    rewrite.close()
    this.#view.attributes.find(this.#view.bytes, lexicon.keys, found)
    tally.addStep(this.#step.kind, recognise(candidates, found))
  }

  protected readBy(lexicon: Lexicon): void {
    this.#scopes = new ScopeMarks(lexicon)
    this.#filter = new StepFilter(lexicon.anywhere.keys.names)
  }

  protected findAnswer(): void {
    findAnswer(this.#view, this.answer)
  }
}
