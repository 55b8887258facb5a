/**
 * The daemon's own metrics (port 8888). Counters and gauges are bound once and updated per batch, never per span.
 * Names are full Prometheus names without the `_total` suffix: `otelcol_…` where the Collector has the metric, `sluice_…` otherwise.
 */
export type Labels = Readonly<Record<string, string>>

export interface Counter {
  add(amount: number): void
}

export interface Meter {
  /** The same name and labels give the same counter. */
  counter(name: string, help: string, labels?: Labels): Counter
  /** `read` is called at every scrape. Registering the same name and labels again replaces the reader. */
  gauge(name: string, help: string, labels: Labels, read: () => number): void
  /** Bounds in the metric's unit, ascending. */
  histogram(name: string, help: string, bounds: readonly number[], labels?: Labels): { record(value: number): void }
}
