/**
 * What Prometheus scrapes as protobuf: messages `io.prometheus.client.MetricFamily`, each with its length before it.
 * Only here are exponential histograms native ones, and only here stands when counting began. A large family comes in
 * several messages of one name, so that none has to be in memory as a whole.
 * Source: metrics.proto of Prometheus' client model.
 */
import { Output } from '../../../otlp/output.ts'
import type { MetricType } from '../metric_names.ts'
import type { Exemplar } from '../points/exemplars.ts'
import type { Exponential } from '../points/exponential.ts'
import type { Series } from '../series.ts'
import type { Family } from '../series_store.ts'
import type { Escaping } from './escaping.ts'
import { ExposedNames, type NamedSeries, pairsOf } from './exposed_names.ts'

export interface ProtobufFormat {
  readonly timestamps: boolean
  readonly escaping: Escaping
}

const SLICE_BYTES = 64 * 1024
const TYPES: Readonly<Record<MetricType, number>> = { counter: 0, gauge: 1, summary: 2, histogram: 4 }
/** Field of a Metric. */
const VALUES: Readonly<Record<MetricType, number>> = { gauge: 2, counter: 3, summary: 4, histogram: 7 }
/** Coarser ones Prometheus does not have. */
const SCHEMA_MIN = -4
/** What Prometheus takes for a zero bucket that has no width. */
const ZERO_THRESHOLD = 1e-128

/** Slices of about 64 KiB, each of whole messages. */
export function* exposeProtobuf(families: readonly Family[], format: ProtobufFormat): Generator<Buffer> {
  const names = new ExposedNames(format.escaping)
  const out = new Output(SLICE_BYTES * 2)
  const message = new Output(SLICE_BYTES * 2)
  for (const family of families) {
    const name = family.series.size === 0 ? undefined : names.family(family)
    if (name === undefined) continue
    message.reset()
    for (const one of names.series(family)) {
      if (message.end === 0) writeHead(message, name, family)
      writeMetric(message, one, family.type, format)
      if (message.end < SLICE_BYTES) continue
      close(message, out)
      yield take(out)
    }
    close(message, out)
    if (out.end >= SLICE_BYTES) yield take(out)
  }
  if (out.end > 0) yield take(out)
}

function close(message: Output, out: Output): void {
  if (message.end === 0) return
  out.varint(message.end)
  out.copy(message.bytes, 0, message.end)
  message.reset()
}

function take(out: Output): Buffer {
  const slice = out.take()
  out.reset()
  return slice
}

function writeHead(out: Output, name: string, { help, type }: Family): void {
  writeText(out, 1, name)
  writeText(out, 2, help)
  writeInteger(out, 3, TYPES[type])
}

function writeMetric(out: Output, { series, labels }: NamedSeries, type: MetricType, format: ProtobufFormat): void {
  within(out, 4, () => {
    for (const pair of pairsOf(labels)) writePair(out, 1, pair)
    within(out, VALUES[type], () => writeValue(out, series, type))
    if (format.timestamps && series.time > 0n) writeInteger(out, 6, Number(series.time / 1_000_000n))
  })
}

function writeValue(out: Output, series: Series, type: MetricType): void {
  const { value, exemplars } = series
  if (value.kind === 'number') {
    writeDouble(out, 1, value.number)
    if (type !== 'counter') return
    writeExemplar(out, 2, exemplars?.[0])
    writeTime(out, 3, series.start)
  } else if (value.kind === 'summary') {
    const { count, sum, quantiles } = value.summary
    writeInteger(out, 1, count)
    writeDouble(out, 2, sum)
    for (const [quantile, number] of quantiles) {
      within(out, 3, () => {
        writeDouble(out, 1, quantile)
        writeDouble(out, 2, number)
      })
    }
    writeTime(out, 4, series.start)
  } else {
    const { count, sum = 0 } = value.distribution
    writeInteger(out, 1, count)
    writeDouble(out, 2, sum)
    writeBuckets(out, series)
    if (value.kind === 'exponential' && value.exponential.scale >= SCHEMA_MIN)
      writeNative(out, value.exponential, series)
    writeTime(out, 15, series.start)
  }
}

/** Also of native histograms, for a Prometheus that does not take those. */
function writeBuckets(out: Output, { value, exemplars }: Series): void {
  if (value.kind === 'number' || value.kind === 'summary') return
  const { bounds, cumulative, count } = value.distribution
  for (let bucket = 0; bucket <= bounds.length; bucket++) {
    within(out, 3, () => {
      writeInteger(out, 1, cumulative[bucket] ?? count)
      writeDouble(out, 2, bounds[bucket] ?? Number.POSITIVE_INFINITY)
      writeExemplar(out, 3, exemplars?.[bucket])
    })
  }
}

function writeNative(out: Output, exponential: Exponential, { exemplars = [] }: Series): void {
  const { scale, zeroThreshold, zeroCount, negative, positive } = exponential
  writeInteger(out, 5, zigzag(scale))
  writeDouble(out, 6, zeroThreshold === 0 ? ZERO_THRESHOLD : zeroThreshold)
  writeInteger(out, 7, zeroCount)
  writeSpans(out, 9, negative)
  writeSpans(out, 12, positive)
  const timed = exemplars.filter((one) => one !== undefined && one.time > 0n) as Exemplar[]
  for (const one of timed.sort((a, b) => Number(a.time - b.time))) writeExemplar(out, 16, one)
}

/** Runs of buckets without gaps, and each bucket's count as the difference to the one before. */
function writeSpans(out: Output, field: number, counts: ReadonlyMap<number, number>): void {
  const sorted = [...counts].sort(([a], [b]) => a - b)
  let behind = 0
  for (let at = 0; at < sorted.length; ) {
    // Prometheus names a bucket by its upper end, OTLP by its lower.
    const first = sorted[at]![0] + 1
    let length = 0
    while (sorted[at + length]?.[0] === first - 1 + length) length++
    within(out, field, () => {
      writeInteger(out, 1, zigzag(first - behind))
      writeInteger(out, 2, length)
    })
    behind = first + length
    at += length
  }
  let before = 0
  within(out, field + 1, () => {
    for (const [, count] of sorted) {
      out.varint(zigzag(count - before))
      before = count
    }
  })
}

function writeExemplar(out: Output, field: number, exemplar: Exemplar | undefined): void {
  if (exemplar === undefined) return
  within(out, field, () => {
    for (const pair of exemplar.labels) writePair(out, 1, pair)
    writeDouble(out, 2, exemplar.value)
    writeTime(out, 3, exemplar.time)
  })
}

function writePair(out: Output, field: number, [name, value]: readonly [string, string]): void {
  within(out, field, () => {
    writeText(out, 1, name)
    writeText(out, 2, value)
  })
}

/** google.protobuf.Timestamp; nothing where the time is unknown. */
function writeTime(out: Output, field: number, time: bigint): void {
  if (time <= 0n) return
  within(out, field, () => {
    writeInteger(out, 1, Number(time / 1_000_000_000n))
    writeInteger(out, 2, Number(time % 1_000_000_000n))
  })
}

function within(out: Output, field: number, write: () => void): void {
  const mark = out.open(field)
  write()
  out.close(mark)
}

function writeText(out: Output, field: number, text: string): void {
  if (text === '') return
  const mark = out.open(field, text.length)
  out.text(text)
  out.close(mark, text.length)
}

function writeInteger(out: Output, field: number, value: number): void {
  out.tag(field, 0)
  out.varint(value)
}

function writeDouble(out: Output, field: number, value: number): void {
  out.tag(field, 1)
  out.double(value)
}

/** Signed as protobuf's sint64, exact up to 2^52. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value
}
