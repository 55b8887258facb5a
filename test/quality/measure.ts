/** How well a detector finds what a labelled set says is there. */
import { readFileSync } from 'node:fs'

/** A row of a labelled set: lines of JSON in `sets/`. */
export interface LabelledRow {
  /** ISO 639-1 code of the row's main language. */
  readonly language: string
  /** Whether the signal stands in the row. */
  readonly label: boolean
  readonly text?: string
  /** The text in pieces, where some come more than once: `[piece, times]`. */
  readonly parts?: readonly (string | readonly [string, number])[]
  /** What was asked, for signals that look at both. */
  readonly question?: string
}

/** A line of the table that is measured. */
export interface Measured {
  readonly signal: string
  readonly set: URL
  /** Whether the signal is found in a row. */
  readonly detector: (row: LabelledRow) => boolean
}

/** Counts of rows, and from them precision and recall (1 where nothing was found, or nothing was there). */
export class Tally {
  rows = 0
  hits = 0
  falseAlarms = 0
  missed = 0

  add(label: boolean, found: boolean): void {
    this.rows++
    if (label && found) this.hits++
    else if (found) this.falseAlarms++
    else if (label) this.missed++
  }

  get precision(): number {
    const found = this.hits + this.falseAlarms
    return found === 0 ? 1 : this.hits / found
  }

  get recall(): number {
    const there = this.hits + this.missed
    return there === 0 ? 1 : this.hits / there
  }
}

export interface Measurement {
  readonly all: Tally
  readonly byLanguage: ReadonlyMap<string, Tally>
  /** Rows on which the detector and the label disagree. */
  readonly wrong: readonly LabelledRow[]
}

export function textOf({ text, parts = [] }: LabelledRow): string {
  return text ?? parts.map((part) => (typeof part === 'string' ? part : part[0].repeat(part[1]))).join('')
}

export function rowsOf(set: URL): LabelledRow[] {
  const lines = readFileSync(set, 'utf8').split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LabelledRow)
}

export function measure({ set, detector }: Measured): Measurement {
  const all = new Tally()
  const byLanguage = new Map<string, Tally>()
  const wrong: LabelledRow[] = []
  for (const row of rowsOf(set)) {
    const found = detector(row)
    const ofLanguage = byLanguage.get(row.language) ?? new Tally()
    byLanguage.set(row.language, ofLanguage)
    all.add(row.label, found)
    ofLanguage.add(row.label, found)
    if (row.label !== found) wrong.push(row)
  }
  return { all, byLanguage, wrong }
}
