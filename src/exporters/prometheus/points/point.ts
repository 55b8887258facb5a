/** OTLP metrics as plain objects, as far as Prometheus can show them. Source: opentelemetry/proto/metrics/v1. */

export interface AnyValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: bigint
  readonly doubleValue?: number
  readonly arrayValue?: { readonly values?: readonly AnyValue[] }
  readonly kvlistValue?: { readonly values?: readonly KeyValue[] }
  readonly bytesValue?: Buffer
}
export interface KeyValue {
  readonly key?: string
  readonly value?: AnyValue
}
export interface Resource {
  readonly attributes?: readonly KeyValue[]
}
export interface Scope extends Resource {
  readonly name?: string
  readonly version?: string
}

export interface PointExemplar {
  readonly filteredAttributes?: readonly KeyValue[]
  readonly timeUnixNano?: bigint
  readonly asDouble?: number
  readonly asInt?: bigint
  readonly spanId?: Buffer
  readonly traceId?: Buffer
}
export interface Point {
  readonly attributes?: readonly KeyValue[]
  readonly startTimeUnixNano?: bigint
  readonly timeUnixNano?: bigint
  readonly flags?: number
  /** Not of summaries. */
  readonly exemplars?: readonly PointExemplar[]
}
export interface NumberPoint extends Point {
  readonly asDouble?: number
  readonly asInt?: bigint
}
export interface HistogramPoint extends Point {
  readonly count?: bigint
  readonly sum?: number
  readonly bucketCounts?: readonly bigint[]
  readonly explicitBounds?: readonly number[]
}
export interface Buckets {
  readonly offset?: number
  readonly bucketCounts?: readonly bigint[]
}
export interface ExponentialPoint extends Point {
  readonly count?: bigint
  readonly sum?: number
  readonly scale?: number
  readonly zeroCount?: bigint
  readonly zeroThreshold?: number
  readonly positive?: Buckets
  readonly negative?: Buckets
}
export interface SummaryPoint extends Point {
  readonly count?: bigint
  readonly sum?: number
  readonly quantileValues?: readonly { readonly quantile?: number; readonly value?: number }[]
}

/** What a metric has besides its data points. */
interface Data {
  readonly aggregationTemporality?: number
  readonly isMonotonic?: boolean
}
export interface Metric {
  readonly name?: string
  readonly description?: string
  readonly unit?: string
  readonly gauge?: Data
  readonly sum?: Data
  readonly histogram?: Data
  readonly exponentialHistogram?: Data
  readonly summary?: Data
}

export const DELTA = 1
export const CUMULATIVE = 2
/** Bit of `flags`: the series has ended. */
export const NO_RECORDED_VALUE = 1

/** A value as a label's text: numbers as JSON writes them, lists and maps as JSON, bytes in base64. */
export function plainTextOf(value: AnyValue | undefined): string {
  if (value === undefined) return ''
  if (value.stringValue !== undefined) return value.stringValue
  const plain = plainOf(value)
  return typeof plain === 'object' && plain !== null ? JSON.stringify(plain) : plain === null ? '' : String(plain)
}

function plainOf(value: AnyValue | undefined): unknown {
  if (value === undefined) return null
  if (value.stringValue !== undefined) return value.stringValue
  if (value.boolValue !== undefined) return value.boolValue
  if (value.doubleValue !== undefined) return value.doubleValue
  if (value.bytesValue !== undefined) return value.bytesValue.toString('base64')
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plainOf)
  if (value.kvlistValue !== undefined) return mapOf(value.kvlistValue.values ?? [])
  if (value.intValue === undefined) return null
  return Number.isSafeInteger(Number(value.intValue)) ? Number(value.intValue) : String(value.intValue)
}

/** Keys in order, so that one map has one text. */
function mapOf(pairs: readonly KeyValue[]): Record<string, unknown> {
  const sorted = [...pairs].sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1))
  return Object.fromEntries(sorted.map(({ key, value }) => [key ?? '', plainOf(value)]))
}
