/** What traces do, beside and with their model calls, and the metrics of it. */
import type { Host } from '../../../component.ts'
import { memoryOf } from '../../../self/memory/process_memory.ts'
import type { StepReport } from '../../../steps/activity/step_report.ts'
import { type ActivityTimes, TraceActivities } from '../../../steps/activity/trace_activities.ts'
import { INT } from '../../../steps/call_rows.ts'
import type { Calls } from '../../../steps/calls.ts'
import type { Report } from '../../../steps/report.ts'
import { sharedSpanLinks } from '../../../steps/span_links.ts'
import type { Subscriber } from '../../../steps/step_book.ts'
import type { MetricSet } from '../series/metric_set.ts'
import { type ActivityBounds, ActivityCounts } from './activity_counts.ts'
import { ConversationCounts } from './conversation_counts.ts'

/** Of the memory limit, for traces of which not everything is told. */
const BYTES_SHARE = 1 / 32

export class Activity implements Pick<Subscriber, 'settle' | 'repeat' | 'step'> {
  readonly counts: ActivityCounts
  readonly #steps: { readonly calls: Calls }
  readonly #traces: TraceActivities
  readonly #release: () => void
  readonly #conversations: ConversationCounts
  /** By the report's row: the conversation that it names. */
  #named = new Float64Array(256)

  constructor(
    steps: { readonly calls: Calls },
    set: MetricSet,
    bounds: ActivityBounds & { readonly conversations_max: number },
    host: Host,
  ) {
    const memory = memoryOf(host)
    this.#steps = steps
    this.#conversations = new ConversationCounts(set, bounds.conversations_max, host)
    this.counts = new ActivityCounts(set, bounds, host.clock, () => this.#traces.rows, this.#conversations)
    const bytes_max = () => memory.limit_bytes * BYTES_SHARE
    this.#traces = new TraceActivities(this.counts, sharedSpanLinks(host), host.clock, bytes_max)
    this.#release = memory.hold('trace_activities', () => this.#traces.size_bytes)
    const labels = { connector: host.id }
    const gauge = (name: string, help: string, read: () => number) => host.meter.gauge(name, help, labels, read)
    gauge('sluice_gen_ai_metrics_traces_open', 'Traces whose steps wait to be told.', () => this.#traces.traces)
    gauge(
      'sluice_gen_ai_metrics_traces_given_up',
      'Traces of which everything was told early, to make room.',
      () => this.#traces.givenUp,
    )
    gauge(
      'sluice_gen_ai_metrics_steps_left_out',
      'Steps and calls beyond those that one trace may have, which are in no metric of steps.',
      () => this.#traces.leftOut,
    )
    gauge(
      'sluice_gen_ai_metrics_step_names_overflowed',
      'How often the name of a tool, agent, source or guardrail was counted as "other".',
      () => this.counts.names.overflowed,
    )
  }

  keep(row: number, { bytes, conversationStart, conversationEnd }: Report): void {
    const named = this.#conversations.talks.open(bytes, conversationStart, conversationEnd)
    if (row >= this.#named.length) {
      const larger = new Float64Array(row * 2)
      larger.set(this.#named)
      this.#named = larger
    }
    this.#named[row] = named
    this.#traces.awaitCall(this.#traceOf(row), named)
  }

  step(step: StepReport): void {
    const { bytes, conversationStart, conversationEnd } = step
    this.#traces.addStep(step, this.#conversations.talks.open(bytes, conversationStart, conversationEnd))
  }

  settle(row: number, reports: readonly number[]): void {
    const trace = this.#traceOf(reports[0]!)
    let conversation = 0
    for (const report of reports) conversation ||= this.#named[report]!
    this.#traces.addCall(this.#steps.calls, row, reports[0]!, conversation)
    this.#traces.called(trace, reports.length)
  }

  repeat(row: number): void {
    this.#traces.called(this.#traceOf(row), 1)
  }

  tick(times: ActivityTimes & { readonly conversations: { readonly expire_after: number } }): void {
    this.#traces.tick(times)
    this.#conversations.expire(times.conversations.expire_after)
  }

  close(): void {
    this.#traces.close()
    this.#conversations.close()
    this.#release()
  }

  #traceOf(row: number): number {
    return this.#steps.calls.ints[row * INT.width + INT.trace]!
  }
}
