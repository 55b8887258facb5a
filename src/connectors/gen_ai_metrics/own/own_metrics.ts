/**
 * An application may send metrics of its calls itself. Of one service and one family of metrics only one may tell: what is
 * derived of its spans, or its own metrics. Those that do not are set aside before the exporters that show both.
 */
import type { Batches, Consumer, Context, Host } from '../../../component.ts'
import { findScopeName } from '../../../gen_ai/wire.ts'
import type { Counter } from '../../../self/metrics/meter.ts'
import type { Report } from '../../../steps/report.ts'
import type { MetricBatch } from '../../../telemetry/batch.ts'
import { fieldEnd, fieldStart, findField } from '../../../telemetry/find_field.ts'
import { isEqual } from '../../../telemetry/key_set.ts'
import { countDataPoints, ITEM, SCOPE } from '../../../telemetry/layout.ts'
import { Rewrite } from '../../../telemetry/rewriting/rewrite.ts'
import type { OwnMetricsMode } from '../config.ts'
import { KnownServices, type ServiceTold } from './known_services.ts'
import { FAMILIES, familyOfBytes } from './meanings.ts'

/** Services that the log and the labels tell apart. */
export const NAMES_SHOWN_MAX = 100
/** Tag of `name` in a Metric (opentelemetry/proto/metrics/v1). */
const METRIC_NAME = 0x0a
/** What this program derives, also where another of its processes sent it. */
const DERIVED_SCOPE = Buffer.from('sluice')

/** A metric of a batch that has the meaning of a family. */
interface OwnMetric {
  readonly item: number
  readonly family: number
  readonly service: ServiceTold
}

export class OwnMetrics {
  readonly #host: Host
  /** Told of a service when its metrics of a further family pass. */
  onPassed: (service: ServiceTold) => void = () => undefined
  readonly #mode: () => OwnMetricsMode
  /** What is known of them outlives the instance. */
  readonly #services: KnownServices
  /** By row of the book: the service whose report it is. */
  readonly #byRow: (ServiceTold | undefined)[] = []
  /** The service of the last report. */
  #batch: Report['batch'] | undefined
  #resource = -1
  #service: ServiceTold | undefined
  readonly #rewrite = new Rewrite<'metrics'>()
  /** Names that are shown. */
  readonly #shown = new Set<string>()
  readonly #counters = new Map<string, Counter>()

  /** `mode` is asked at each use. */
  constructor(host: Host, mode: () => OwnMetricsMode) {
    this.#host = host
    this.#mode = mode
    this.#services = host.shared(() => new KnownServices())
  }

  /** Before what others bring to `next`. */
  beside(next: Consumer<'metrics'>): Consumer<'metrics'> {
    return { consume: (batch, context) => this.#consume(batch, context, next) }
  }

  /** A report of a call has come. `isSampled`: its sender left out others. */
  keep(row: number, report: Report, isSampled: boolean): void {
    const service = this.#serviceOf(report)
    this.#byRow[row] = service
    if (isSampled) this.#services.areAlike = false
    service.noteCall(isSampled)
  }

  /** Families (bits) that the service's own metrics tell of, and not these reports of a call. */
  toldBy(reports: readonly number[]): number {
    if (this.#services.areAlike || this.#mode() !== 'auto') return 0
    let families = 0
    for (const report of reports) families |= this.#byRow[report]?.passed ?? 0
    return families
  }

  /** The service of these reports that lets only some of its spans through. */
  samplerOf(reports: readonly number[]): ServiceTold | undefined {
    if (this.#services.areAlike || this.#mode() !== 'auto') return undefined
    const report = reports.find((one) => this.#byRow[one]?.spans === 'some')
    return report === undefined ? undefined : this.#byRow[report]
  }

  /** Nothing of a batch is needed any more. */
  forget(): void {
    this.#batch = undefined
  }

  /** What waits goes on. */
  close(): void {
    this.#services.stopWaiting()
  }

  #serviceOf({ batch, scope }: Report): ServiceTold {
    const resource = batch.layout.scopes[scope * SCOPE.width + SCOPE.resource]!
    if (batch !== this.#batch || resource !== this.#resource) this.#service = this.#services.of(batch, resource)
    this.#batch = batch
    this.#resource = resource
    return this.#service!
  }

  async #consume(batch: MetricBatch, context: Context, next: Consumer<'metrics'>): Promise<void> {
    const own = this.#mode() === 'keep' ? [] : this.#find(batch)
    if (own.length === 0) return next.consume(batch, context)
    if (this.#mode() === 'auto') await Promise.all(own.map(({ service }) => service.decided(this.#host.clock)))
    const aside: OwnMetric[] = []
    for (const metric of own) {
      const { service, family } = metric
      if (this.#mode() === 'set_aside' || !service.ownTell(family)) aside.push(metric)
      else this.#pass(service, family)
    }
    const kept = this.#without(batch, aside)
    if (kept.items > 0) await next.consume(kept, context)
    context.account.drop(batch.count - kept.count, 'own_metrics')
    for (const metric of aside) this.#count(batch, metric)
  }

  #pass(service: ServiceTold, family: number): void {
    const { passed } = service
    service.passed |= 1 << family
    this.#services.areAlike = false
    if (service.passed !== passed) this.onPassed(service)
  }

  #find(batch: MetricBatch): OwnMetric[] {
    const { bytes, layout } = batch
    const { scopes, itemRows } = layout
    const found: OwnMetric[] = []
    let [service, ofResource]: [ServiceTold | undefined, number] = [undefined, -1]
    for (let scope = 0; scope < scopes.length / SCOPE.width; scope++) {
      const at = scope * SCOPE.width
      const first = scopes[at + SCOPE.firstItem]!
      let isDerived: boolean | undefined
      for (let item = first; item < first + scopes[at + SCOPE.itemCount]!; item++) {
        const family = familyOfItem(bytes, itemRows, item)
        if (family < 0 || (isDerived ??= hasDerivedScope(batch, scope))) continue
        const resource = scopes[at + SCOPE.resource]!
        if (service === undefined || resource !== ofResource) service = this.#services.of(batch, resource)
        ofResource = resource
        found.push({ item, family, service })
      }
    }
    return found
  }

  #without(batch: MetricBatch, aside: readonly OwnMetric[]): Batches['metrics'] {
    this.#rewrite.begin(batch)
    for (const { item } of aside) this.#rewrite.dropItem(item)
    return this.#rewrite.finish()
  }

  #count({ bytes, layout }: MetricBatch, { item, family, service }: OwnMetric): void {
    const at = item * ITEM.width
    const points = countDataPoints(bytes, layout.itemRows[at + ITEM.start]!, layout.itemRows[at + ITEM.end]!)
    this.#counterOf(this.#shownName(service.name), FAMILIES[family]![0]!).add(points)
  }

  /** The service as labels name it; the log is told of the first that are named. */
  #shownName(name: string): string {
    if (this.#shown.has(name)) return name
    if (this.#shown.size >= NAMES_SHOWN_MAX) return 'other'
    this.#shown.add(name)
    const why =
      'metrics of calls that a service sends itself are set aside: they are derived of its spans (own_metrics)'
    this.#host.log.info({ service: name }, why)
    return name
  }

  #counterOf(service_name: string, family: string): Counter {
    const key = `${family} ${service_name}`
    let counter = this.#counters.get(key)
    if (counter === undefined) {
      const labels = { connector: this.#host.id, service_name, family }
      counter = this.#host.meter.counter('sluice_gen_ai_metrics_set_aside', SET_ASIDE_HELP, labels)
      this.#counters.set(key, counter)
    }
    return counter
  }
}

const SET_ASIDE_HELP = 'Data points of applications that say the same as what is derived of their calls.'

function familyOfItem(bytes: Buffer, rows: Int32Array, item: number): number {
  const at = item * ITEM.width
  const name = findField(bytes, rows[at + ITEM.start]!, rows[at + ITEM.end]!, METRIC_NAME)
  return name < 0 ? -1 : familyOfBytes(bytes, fieldStart(bytes, name), fieldEnd(bytes, name))
}

function hasDerivedScope(batch: MetricBatch, scope: number): boolean {
  const name = findScopeName(batch, scope)
  return name >= 0 && isEqual(DERIVED_SCOPE, batch.bytes, fieldStart(batch.bytes, name), fieldEnd(batch.bytes, name))
}
