/** How far what models get and give has moved, by model: `llm_drift`. Counts only are kept, on disk too where there is a data directory. */
import type { Host, StateJournal } from '../../../component.ts'
import { jensenShannon, stabilityIndex } from '../../../drift/divergence.ts'
import { binOf, DRIFT_SIGNALS, type DriftSignal, HourlySketches } from '../../../drift/hourly_sketches.ts'
import { FINISH_REASONS } from '../../../gen_ai/known_values.ts'
import { SIGNALS } from '../../../gen_ai/quality.ts'
import { memoryOf } from '../../../self/memory/process_memory.ts'
import type { CountedCall } from '../families.ts'
import { Lease, type MetricSet } from '../series/metric_set.ts'
import type { Gauge } from '../series/recent_mean.ts'

/** Models that are watched, the first that come; those that come later are counted as not watched. */
const MODELS_MAX = 200
const VERSIONS_MAX = 15
const SAVE_EVERY_MS = 10 * 60_000
const STATE_BYTES_MAX = 64 << 20
const REFUSAL = 1 << SIGNALS.indexOf('refusal')
const HEDGING = 1 << SIGNALS.indexOf('hedging')
const DRIFT = {
  name: 'llm_drift',
  help: 'How far a distribution of this hour lies from that of the same hours of the days before: 0 is not at all',
}

interface Watched {
  readonly sketches: HourlySketches
  /** Versions that answered, in the order in which they came. */
  readonly versions: string[]
  readonly lease: Lease
}

export class Drift {
  /** Calls of models for which there was no room. */
  unwatched = 0
  readonly #set: MetricSet
  readonly #host: Host
  readonly #count_min: number
  readonly #models = new Map<string, Watched>()
  #journal: StateJournal | undefined
  #saved_ms: number

  /** `count_min`: values that both sides must have. */
  constructor(set: MetricSet, host: Host, count_min: number) {
    this.#set = set
    this.#host = host
    this.#count_min = count_min
    this.#saved_ms = host.clock.monotonic_ms()
    memoryOf(host).hold('drift', () => this.size_bytes)
    host.meter.gauge(
      'sluice_gen_ai_metrics_drift_unwatched',
      'Calls of models whose drift is not watched, because there are so many.',
      { connector: host.id },
      () => this.unwatched,
    )
  }

  get size_bytes(): number {
    return [...this.#models.values()].reduce((sum, { sketches }) => sum + sketches.size_bytes, 0)
  }

  /** Reads what was kept. */
  async start(): Promise<void> {
    this.#journal = await this.#host.journal('drift', { bytes_max: STATE_BYTES_MAX })
    if (this.#journal === undefined) return
    for await (const record of this.#journal.records()) this.#restore(record)
  }

  /** A call has settled. `model` and `version`: texts of its labels. */
  observe(call: CountedCall, model: string, version: string): void {
    const watched = this.#watched(model)
    if (watched === undefined) {
      this.unwatched++
      return
    }
    const now_ms = this.#host.clock.now_ms()
    const add = (signal: DriftSignal, bin: number) => watched.sketches.add(signal, bin, now_ms)
    add('error_rate', call.failed ? 1 : 0)
    if (!Number.isNaN(call.input)) add('input_tokens', binOf(call.input))
    if (!Number.isNaN(call.output)) add('output_tokens', binOf(call.output))
    for (let bit = 0; bit < FINISH_REASONS.length; bit++)
      if ((call.finishReasons >>> bit) & 1) add('finish_reason', bit)
    if (!Number.isNaN(call.score)) {
      add('quality', Math.floor(call.score * 10))
      add('refusal_rate', (call.signals & REFUSAL) === 0 ? 0 : 1)
      add('hedging_rate', (call.signals & HEDGING) === 0 ? 0 : 1)
    }
    if (version !== '') add('model_version', versionOf(watched, version))
  }

  /** To be called now and then. */
  tick(): void {
    const now_ms = this.#host.clock.monotonic_ms()
    if (now_ms - this.#saved_ms < SAVE_EVERY_MS) return
    this.#saved_ms = now_ms
    this.#save().catch((error: unknown) => this.#host.log.warn({ err: error }, 'the baselines of drift were not saved'))
  }

  async shutdown(): Promise<void> {
    for (const { lease } of this.#models.values()) lease.end()
    await this.#save().catch((error: unknown) =>
      this.#host.log.warn({ err: error }, 'the baselines of drift were not saved'),
    )
    await this.#journal?.close()
    this.#journal = undefined
  }

  #watched(model: string): Watched | undefined {
    const known = this.#models.get(model)
    if (known !== undefined) return known
    if (this.#models.size >= MODELS_MAX) return undefined
    const watched = { sketches: new HourlySketches(), versions: [], lease: new Lease(this.#set, undefined, true) }
    this.#models.set(model, watched)
    for (const [signal] of DRIFT_SIGNALS)
      for (const method of ['jsd', 'psi'] as const)
        watched.lease.gauge(DRIFT, { model, signal, method }, () => this.#gauge(watched.sketches, signal, method))
    return watched
  }

  #gauge(sketches: HourlySketches, signal: DriftSignal, method: 'jsd' | 'psi'): Gauge {
    const { clock } = this.#host
    const count_min = this.#count_min
    return {
      at() {
        const compared = sketches.compare(signal, clock.now_ms(), count_min)
        if (compared === undefined) return Number.NaN
        const { baseline, current } = compared
        return method === 'jsd' ? jensenShannon(baseline, current) : stabilityIndex(baseline, current)
      },
    }
  }

  async #save(): Promise<void> {
    const now_ms = this.#host.clock.now_ms()
    const records = [...this.#models].map(([model, { sketches, versions }]) =>
      Buffer.from(JSON.stringify({ model, versions, hours: sketches.save(now_ms) })),
    )
    await this.#journal?.replace(records)
  }

  /** A record of another version, or a damaged one, is passed over. */
  #restore(record: Buffer): void {
    try {
      const { model, versions, hours } = JSON.parse(record.toString('utf8')) as Saved
      const watched = this.#watched(String(model))
      if (watched === undefined || !Array.isArray(hours)) return
      watched.versions.push(...versions.slice(0, VERSIONS_MAX).map(String))
      watched.sketches.restore(hours)
    } catch (error) {
      this.#host.log.warn({ err: error }, 'a baseline of drift cannot be read and is passed over')
    }
  }
}

interface Saved {
  readonly model: string
  readonly versions: readonly string[]
  readonly hours: readonly (readonly [number, readonly number[]])[]
}

/** Bin of a version: those that come when there is no bin left share the last. */
function versionOf({ versions }: Watched, version: string): number {
  const known = versions.indexOf(version)
  if (known >= 0) return known
  return versions.length < VERSIONS_MAX ? versions.push(version) - 1 : VERSIONS_MAX
}
