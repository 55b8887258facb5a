/** The `redaction` processor: takes personal data, secrets and content out of everything that passes. */
import type { Batches, Consumer, Context, Host, Processor, ProcessorFactory, Signal } from '../../component.ts'
import { contentGroups } from '../../content/content_groups.ts'
import { EffortError } from '../../content/detectors/effort.ts'
import { kindName } from '../../content/detectors/findings.ts'
import { Refusal } from '../../refusal.ts'
import { type Aside, asideOf } from '../../self/aside.ts'
import type { Counter } from '../../self/metrics/meter.ts'
import { KINDS, type RedactionConfig, schema } from './config.ts'
import { LONG_MIN_BYTES, LOOP_STEPS_MAX, redactAside } from './long_batches.ts'
import { RedactionTally } from './redaction_tally.ts'
import type { Redactor } from './redactor.ts'
import { redactorOf } from './redactor_of.ts'

export const redaction: ProcessorFactory<RedactionConfig> = {
  kind: 'processor',
  type: 'redaction',
  summary: 'Takes personal data, secrets and the content of prompts and completions out of telemetry.',
  signals: ['traces', 'logs', 'metrics'],
  redacts: takesAnythingOut,
  contentKeys: ({ content_keys }) => content_keys,
  takesContentKeys: true,
  schema,
  create: (config, host, signal, next) => new Redaction(config, host, signal, next),
}

const LONG = Symbol('long')

/** One that looks for nothing and keeps all content passes everything as it came. */
function takesAnythingOut({ detectors, content, content_rules }: RedactionConfig): boolean {
  const policies = [...Object.values(content), ...content_rules.map((rule) => rule.content)]
  return detectors.length > 0 || policies.some((policy) => policy !== 'keep')
}

class Redaction<S extends Signal> implements Processor<S> {
  readonly #host: Host
  readonly #signal: S
  readonly #next: Consumer<S>
  readonly #failed: Counter
  readonly #unknown: Counter
  readonly #aside: Aside
  #redactor: Redactor<S>
  #config: RedactionConfig
  /** For what was let through earlier, by signal; made when it is asked for. */
  readonly #again = new Map<Signal, Redactor<Signal>>()
  #hasFailed = false

  constructor(config: RedactionConfig, host: Host, signal: S, next: Consumer<S>) {
    this.#host = host
    this.#signal = signal
    this.#next = next
    this.#aside = asideOf(host)
    this.#config = config
    this.#redactor = this.#redactorOf(config, signal)
    // Known series are there from the start, so that their first increase is seen.
    for (const kind of KINDS) host.meter.counter(FINDINGS, FINDINGS_HELP, { kind: kind.toLowerCase() })
    this.#failed = host.meter.counter('sluice_redaction_failed_closed', FAILED_HELP)
    this.#unknown = host.meter.counter('sluice_redaction_unknown_fields', UNKNOWN_HELP)
  }

  /** Counts after the batch was taken, so that a batch refused and sent again is counted once. */
  async consume(batch: Batches[S], context: Context): Promise<void> {
    const tally = new RedactionTally()
    const atOnce = this.#redact(this.#redactor, batch, tally)
    const redacted = atOnce === LONG ? await this.#redactLong(batch, tally, context.deadline_ms) : atOnce
    if (redacted === undefined) context.account.drop(batch.count, 'redaction_failed')
    else {
      if (redacted.items > 0 || batch.items === 0) await this.#next.consume(redacted, context)
      const lost = batch.count - redacted.count
      if (lost > 0) context.account.drop(lost, 'redaction_failed')
    }
    if (tally.any) this.#count(tally)
  }

  async update(config: unknown): Promise<boolean> {
    this.#redactor = this.#redactorOf(config as RedactionConfig, this.#signal)
    this.#config = config as RedactionConfig
    this.#again.clear()
    return true
  }

  async reconsider<T extends Signal>(batch: Batches[T]): Promise<Batches[T] | undefined> {
    const { signal } = batch
    const redactor = this.#again.get(signal) ?? this.#redactorOf(this.#config, signal)
    this.#again.set(signal, redactor)
    const tally = new RedactionTally()
    const atOnce = this.#redact(redactor as Redactor<T>, batch, tally)
    const redacted = atOnce === LONG ? await this.#redactLong(batch, tally) : atOnce
    if (tally.any) this.#count(tally)
    return redacted
  }

  /** Undefined: the batch cannot be judged, and must not pass. LONG: it takes longer than it may here. */
  #redact<T extends Signal>(
    redactor: Redactor<T>,
    batch: Batches[T],
    tally: RedactionTally,
  ): Batches[T] | undefined | typeof LONG {
    if (batch.size_bytes >= LONG_MIN_BYTES) return LONG
    try {
      return redactor.redact(batch, tally, LOOP_STEPS_MAX)
    } catch (error) {
      return error instanceof EffortError ? LONG : this.#fail(error, tally)
    }
  }

  /** As `#redact`, beside the event loop. What a reload overtook is judged again by what holds now. */
  async #redactLong<T extends Signal>(
    batch: Batches[T],
    tally: RedactionTally,
    deadline_ms?: number,
  ): Promise<Batches[T] | undefined> {
    try {
      for (;;) {
        const config = this.#config
        tally.clear()
        const redacted = await redactAside(this.#aside, batch, config, tally, deadline_ms)
        if (config !== this.#config) continue
        if (redacted.failure !== undefined) this.#report(redacted.failure)
        return redacted.batch
      }
    } catch (error) {
      if (error instanceof Refusal) throw error
      return this.#fail(error, tally)
    }
  }

  #fail(error: unknown, tally: RedactionTally): undefined {
    tally.clear()
    tally.addFailed()
    this.#report(error)
  }

  #redactorOf<T extends Signal>(config: RedactionConfig, signal: T): Redactor<T> {
    const redactor = redactorOf(signal, config)
    redactor.onFailure = (error) => this.#report(error)
    return redactor
  }

  /** A bug, and each one the same: one line, then the counter tells. */
  #report(error: unknown): void {
    if (this.#hasFailed) return
    this.#hasFailed = true
    this.#host.log.error({ err: error }, 'telemetry could not be redacted and was dropped')
  }

  #count(tally: RedactionTally): void {
    const { meter } = this.#host
    for (const [kind, count] of tally.kinds.entries()) {
      if (count > 0) meter.counter(FINDINGS, FINDINGS_HELP, { kind: kindName(kind).toLowerCase() }).add(count)
    }
    for (const [group, count] of tally.dropped.entries()) {
      if (count > 0)
        meter.counter('sluice_redaction_dropped_content', DROPPED_HELP, { role: contentGroups[group]!.name }).add(count)
    }
    if (tally.failedClosed > 0) this.#failed.add(tally.failedClosed)
    if (tally.unknownFields > 0) this.#unknown.add(tally.unknownFields)
  }
}

const FINDINGS = 'sluice_redaction_findings'
const FINDINGS_HELP = 'Personal data and secrets replaced by placeholders.'
const DROPPED_HELP = 'Content values replaced by their length or hash, or truncated, by whose words they held.'
const FAILED_HELP = 'Values masked as a whole, and items dropped, because judging them failed.'
const UNKNOWN_HELP = 'Fields removed because OTLP does not have them, so that nothing can judge them.'
