/** From settled calls, and from steps that name a conversation, to conversations and their metrics. */
import type { Host } from '../../../component.ts'
import { answersInWords } from '../../../gen_ai/known_values.ts'
import { memoryOf } from '../../../self/memory/process_memory.ts'
import type { StepReport } from '../../../steps/activity/step_report.ts'
import { FAILED, INT, NUMBER } from '../../../steps/call_rows.ts'
import type { Calls } from '../../../steps/calls.ts'
import { ConversationTable, NO_CONVERSATION } from '../../../steps/conversations/conversation_table.ts'
import { sharedConversations } from '../../../steps/conversations/shared_conversations.ts'
import type { Report } from '../../../steps/report.ts'
import type { Subscriber } from '../../../steps/step_book.ts'
import type { MetricSet } from '../series/metric_set.ts'
import { ConversationSeries } from './conversation_series.ts'

export interface ConversationBounds {
  /** Conversations at once. */
  readonly max: number
  /** So long a conversation is quiet before it has ended; milliseconds. */
  readonly expire_after: number
}

/** Ended in one go: what is more waits for the next second. */
const ENDED_MAX = 10_000
/** Of the memory limit. */
const BYTES_SHARE = 1 / 8

export class ConversationCounts implements Pick<Subscriber, 'keep' | 'settle' | 'step'> {
  readonly #steps: { readonly calls: Calls }
  readonly #bounds: () => ConversationBounds
  readonly #host: Host
  readonly #set: MetricSet
  readonly #table: ConversationTable
  readonly #memory: ReturnType<typeof memoryOf>
  /** None before the first conversation: who has none is shown none. */
  #series: ConversationSeries | undefined
  /** By row of a report: the conversation that it names. */
  #named = new Float64Array(256)
  readonly #release: () => void

  constructor(steps: { readonly calls: Calls }, set: MetricSet, bounds: () => ConversationBounds, host: Host) {
    this.#steps = steps
    this.#bounds = bounds
    this.#host = host
    this.#set = set
    this.#table = new ConversationTable({
      ended: (conversation) => this.#series?.ended(conversation),
      judged: (turn, score) => this.#series?.judged(turn, score),
      grown: (tokens) => this.#series?.grown(tokens),
    })
    this.#memory = memoryOf(host)
    this.#release = this.#memory.hold('conversations', () => this.#table.size_bytes + this.#named.byteLength)
    sharedConversations(host).tables.add(this.#table)
    const gauge = (name: string, help: string, read: () => number) =>
      host.meter.gauge(name, help, { connector: host.id }, read)
    gauge(
      'sluice_gen_ai_metrics_conversations_given_up',
      'Conversations that were ended early to make room.',
      () => this.#table.givenUp,
    )
    gauge(
      'sluice_gen_ai_metrics_conversation_calls_late',
      'Calls that are in no conversation, since theirs was ended before they settled.',
      () => this.#table.late,
    )
  }

  keep(row: number, { bytes, conversationStart, conversationEnd }: Report): void {
    const trace = this.#steps.calls.ints[row * INT.width + INT.trace]!
    if (row >= this.#named.length) {
      const larger = new Float64Array(Math.max(row + 1, this.#named.length * 2))
      larger.set(this.#named)
      this.#named = larger
    }
    this.#named[row] = this.#hear(bytes, conversationStart, conversationEnd, trace)
  }

  step({ bytes, conversationStart, conversationEnd, trace }: StepReport): void {
    this.#hear(bytes, conversationStart, conversationEnd, trace)
  }

  settle(row: number, reports: readonly number[]): void {
    const { ints, numbers } = this.#steps.calls
    const trace = ints[reports[0]! * INT.width + INT.trace]!
    const conversation = this.#conversationOf(reports, trace)
    if (conversation === NO_CONVERSATION) return
    const [int, number] = [row * INT.width, row * NUMBER.width]
    this.#table.add(conversation, {
      trace,
      inWords: answersInWords(ints[int + INT.operation]!),
      failed: (ints[int + INT.flags]! & FAILED) !== 0,
      start_ms: numbers[number + NUMBER.start_ms]!,
      end_ms: numbers[number + NUMBER.end_ms]!,
      input: numbers[number + NUMBER.input]!,
      output: numbers[number + NUMBER.output]!,
      cost_usd: numbers[number + NUMBER.cost_usd]!,
      score: numbers[number + NUMBER.score]!,
    })
  }

  tick(): void {
    this.#table.expire(this.#host.clock.monotonic_ms(), this.#bounds().expire_after, ENDED_MAX)
  }

  /** What is going on has ended, as far as anybody will know. */
  close(): void {
    this.#table.endAll()
    sharedConversations(this.#host).tables.delete(this.#table)
    this.#release()
  }

  /** What the reports name, the outermost first; else what the rest of the trace does. */
  #conversationOf(reports: readonly number[], trace: number): number {
    for (const report of reports) if (this.#named[report]! !== NO_CONVERSATION) return this.#named[report]!
    return this.#table.ofTrace(trace)
  }

  #hear(bytes: Buffer, start: number, end: number, trace: number): number {
    if (start >= end) return NO_CONVERSATION
    this.#series ??= new ConversationSeries(this.#set, () => this.#table.count)
    const most = Math.min(this.#bounds().max, ConversationTable.fitting(this.#memory.limit_bytes * BYTES_SHARE))
    return this.#table.hear(bytes, start, end, trace, this.#host.clock.monotonic_ms(), most)
  }
}
