/** OTLP metrics as plain objects, as far as Prometheus can show them. Source: opentelemetry/proto/metrics/v1. */
import { plainOf } from '../../../items/plain_value.ts'
import type { Message } from '../../../otlp/codec.ts'

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
  const plain = plainOf(value as Message)
  if (plain === null) return ''
  return typeof plain === 'object' ? JSON.stringify(plain, inOrder) : String(plain)
}

/** Keys of maps in order, so that one map has one text. */
function inOrder(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
}
