/** Exemplars: which of the measured values belongs to which trace. Source: OpenMetrics 1.0, "Exemplars". */
import { labelName } from '../metric_names.ts'
import { type Point, type PointExemplar, plainTextOf } from './point.ts'

export interface Exemplar {
  /** `trace_id` and `span_id` first. */
  readonly labels: readonly (readonly [name: string, value: string])[]
  readonly value: number
  /** Unix nanoseconds; 0 where the sender gave none. */
  readonly time: bigint
}

/** Per bucket, the last of which is +Inf; a counter has one. */
export type Exemplars = readonly (Exemplar | undefined)[]

/** Characters of all names and values together, set by the format. */
const LABELS_MAX = 128

/** Those that name a trace or anything else. Copies, so that nothing of the request stays in memory. */
export function exemplarsOf({ exemplars }: Point): Exemplar[] {
  return exemplars === undefined ? [] : exemplars.map(exemplarOf).filter((one) => one !== undefined)
}

/** The newest of each bucket; of two of one moment, the later in the list. Undefined where there are none. */
export function newestByBucket(candidates: Exemplars, bounds: readonly number[]): Exemplars | undefined {
  let newest: (Exemplar | undefined)[] | undefined
  for (const one of candidates) {
    if (one === undefined) continue
    newest ??= new Array<Exemplar | undefined>(bounds.length + 1).fill(undefined)
    const bucket = bucketOf(one.value, bounds)
    const other = newest[bucket]
    if (other === undefined || one.time >= other.time) newest[bucket] = one
  }
  return newest
}

function exemplarOf(exemplar: PointExemplar): Exemplar | undefined {
  const { traceId, spanId, filteredAttributes = [], timeUnixNano = 0n } = exemplar
  const value = exemplar.asInt === undefined ? exemplar.asDouble : Number(exemplar.asInt)
  const labels = [
    ['trace_id', hexOf(traceId)],
    ['span_id', hexOf(spanId)],
    ...filteredAttributes.map((attribute) => [labelName(attribute.key ?? ''), plainTextOf(attribute.value)]),
  ] as [string, string][]
  const kept = fitting(labels)
  return value === undefined || kept.length === 0 ? undefined : { labels: kept, value, time: timeUnixNano }
}

/** Empty for an id of zeros, which is none. */
function hexOf(id: Buffer | undefined): string {
  return id?.some((byte) => byte !== 0) ? id.toString('hex') : ''
}

/** Each name once, none without a value, no more than the format allows. */
function fitting(labels: readonly [string, string][]): [string, string][] {
  const kept = new Map<string, string>()
  let length = 0
  for (const [name, value] of labels) {
    const more = length + characters(name) + characters(value)
    if (name === '' || value === '' || kept.has(name) || more > LABELS_MAX) continue
    kept.set(name, value)
    length = more
  }
  return [...kept]
}

function characters(text: string): number {
  return text.length > LABELS_MAX * 2 ? text.length : [...text].length
}

function bucketOf(value: number, bounds: readonly number[]): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (value <= bounds[middle]!) high = middle
    else low = middle + 1
  }
  return low
}
