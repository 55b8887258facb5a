/**
 * The text that Prometheus scrapes. Text format 0.0.4:
 *   # HELP name text · # TYPE name type · name{label="value",…} value [milliseconds]
 * OpenMetrics 1.0: a counter's family goes without its `_total`, bounds have a decimal point, times are seconds, exemplars
 * stand behind counters and buckets, and `# EOF` ends it.
 */

import type { Exemplar } from '../points/exemplars.ts'
import type { Series } from '../series.ts'
import { escapeLabel } from '../series_labels.ts'
import type { Family } from '../series_store.ts'
import type { Escaping } from './escaping.ts'
import { ExposedNames, headName, lineHead } from './exposed_names.ts'

export interface TextFormat {
  readonly openMetrics: boolean
  /** Write the senders' times behind the values. */
  readonly timestamps: boolean
  readonly escaping: Escaping
}

const SLICE_CHARACTERS = 64 * 1024

/**
 * Slices of about 64 K characters. A family shows the series that it has when its turn comes, each with its latest value
 * and whole. Families that come meanwhile are not in it.
 */
export function* expose(families: readonly Family[], format: TextFormat): Generator<string> {
  const names = new ExposedNames(format.escaping)
  const heads = new Set<string>()
  let slice = ''
  for (const family of families) {
    const name = family.series.size === 0 ? undefined : names.family(family)
    if (name === undefined) continue
    slice += head(name, family, format, heads)
    for (const { series, labels } of names.series(family)) {
      for (const line of lines(name, labels, series, family, format)) {
        slice += line
        if (slice.length < SLICE_CHARACTERS) continue
        yield slice
        slice = ''
      }
    }
  }
  yield format.openMetrics ? `${slice}# EOF\n` : slice
}

/** As Prometheus reads them back. */
export function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value)
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
}

function head(name: string, { type, help }: Family, { openMetrics }: TextFormat, heads: Set<string>): string {
  const shown = openMetrics ? openMetricsHead(name, type, heads) : { name, type }
  const title = headName(shown.name)
  const text = help.replace(openMetrics ? /[\\"\n\0]/g : /[\\\n\0]/g, escapeHelp)
  return `${text === '' ? '' : `# HELP ${title} ${text}\n`}# TYPE ${title} ${shown.type}\n`
}

function escapeHelp(character: string): string {
  return character === '\n' ? '\\n' : character === '\0' ? '\ufffd' : `\\${character}`
}

/** A counter has to end in `_total`, and its family's name must not be another's: otherwise its type stays unsaid. */
function openMetricsHead(full: string, type: Family['type'], heads: Set<string>): { name: string; type: string } {
  const short = full.endsWith('_total') ? full.slice(0, -'_total'.length) : undefined
  const counter = type === 'counter' && short !== undefined && short !== '' && !heads.has(short)
  const name = counter ? short : full
  heads.add(name)
  return { name, type: type === 'counter' && !counter ? 'unknown' : type }
}

/** One by one: a histogram with many buckets and long labels is too much for one slice. */
function* lines(
  name: string,
  labels: string,
  { value, time, exemplars }: Series,
  { type }: Family,
  format: TextFormat,
): Generator<string> {
  const end = format.timestamps && time > 0n ? ` ${timeText(time, format)}` : ''
  const line = (suffix: string, text: string, number: number, exemplar?: Exemplar) =>
    `${lineHead(name + suffix, text)} ${numberText(number)}${end}${exemplarText(exemplar, format)}\n`
  if (value.kind === 'number')
    return yield line('', labels, value.number, type === 'counter' ? exemplars?.[0] : undefined)
  const comma = labels === '' ? '' : `${labels},`
  if (value.kind === 'summary') {
    const { quantiles, sum, count } = value.summary
    for (const [quantile, number] of quantiles)
      yield line('', `${comma}quantile="${boundText(quantile, format)}"`, number)
    yield line('_sum', labels, sum)
    return yield line('_count', labels, count)
  }
  const { bounds, cumulative, sum, count } = value.distribution
  for (let bucket = 0; bucket < bounds.length; bucket++) {
    const bound = boundText(bounds[bucket]!, format)
    yield line('_bucket', `${comma}le="${bound}"`, cumulative[bucket]!, exemplars?.[bucket])
  }
  yield line('_bucket', `${comma}le="+Inf"`, count, exemplars?.[bounds.length])
  if (sum !== undefined) yield line('_sum', labels, sum)
  yield line('_count', labels, count)
}

function boundText(bound: number, { openMetrics }: TextFormat): string {
  const text = numberText(bound)
  return openMetrics && /^-?\d+$/.test(text) ? `${text}.0` : text
}

function timeText(time: bigint, { openMetrics }: TextFormat): string {
  const time_ms = time / 1_000_000n
  return openMetrics ? `${time_ms / 1000n}.${String(time_ms % 1000n).padStart(3, '0')}` : String(time_ms)
}

function exemplarText(exemplar: Exemplar | undefined, format: TextFormat): string {
  if (exemplar === undefined || !format.openMetrics) return ''
  const labels = exemplar.labels.map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  const time = exemplar.time > 0n ? ` ${timeText(exemplar.time, format)}` : ''
  return ` # {${labels.join()}} ${numberText(exemplar.value)}${time}`
}
