import { isDeepStrictEqual } from 'node:util'
import type { Connector, Consumer, Context, Host, Ports } from '../../component.ts'
import { notAccounted } from '../../not_accounted.ts'
import { retryLater } from '../../refusal.ts'
import type { Timer } from '../../self/clock.ts'
import { Throttle } from '../../self/log.ts'
import { labelsOf } from '../../steps/labels/labels.ts'
import { sharedSpanLabels } from '../../steps/labels/span_labels.ts'
import { sharedSpanLinks } from '../../steps/span_links.ts'
import { Subscription } from '../../steps/subscription.ts'
import type { LogBatch, MetricBatch, TraceBatch } from '../../telemetry/batch.ts'
import { sharedVerdicts } from '../../traces/verdicts.ts'
import { Activity } from './activity/activity.ts'
import { Attribution } from './attribution/attribution.ts'
import { CallCounts, type SampledService } from './call_counts.ts'
import { reportWeight } from './call_weights.ts'
import type { GenAiMetricsConfig } from './config.ts'
import { Drift } from './drift/drift.ts'
import { LabelTexts } from './label_texts.ts'
import { OwnMetrics } from './own/own_metrics.ts'
import { ExemplarCandidates } from './series/bucket_exemplars.ts'
import { MetricSet, type Now } from './series/metric_set.ts'

/** How often it is looked which traces have settled, and whether there are new series to show. */
const TICK_MS = 500
/** Error types told apart; response ids, which only have to differ while their calls wait, are hashed instead. */
const ERROR_TYPES_MAX = 200
/** What cannot change in place. */
const FIXED = [
  'models_max',
  'series_max',
  'calls_max',
  'duplicates_window',
  'weighted_metrics',
  'native_histograms',
  'histogram_bounds',
] as const

export class GenAiMetrics implements Connector {
  readonly inputs = {
    traces: { consume: async (batch: TraceBatch, context: Context) => this.#consume(batch, context) },
    logs: { consume: async (batch: LogBatch, context: Context) => this.#consume(batch, context) },
  }
  readonly #host: Host
  readonly #next: Ports
  #config: GenAiMetricsConfig
  readonly #texts: LabelTexts
  readonly #errorTypes: LabelTexts
  readonly #candidates: ExemplarCandidates
  readonly #set: MetricSet
  readonly #counts: CallCounts
  readonly #own: OwnMetrics
  readonly #steps: Subscription
  /** From the start on. */
  #activity: Activity | undefined
  #attribution: Attribution | undefined
  #drift: Drift | undefined
  readonly #throttle: Throttle
  /** Bounds that the log has told of. */
  readonly #told = new Set<string>()
  #timers: Timer[] = []
  #sending: Promise<void> = Promise.resolve()
  /** Of metrics to be handed on: with the next consumer, or behind those. */
  #underWay = 0
  #stopped = false

  constructor(config: GenAiMetricsConfig, host: Host, next: Ports) {
    this.#config = config
    this.#host = host
    this.#next = next
    this.#texts = new LabelTexts(config.models_max, host.clock)
    this.#errorTypes = new LabelTexts(ERROR_TYPES_MAX, host.clock)
    this.#candidates = new ExemplarCandidates(sharedVerdicts(host), host.clock)
    this.#set = new MetricSet(host.clock, this.#candidates, config)
    this.#steps = new Subscription(host, config)
    this.#own = new OwnMetrics(host, () => this.#config.own_metrics)
    this.#counts = new CallCounts(this.#steps, this.#texts, this.#errorTypes, this.#set, config, host, this.#own)
    this.#own.onPassed = (service) => this.#leaveOut(service)
    this.#throttle = new Throttle(host.clock)
  }

  async start(): Promise<void> {
    const { models_max: names_max, series_max, conversations } = this.#config
    const activity = new Activity(
      this.#steps,
      this.#set,
      { names_max, series_max, conversations_max: conversations.max },
      this.#host,
    )
    this.#activity = activity
    const attribution = this.#newAttribution()
    this.#attribution = attribution
    const drift = this.#config.drift.enabled
      ? new Drift(this.#set, this.#host, this.#config.drift.count_min)
      : undefined
    await drift?.start()
    this.#drift = drift
    this.#steps.join({
      keep: (row, report) => {
        const weight = reportWeight(report)
        this.#own.keep(row, report, weight > 1)
        this.#counts.keep(row, report, weight)
        attribution.keep(row, report)
        activity.keep(row, report)
      },
      settle: (row, reports) => {
        const counted = this.#counts.settle(row, reports)
        attribution.settle(reports, counted)
        drift?.observe(counted, this.#counts.modelOf(counted), this.#counts.versionOf(counted))
        activity.settle(row, reports)
      },
      repeat: (row) => activity.repeat(row),
      step: (step) => activity.step(step),
    })
    const { meter, id } = this.#host
    const labels = { connector: id }
    meter.gauge(
      'sluice_gen_ai_metrics_calls_waiting',
      'Model calls in memory, waiting or to compare later ones with.',
      labels,
      () => this.#steps.calls.count,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_models_overflowed',
      'How often a model name was counted as "other".',
      labels,
      () => this.#texts.overflowed,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_series_refused',
      'How often the series of a call were those of "other" because there are series_max.',
      labels,
      () => this.#counts.places.refused,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_exemplar_candidates',
      'Calls that may be shown as exemplars, most of which wait for the verdict on their trace.',
      labels,
      () => this.#candidates.count,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_error_types_overflowed',
      'How often an error type was counted as "other".',
      labels,
      () => this.#errorTypes.overflowed,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_labels_replaced',
      'Model names and error types that lost their place to others that are used more.',
      labels,
      () => this.#texts.replaced + this.#errorTypes.replaced,
    )
    meter.gauge(
      'sluice_gen_ai_metrics_series_ended',
      'Series that ended to make room for others.',
      labels,
      () => this.#set.ended,
    )
    this.#startTimers()
  }

  beside(next: Consumer<'metrics'>): Consumer<'metrics'> {
    return this.#own.beside(next)
  }

  /** Only what state is made for needs a new instance, whose counters begin at zero. */
  async update(config: unknown): Promise<boolean> {
    const next = config as GenAiMetricsConfig
    if (FIXED.some((key) => !isDeepStrictEqual(next[key], this.#config[key]))) return false
    if (next.conversations.max !== this.#config.conversations.max) return false
    this.#config = next
    this.#startTimers()
    return true
  }

  /** Everything that waits is counted and shown; new series at zero first. */
  async shutdown(deadline: AbortSignal): Promise<void> {
    if (this.#stopped) return
    this.#stopped = true
    for (const timer of this.#timers) timer.cancel()
    this.#steps.close()
    this.#activity?.close()
    this.#own.close()
    await this.#drift?.shutdown()
    const { promise: aborted, resolve } = Promise.withResolvers<void>()
    if (deadline.aborted) resolve()
    deadline.addEventListener('abort', () => resolve(), { once: true })
    await Promise.race([this.#sendLast(), aborted])
  }

  async #sendLast(): Promise<void> {
    await this.#sending
    const now = this.#now()
    await this.#send(() => this.#set.showFresh(now))
    // Later than the zeros: of two values of one moment a backend keeps the first.
    await this.#send(() => this.#set.show({ ...now, unix_ms: now.unix_ms + 1 }, 0))
  }

  #newAttribution(): Attribution {
    const { attribution, attribution_values_max } = this.#config
    const host = this.#host
    return new Attribution(
      labelsOf(attribution),
      attribution_values_max,
      this.#steps,
      sharedSpanLabels(host),
      sharedSpanLinks(host),
      this.#counts.places,
      host.clock,
    )
  }

  #startTimers(): void {
    const { clock } = this.#host
    for (const timer of this.#timers) timer.cancel()
    this.#timers = [
      clock.every(TICK_MS, () => this.#tick()),
      clock.every(this.#config.metrics_flush_interval, () => this.#flush()),
    ]
  }

  #consume(batch: TraceBatch | LogBatch, context: Context): void {
    if (this.#stopped) throw retryLater('shutdown', 'the connector has stopped')
    const duplicates = this.#steps.take(batch, context)
    this.#own.forget()
    this.#attribution?.forget()
    context.account.duplicate(duplicates)
    context.account.deliver(batch.count - duplicates)
  }

  #tick(): void {
    this.#steps.tick(this.#config)
    this.#activity?.tick(this.#config)
    this.#tellBounds()
    this.#drift?.tick()
    // What is under way may show them, and must not keep the place of the next flush.
    if (this.#set.fresh > 0 && this.#underWay === 0) this.#send(() => this.#set.showFresh(this.#now()))
  }

  /** Once for each bound that is reached: totals stay true, but what is told apart does not. */
  #tellBounds(): void {
    const reached = {
      models_max: this.#texts.overflowed,
      error_types: this.#errorTypes.overflowed,
      series_max: this.#counts.places.refused,
    }
    for (const [bound, count] of Object.entries(reached)) {
      if (count === 0 || this.#told.has(bound)) continue
      this.#told.add(bound)
      this.#host.log.warn({ bound }, 'a bound is reached: what is used least is counted as "other", totals stay true')
    }
  }

  /** At once, or both would be seen until the next flush. */
  #leaveOut(service: SampledService): void {
    if (this.#counts.leaveOut(service)) this.#flush()
  }

  #now(): Now {
    const { clock } = this.#host
    return { unix_ms: clock.now_ms(), monotonic_ms: clock.monotonic_ms() }
  }

  #flush(): void {
    const now = this.#now()
    this.#send(() => this.#set.show(now, this.#config.metrics_flush_interval - TICK_MS))
  }

  /** While the next consumer is slow, one waits and the others are left out: the next flush has newer values. */
  #send(show: () => Iterable<MetricBatch>): Promise<void> {
    if (this.#underWay === 2) return this.#sending
    this.#underWay++
    this.#sending = this.#sending.then(() => this.#handOn(show())).finally(() => this.#underWay--)
    return this.#sending
  }

  async #handOn(batches: Iterable<MetricBatch>): Promise<void> {
    let isFirst = true
    try {
      for (const batch of batches) {
        // Each is made when its turn has come, and others have their turn in between.
        if (!isFirst) await new Promise((resolve) => setImmediate(resolve))
        isFirst = false
        await this.#next.metrics?.consume(batch, { account: notAccounted, metadata: new Map(), isOwn: true })
      }
    } catch (error) {
      this.#throttle.log('refused', (repeats) =>
        this.#host.log.warn({ err: error, repeats }, 'metrics were refused; the next flush will have them'),
      )
    }
  }
}
