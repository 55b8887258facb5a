import type { Counter, Labels, Meter } from '../../src/self/metrics/meter.ts'

interface Point {
  readonly name: string
  readonly labels: Labels
  read(): number
}

/** Metrics that a test can read. */
export class MemoryMeter implements Meter {
  readonly #points = new Map<string, Point>()
  readonly #counters = new Map<string, { value: number }>()
  readonly #records = new Map<string, number[]>()

  counter(name: string, _help: string, labels: Labels = {}): Counter {
    const key = keyOf(name, labels)
    let cell = this.#counters.get(key)
    if (cell === undefined) {
      const made = { value: 0 }
      cell = made
      this.#counters.set(key, cell)
      this.#points.set(key, { name, labels, read: () => made.value })
    }
    const counted = cell
    return { add: (amount) => void (counted.value += amount) }
  }

  gauge(name: string, _help: string, labels: Labels, read: () => number): void {
    this.#points.set(keyOf(name, labels), { name, labels, read })
  }

  histogram(name: string, _help: string, _bounds: readonly number[], labels: Labels = {}) {
    const key = keyOf(name, labels)
    const values = this.#records.get(key) ?? []
    this.#records.set(key, values)
    this.#points.set(key, { name, labels, read: () => values.length })
    return { record: (value: number) => void values.push(value) }
  }

  /** Sum over all points of the metric that have these labels; of a histogram, how often it was recorded. 0 if there is none. */
  value(name: string, labels: Labels = {}): number {
    return this.#find(name, labels).reduce((sum, point) => sum + point.read(), 0)
  }

  /** What was recorded in a histogram, in order. */
  recorded(name: string, labels: Labels = {}): number[] {
    return this.#find(name, labels).flatMap((point) => this.#records.get(keyOf(point.name, point.labels)) ?? [])
  }

  /** Names of all metrics, sorted. */
  names(): string[] {
    return [...new Set([...this.#points.values()].map((point) => point.name))].sort()
  }

  #find(name: string, labels: Labels): Point[] {
    return [...this.#points.values()].filter(
      (point) => point.name === name && Object.entries(labels).every(([label, value]) => point.labels[label] === value),
    )
  }
}

function keyOf(name: string, labels: Labels): string {
  return JSON.stringify([name, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))])
}
