/** Exporter `prometheus`: shows the latest value of every series under `/metrics`. */
import { isDeepStrictEqual } from 'node:util'
import type { Batches, Context, Exporter, ExporterFactory, Host } from '../../component.ts'
import { parseEndpoint } from '../../config/schema/units.ts'
import { type Exposition, type MetricsServer, serveMetrics } from '../../net/http/metrics_server.ts'
import { serverTlsFiles } from '../../net/server_tls.ts'
import { serverTls, watchTls } from '../../net/tls.ts'
import type { Timer } from '../../self/clock.ts'
import { Throttle } from '../../self/log.ts'
import { ITEM, SCOPE } from '../../telemetry/layout.ts'
import { BatchLabels, decodeHead, SHARED_LABELS_MAX, senderOf } from './batch_labels.ts'
import { addsSuffixes, keepsUtf8, type PrometheusConfig, schema } from './config.ts'
import { LoopQueue, LoopTurn } from './loop_turns.ts'
import { metricName, type Naming, verbatimName } from './metric_names.ts'
import { exemplarsOf } from './points/exemplars.ts'
import { walkMetric } from './points/metric_walk.ts'
import type { Metric, Point, Scope } from './points/point.ts'
import { hasEnded, type Reading, readMetric } from './points/samples.ts'
import { type Format, negotiate } from './scrape/accept.ts'
import { exposeProtobuf } from './scrape/protobuf_exposition.ts'
import { expose } from './scrape/text_exposition.ts'
import { type LabelOptions, type Shared, seriesLabels, sharedLabels } from './series_labels.ts'
import { type Drop, SeriesStore } from './series_store.ts'

export const prometheus: ExporterFactory<PrometheusConfig> = {
  kind: 'exporter',
  type: 'prometheus',
  summary: 'Shows metrics to Prometheus, which scrapes them.',
  signals: ['metrics'],
  schema,
  create: (config, host) => new PrometheusExporter(config, host),
}

/** The scope of what this program derives from telemetry: names are taken as they are, and there are no scope labels. */
const OWN_SCOPE = 'sluice'
const SWEEP_MAX_MS = 60_000
const CONFLICTS_LOGGED_MAX = 1000

const CHANGEABLE = [
  'metric_expiration',
  'send_timestamps',
  'enable_open_metrics',
  'max_series',
  'max_labels_length',
  'allow_raw_content',
] as const

type Reason = Drop | 'unsupported' | 'invalid' | 'labels_too_long'
type Tally = Map<Reason | 'stored', number>

/** Everything that the points of one scope share. */
interface Group {
  readonly own: boolean
  /** Derived by this very process (nobody sent it): never expires. */
  readonly lasting: boolean
  readonly shared: Shared
  readonly target: string | undefined
  /** Number of who sent them: its resource and scope. */
  readonly sender: number
  /** False: what they share is already too long for a series. */
  readonly hasRoom: boolean
}

export class PrometheusExporter implements Exporter {
  readonly inputs = {
    metrics: { consume: (batch: Batches['metrics'], context: Context) => this.#consume(batch, context) },
  }
  #config: PrometheusConfig
  readonly #host: Host
  readonly #naming: Naming
  readonly #labels: LabelOptions
  readonly #store: SeriesStore
  readonly #throttle: Throttle
  readonly #scrapes = new LoopQueue()
  readonly #conflicts = new Set<string>()
  /** The `target_info` shown for a job and instance. */
  readonly #targets = new Map<string, string>()
  /** There was no place for a series, and has been none since. */
  #full = false
  #server: MetricsServer | undefined
  #timers: Timer[] = []

  constructor(config: PrometheusConfig, host: Host) {
    this.#config = config
    this.#host = host
    this.#naming = { namespace: config.namespace, suffixes: addsSuffixes(config), utf8: keepsUtf8(config) }
    this.#labels = { ...config, utf8: this.#naming.utf8 }
    this.#store = new SeriesStore(config.max_series)
    this.#throttle = new Throttle(host.clock)
  }

  /** The port that it listens on; undefined before start. */
  get port(): number | undefined {
    return this.#server?.port
  }

  async start(): Promise<void> {
    const { host: address, port } = parseEndpoint(this.#config.endpoint)!
    const tls = this.#config.tls && serverTlsFiles(this.#config.tls)
    const onError = (error: unknown) =>
      this.#throttle.log('scrape', (repeats) => this.#host.log.error({ err: error, repeats }, 'a scrape failed'))
    const options = { host: address, port, onError, ...(tls && { tls: serverTls(tls) }) }
    const server = await serveMetrics(options, async (accept) => this.#expose(accept))
    this.#server = server
    const reload_ms = tls?.reload_interval_ms
    if (tls !== undefined && reload_ms !== undefined)
      this.#timers.push(watchTls(server, tls, { interval_ms: reload_ms, clock: this.#host.clock, onError }))
    this.#sweepEvery()
    const help = 'Time series that the Prometheus exporter shows'
    this.#host.meter.gauge(
      'sluice_exporter_prometheus_series',
      help,
      { exporter: this.#host.id },
      () => this.#store.lines,
    )
  }

  async shutdown(deadline?: AbortSignal): Promise<void> {
    for (const timer of this.#timers.splice(0)) timer.cancel()
    await this.#server?.close(deadline)
  }

  /** In place: what does not change the text of series that are already there. */
  async update(config: unknown): Promise<boolean> {
    const next = config as PrometheusConfig
    const changed = Object.fromEntries(CHANGEABLE.map((key) => [key, next[key]]))
    if (!isDeepStrictEqual({ ...this.#config, ...changed }, next)) return false
    this.#config = next
    this.#store.max_series = next.max_series
    return true
  }

  async #consume(batch: Batches['metrics'], context: Context): Promise<void> {
    const tally: Tally = new Map()
    const { bytes, layout } = batch
    const turn = new LoopTurn()
    const resources = new BatchLabels(batch, this.#naming.utf8)
    for (let row = 0; row < layout.scopes.length; row += SCOPE.width) {
      const group = this.#group(batch, row, resources, context)
      const first = layout.scopes[row + SCOPE.firstItem]! * ITEM.width
      const end = first + layout.scopes[row + SCOPE.itemCount]! * ITEM.width
      for (let item = first; item < end; item += ITEM.width) {
        const { metric, points } = walkMetric(
          bytes,
          layout.itemRows[item + ITEM.start]!,
          layout.itemRows[item + ITEM.end]!,
        )
        await this.#take(metric, points, group, tally, turn)
      }
    }
    if (tally.has('series_limit')) this.#logFull()
    for (const [reason, points] of tally) {
      if (reason === 'stored') context.account.deliver(points)
      else context.account.drop(points, reason)
    }
  }

  #group(batch: Batches['metrics'], row: number, resources: BatchLabels, { peer }: Context): Group {
    const { bytes, layout } = batch
    const { scopes } = layout
    const { resource, target } = resources.of(scopes[row + SCOPE.resource]!)
    const scope: Scope = decodeHead('Scope', bytes, scopes, row)
    const schemaStart = scopes[row + SCOPE.schemaStart]!
    const schemaUrl = schemaStart < 0 ? '' : bytes.toString('utf8', schemaStart, scopes[row + SCOPE.schemaEnd]!)
    const own = scope.name === OWN_SCOPE
    const shared = sharedLabels(resource, scope, schemaUrl, own, this.#labels)
    const hasRoom = shared.fixed.size + shared.attributes.length <= SHARED_LABELS_MAX
    const lasting = own && peer === undefined
    return { own, lasting, sender: senderOf(batch, row, lasting), shared, target, hasRoom }
  }

  async #take(metric: Metric, points: Iterable<Point>, group: Group, tally: Tally, turn: LoopTurn): Promise<void> {
    const reading = readMetric(metric)
    const name = reading === undefined ? '' : this.#name(metric, reading, group.own)
    let stored = false
    for (const point of points) {
      const reason = this.#reason(reading, name) ?? this.#put(name, metric.description ?? '', reading!, point, group)
      tally.set(reason ?? 'stored', (tally.get(reason ?? 'stored') ?? 0) + 1)
      stored ||= reason === undefined
      if (turn.over()) await turn.next()
    }
    if (stored) this.#target(group)
  }

  /** Why none of a metric's points can be shown. */
  #reason(reading: Reading | undefined, name: string): Reason | undefined {
    if (reading?.supported !== true) return 'unsupported'
    return name === '' ? 'invalid' : undefined
  }

  #name({ name = '', unit = '' }: Metric, { type }: Reading, own: boolean): string {
    // What is derived here says its unit in its name; only the conventions' own metrics bring one.
    return own && unit === '' ? verbatimName(name, this.#naming) : metricName(name, unit, type, this.#naming)
  }

  /** Undefined: stored. */
  #put(name: string, help: string, reading: Reading, point: Point, group: Group): Reason | undefined {
    const family = this.#store.family(name, reading.type, help, group.lasting)
    if (family === undefined) {
      this.#logConflict(name, reading)
      return 'type_conflict'
    }
    if (!group.hasRoom) return 'labels_too_long'
    const reserved = family.type === 'histogram' ? 'le' : family.type === 'summary' ? 'quantile' : ''
    const labels = seriesLabels(point.attributes ?? [], group.shared, reserved)
    if (name.length + help.length + labels.length > this.#config.max_labels_length) return 'labels_too_long'
    if (hasEnded(point)) {
      this.#store.end(family, labels, group.sender)
      return undefined
    }
    const value = reading.value(point)
    if (value === undefined) return 'invalid'
    const { timeUnixNano: time = 0n, startTimeUnixNano: start = 0n } = point
    const { sender } = group
    const sample = { labels, time, start, delta: reading.delta, value, exemplars: exemplarsOf(point), sender }
    return this.#store.put(family, sample, this.#seen(group))
  }

  #seen({ lasting }: Group): number {
    return lasting ? Number.POSITIVE_INFINITY : this.#host.clock.monotonic_ms()
  }

  /** Once, until there is place again. */
  #logFull(): void {
    if (this.#full) return
    this.#full = true
    const { max_series } = this.#config
    this.#host.log.warn({ max_series }, 'max_series is reached: new series are dropped, and counted in the ledger')
  }

  #logConflict(name: string, { type }: Reading): void {
    // A copy: a piece of a long string keeps all of it in memory.
    const metric = Buffer.from(name.slice(0, 200)).toString()
    if (this.#conflicts.has(metric) || this.#conflicts.size >= CONFLICTS_LOGGED_MAX) return
    this.#conflicts.add(metric)
    this.#host.log.warn({ metric, type }, 'the name is already shown with another type: metric dropped')
  }

  /** Shows the resource; one per job and instance, the latest. */
  #target(group: Group): void {
    const { target, shared } = group
    if (target === undefined || target.length > this.#config.max_labels_length) return
    const family = this.#store.family(this.#targetName, 'gauge', 'Target metadata')
    if (family === undefined) return
    const key = JSON.stringify([shared.fixed.get('job'), shared.fixed.get('instance')])
    const before = this.#targets.get(key)
    if (before !== undefined && before !== target) this.#store.remove(family, before)
    const value = { kind: 'number', number: 1 } as const
    const sample = { labels: target, time: 0n, start: 0n, delta: false, value, exemplars: [], sender: 0 }
    const dropped = this.#store.put(family, sample, this.#seen(group))
    if (dropped === undefined) this.#targets.set(key, target)
    else this.#targets.delete(key)
  }

  #expose(accept: string): Exposition {
    this.#expire()
    const format = negotiate(accept, this.#config.enable_open_metrics)
    // The server writes whatever bytes or texts come.
    const body = this.#scrapes.inTurns<string | Uint8Array>(this.#slices(format)) as AsyncIterable<string>
    return { contentType: format.contentType, body }
  }

  #slices({ kind, escaping }: Format): Iterable<string | Uint8Array> {
    const families = [...this.#store.families]
    const timestamps = this.#config.send_timestamps
    if (kind === 'protobuf') return exposeProtobuf(families, { timestamps, escaping })
    return expose(families, { openMetrics: kind === 'open_metrics', timestamps, escaping })
  }

  get #targetName(): string {
    return verbatimName('target_info', this.#naming)
  }

  #expire(): void {
    this.#store.expire(this.#host.clock.monotonic_ms() - this.#config.metric_expiration)
  }

  /** Also without a scraper, or what has expired would stay in memory. */
  #sweepEvery(): void {
    const sweep = () => {
      this.#expire()
      if (this.#store.lines < this.#config.max_series) this.#full = false
      const shown = this.#store.families.find(({ name }) => name === this.#targetName)
      for (const [key, labels] of this.#targets) if (!shown?.series.has(labels)) this.#targets.delete(key)
    }
    this.#timers.push(this.#host.clock.every(Math.min(SWEEP_MAX_MS, this.#config.metric_expiration), sweep))
  }
}
