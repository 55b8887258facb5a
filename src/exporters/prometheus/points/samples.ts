/** What of a metric Prometheus can show: its type, and a value for each data point. */

import type { MetricType } from '../metric_names.ts'
import { type SeriesValue, shownExponential } from '../series_values.ts'
import { distributionOf } from './distribution.ts'
import { exponentialOf } from './exponential.ts'
import {
  CUMULATIVE,
  DELTA,
  type ExponentialPoint,
  type HistogramPoint,
  type Metric,
  NO_RECORDED_VALUE,
  type NumberPoint,
  type Point,
  type SummaryPoint,
} from './point.ts'

export interface Reading {
  readonly type: MetricType
  readonly delta: boolean
  /** False: Prometheus has no such thing, all points are dropped. */
  readonly supported: boolean
  /** The value of one of its points; undefined for a point that contradicts itself. */
  value(point: Point): SeriesValue | undefined
}

/** What the metric is, its points apart; undefined for a metric without data. Gauges of deltas and sums of unknown temporality are not supported, as in the Collector. */
export function readMetric(metric: Metric): Reading | undefined {
  const { gauge, sum, histogram, exponentialHistogram, summary } = metric
  if (gauge !== undefined) return reading('gauge', CUMULATIVE, numberValue)
  if (sum !== undefined) {
    const { isMonotonic = false, aggregationTemporality: temporality = 0 } = sum
    if (!isMonotonic && temporality === DELTA) return reading('gauge', 0, numberValue)
    return reading(isMonotonic ? 'counter' : 'gauge', temporality, numberValue)
  }
  if (histogram !== undefined) {
    return reading('histogram', histogram.aggregationTemporality, distributionValue)
  }
  if (exponentialHistogram !== undefined) {
    const { aggregationTemporality } = exponentialHistogram
    return reading('histogram', aggregationTemporality, exponentialValue)
  }
  if (summary !== undefined) return reading('summary', CUMULATIVE, summaryValue)
  return undefined
}

/** The sender says that the series has ended. */
export function hasEnded(point: Point): boolean {
  return ((point.flags ?? 0) & NO_RECORDED_VALUE) !== 0
}

function reading<P extends Point>(
  type: MetricType,
  temporality: number | undefined,
  value: (point: P) => SeriesValue | undefined,
): Reading {
  const supported = temporality === DELTA || temporality === CUMULATIVE
  return { type, delta: temporality === DELTA, supported, value: value as Reading['value'] }
}

function numberValue(point: NumberPoint): SeriesValue | undefined {
  const number = point.asInt === undefined ? point.asDouble : Number(point.asInt)
  return number === undefined ? undefined : { kind: 'number', number }
}

function distributionValue(point: HistogramPoint): SeriesValue | undefined {
  const distribution = distributionOf(point)
  return distribution && { kind: 'distribution', distribution }
}

function exponentialValue(point: ExponentialPoint): SeriesValue | undefined {
  const exponential = exponentialOf(point)
  return exponential && shownExponential(exponential)
}

function summaryValue(point: SummaryPoint): SeriesValue {
  const quantiles = new Map<number, number>()
  for (const { quantile = 0, value = 0 } of point.quantileValues ?? []) quantiles.set(quantile, value)
  const sorted = [...quantiles].sort(([a], [b]) => a - b)
  return { kind: 'summary', summary: { count: Number(point.count ?? 0n), sum: point.sum ?? 0, quantiles: sorted } }
}
