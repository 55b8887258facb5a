/** What families and labels are called in one exposition: names in UTF-8 are escaped where the scraper does not take them. */

import type { Series } from '../series.ts'
import { escapeLabel } from '../series_labels.ts'
import { type Family, namesOf } from '../series_store.ts'
import { type Escaping, escapeLabelName, escapeMetric, isPlainMetric } from './escaping.ts'

export interface NamedSeries {
  readonly series: Series
  /** As the text between the braces. */
  readonly labels: string
}

/** Two names that escaping makes one cannot both be shown, or the scrape as a whole would be refused: the first is. */
export class ExposedNames {
  readonly #escaping: Escaping
  readonly #taken = new Set<string>()

  constructor(escaping: Escaping) {
    this.#escaping = escaping
  }

  /** The family's name; undefined if another family has it. */
  family({ name, type }: Family): string | undefined {
    const escaped = escapeMetric(name, this.#escaping)
    const names = namesOf(escaped, type)
    if (names.some((one) => this.#taken.has(one))) return undefined
    for (const one of names) this.#taken.add(one)
    return escaped
  }

  /** The family's series at this moment. */
  *series(family: Family): Generator<NamedSeries> {
    const seen = new Set<string>()
    for (const series of [...family.series.values()]) {
      const labels = this.#labels(series.labels)
      if (this.#escaping !== 'allow-utf-8' && isQuoted(series.labels)) {
        if (seen.has(labels) || family.series.has(labels)) continue
        seen.add(labels)
      }
      yield { series, labels }
    }
  }

  #labels(labels: string): string {
    if (this.#escaping === 'allow-utf-8' || !isQuoted(labels)) return labels
    const escaped = new Map<string, string>()
    for (const [name, value] of pairsOf(labels)) {
      const label = escapeLabelName(name, this.#escaping)
      const other = escaped.get(label)
      escaped.set(label, other === undefined ? value : `${other};${value}`)
    }
    return [...escaped].map(([name, value]) => `${name}="${escapeLabel(value)}"`).join()
  }
}

/** The name of a line with labels: `name{labels}`, or `{"name",labels}` where it needs quotes. */
export function lineHead(name: string, labels: string): string {
  if (isPlainMetric(name)) return labels === '' ? name : `${name}{${labels}}`
  return labels === '' ? `{${quoted(name)}}` : `{${quoted(name)},${labels}}`
}

/** The name as it stands behind `# TYPE`. */
export function headName(name: string): string {
  return isPlainMetric(name) ? name : quoted(name)
}

/** The labels of a text that this exporter made. */
export function pairsOf(labels: string): [name: string, value: string][] {
  const pairs: [string, string][] = []
  for (let at = 0; at < labels.length; at++) {
    const inQuotes = labels[at] === '"'
    const nameEnd = inQuotes ? closing(labels, at + 1) : labels.indexOf('=', at)
    const name = labels.slice(inQuotes ? at + 1 : at, nameEnd)
    const start = nameEnd + (inQuotes ? 3 : 2)
    const end = closing(labels, start)
    pairs.push([unescaped(name), unescaped(labels.slice(start, end))])
    at = end + 1
  }
  return pairs
}

function quoted(name: string): string {
  return `"${escapeLabel(name)}"`
}

/** A quote that begins a name stands first or behind a comma; within a value it has a backslash before it. */
function isQuoted(labels: string): boolean {
  return labels.startsWith('"') || labels.includes(',"')
}

/** Where the text that begins at `start` ends with a quote. */
function closing(text: string, start: number): number {
  for (let at = text.indexOf('"', start); ; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at
  }
}

function unescaped(text: string): string {
  if (!text.includes('\\')) return text
  return text.replace(/\\(.)/gs, (_, character: string) => (character === 'n' ? '\n' : character))
}
