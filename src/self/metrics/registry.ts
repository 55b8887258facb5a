/** The daemon's own metrics and their text for Prometheus (port 8888). */
import { type Metric, Registry } from '@prometheus-io/client'
import type { Counter, Labels, Meter } from './meter.ts'

export interface SelfMetricsOptions {
  /** On every metric. Default none: like the Collector, `target_info` carries the service's attributes. */
  readonly constantLabels?: Labels
  /** The Collector's default, true: counters are exposed under their own name; false: with `_total`. */
  readonly without_type_suffix?: boolean
}

/**
 * Counters, gauges and histograms by name and labels. Updating one is an addition to a field; the client library's
 * registry writes the text.
 */
export class SelfMetrics implements Meter {
  readonly #registry = new Registry()
  readonly #families = new Map<string, Family>()
  readonly #suffix: string

  constructor(options: SelfMetricsOptions = {}) {
    this.#registry.setDefaultLabels(options.constantLabels ?? {})
    this.#suffix = options.without_type_suffix === false ? '_total' : ''
  }

  /** Throws RangeError where the name is already used for another type. */
  counter(name: string, help: string, labels: Labels = {}): Counter {
    return this.#family(name + this.#suffix, 'counter', help).point(
      labels,
      () => new CounterPoint(labels),
    ) as CounterPoint
  }

  gauge(name: string, help: string, labels: Labels, read: () => number): void {
    this.#readAt(name, 'gauge', help, labels, () => [{ value: read(), labels }])
  }

  /** A line for each value that `read` has at a scrape, by the label's. */
  gauges(name: string, help: string, label: string, read: () => Readonly<Record<string, number>>): void {
    const lines = () => Object.entries(read()).map(([of, value]) => ({ value, labels: { [label]: of } }))
    this.#readAt(name, 'gauge', help, {}, lines)
  }

  /** A counter whose value is read at every scrape. */
  counterOf(name: string, help: string, labels: Labels, read: () => number): void {
    this.#readAt(name + this.#suffix, 'counter', help, labels, () => [{ value: read(), labels }])
  }

  histogram(name: string, help: string, bounds: readonly number[], labels: Labels = {}): HistogramPoint {
    const make = () => new HistogramPoint(name, labels, bounds)
    return this.#family(name, 'histogram', help).point(labels, make) as HistogramPoint
  }

  /** Text format 0.0.4, families sorted by name. */
  async text(): Promise<{ contentType: string; body: string }> {
    const families = [...this.#families.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    const texts = families.map((family) => this.#registry.getMetricsAsString(family as unknown as Metric<string>))
    return { contentType: this.#registry.contentType, body: `${(await Promise.all(texts)).join('\n')}\n` }
  }

  /** A new reader takes the place of the one with the same labels. */
  #readAt(name: string, type: Type, help: string, labels: Labels, read: () => Line[]): void {
    const point = this.#family(name, type, help).point(labels, () => new ReadPoint()) as ReadPoint
    point.read = read
  }

  #family(name: string, type: Type, help: string): Family {
    const existing = this.#families.get(name)
    if (existing === undefined) {
      const family = new Family(name, type, help)
      this.#registry.registerMetric(family as unknown as Metric<string>)
      this.#families.set(name, family)
      return family
    }
    if (existing.type !== type) throw new RangeError(`metric ${name} is a ${existing.type}, it cannot be a ${type} too`)
    return existing
  }
}

type Type = 'counter' | 'gauge' | 'histogram'

/** One line, as the client library's registry wants it. */
interface Line {
  readonly value: number
  readonly labels: Labels
  readonly metricName?: string
}

interface Point {
  lines(): Line[]
}

/** What the registry takes for a metric: it asks `get` at every scrape. */
class Family {
  readonly name: string
  readonly type: Type
  readonly help: string
  readonly aggregator = 'sum'
  readonly #points = new Map<string, Point>()

  constructor(name: string, type: Type, help: string) {
    this.name = name
    this.type = type
    this.help = help
  }

  point(labels: Labels, make: () => Point): Point {
    const key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))
    let point = this.#points.get(key)
    if (point === undefined) this.#points.set(key, (point = make()))
    return point
  }

  async get(): Promise<{ name: string; type: Type; help: string; values: Line[] }> {
    const values: Line[] = []
    for (const point of this.#points.values()) values.push(...point.lines())
    return { name: this.name, type: this.type, help: this.help, values }
  }
}

class CounterPoint implements Counter, Point {
  readonly #labels: Labels
  #value = 0

  constructor(labels: Labels) {
    this.#labels = labels
  }

  add(amount: number): void {
    this.#value += amount
  }

  lines(): Line[] {
    return [{ value: this.#value, labels: this.#labels }]
  }
}

/** What is read at every scrape. */
class ReadPoint implements Point {
  read: () => Line[] = () => []

  /** A reader that fails costs its own lines, not the scrape. */
  lines(): Line[] {
    try {
      return this.read()
    } catch {
      return []
    }
  }
}

class HistogramPoint implements Point {
  readonly #name: string
  readonly #labels: Labels
  readonly #bounds: readonly number[]
  readonly #counts: number[]
  #sum = 0

  constructor(name: string, labels: Labels, bounds: readonly number[]) {
    this.#name = name
    this.#labels = labels
    this.#bounds = bounds
    this.#counts = new Array<number>(bounds.length + 1).fill(0)
  }

  record(value: number): void {
    let bucket = 0
    while (bucket < this.#bounds.length && !(value <= this.#bounds[bucket]!)) bucket++
    this.#counts[bucket]!++
    this.#sum += value
  }

  lines(): Line[] {
    let count = 0
    const lines: Line[] = this.#counts.map((items, bucket) => {
      const le = bucket < this.#bounds.length ? String(this.#bounds[bucket]) : '+Inf'
      return { metricName: `${this.#name}_bucket`, labels: { ...this.#labels, le }, value: (count += items) }
    })
    lines.push({ metricName: `${this.#name}_sum`, labels: this.#labels, value: this.#sum })
    lines.push({ metricName: `${this.#name}_count`, labels: this.#labels, value: count })
    return lines
  }
}
