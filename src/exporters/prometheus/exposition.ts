/**
 * The text that Prometheus scrapes. Text format 0.0.4:
 *   # HELP name text · # TYPE name type · name{label="value",…} value [milliseconds]
 * OpenMetrics 1.0: a counter's family goes without its `_total`, bounds have a decimal point, times are seconds, and
 * `# EOF` ends it.
 */
import type { Family, Series } from './store.ts'

export interface Format {
  readonly openMetrics: boolean
  /** Write the senders' times behind the values. */
  readonly timestamps: boolean
}

const SLICE_CHARACTERS = 64 * 1024

/** Slices of about 64 K characters. A series that comes or goes meanwhile may be in it or not; each is whole. */
export function* expose(families: readonly Family[], format: Format): Generator<string> {
  let slice = ''
  const heads = new Set<string>()
  for (const family of families) {
    if (family.series.size === 0) continue
    slice += head(family, format, heads)
    for (const series of family.series.values()) {
      slice += lines(family, series, format)
      if (slice.length < SLICE_CHARACTERS) continue
      yield slice
      slice = ''
    }
  }
  yield format.openMetrics ? `${slice}# EOF\n` : slice
}

/** As Prometheus reads them back. */
export function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

function head(family: Family, { openMetrics }: Format, heads: Set<string>): string {
  const { name, type } = openMetrics ? openMetricsHead(family, heads) : family
  const help = family.help.replace(openMetrics ? /[\\"\n\0]/g : /[\\\n\0]/g, escapeHelp)
  return `${help === '' ? '' : `# HELP ${name} ${help}\n`}# TYPE ${name} ${type}\n`
}

function escapeHelp(character: string): string {
  return character === '\n' ? '\\n' : character === '\0' ? '\ufffd' : `\\${character}`
}

/** A counter has to end in `_total`, and its family's name must not be another's: otherwise its type stays unsaid. */
function openMetricsHead(family: Family, heads: Set<string>): { name: string; type: string } {
  const short = family.name.endsWith('_total') ? family.name.slice(0, -'_total'.length) : undefined
  const counter = family.type === 'counter' && short !== undefined && short !== '' && !heads.has(short)
  const name = counter ? short : family.name
  heads.add(name)
  return { name, type: family.type === 'counter' && !counter ? 'unknown' : family.type }
}

function lines(family: Family, series: Series, format: Format): string {
  const { value, labels } = series
  const end = format.timestamps && series.time > 0n ? ` ${timeText(series.time, format)}\n` : '\n'
  const line = (suffix: string, text: string, number: number) =>
    `${family.name}${suffix}${text === '' ? '' : `{${text}}`} ${numberText(number)}${end}`
  if (value.kind === 'number') return line('', labels, value.number)
  const comma = labels === '' ? '' : `${labels},`
  let text = ''
  if (value.kind === 'summary') {
    for (const [quantile, number] of value.summary.quantiles) {
      text += line('', `${comma}quantile="${boundText(quantile, format)}"`, number)
    }
    return text + line('_sum', labels, value.summary.sum) + line('_count', labels, value.summary.count)
  }
  const { bounds, cumulative, sum, count } = value.distribution
  for (let bucket = 0; bucket < bounds.length; bucket++) {
    text += line('_bucket', `${comma}le="${boundText(bounds[bucket]!, format)}"`, cumulative[bucket]!)
  }
  text += line('_bucket', `${comma}le="+Inf"`, count)
  if (sum !== undefined) text += line('_sum', labels, sum)
  return text + line('_count', labels, count)
}

function boundText(bound: number, { openMetrics }: Format): string {
  const text = numberText(bound)
  return openMetrics && /^-?\d+$/.test(text) ? `${text}.0` : text
}

function timeText(time: bigint, { openMetrics }: Format): string {
  const time_ms = time / 1_000_000n
  return openMetrics ? `${time_ms / 1000n}.${String(time_ms % 1000n).padStart(3, '0')}` : String(time_ms)
}
