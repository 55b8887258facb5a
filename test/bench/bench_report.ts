import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import type { SubjectName } from './bench_subject.ts'
import type { Transport } from './load_process.ts'
import type { Held, Run } from './run.ts'

/** All runs of one work, transport and shape. */
export interface Row {
  readonly work: string
  readonly transport: Transport
  readonly shape: string
  readonly runs: Run[]
  /** Runs that came to no figure. */
  readonly failures: string[]
}

export interface HeldRow {
  readonly shape: string
  readonly runs: Held[]
  readonly failures: string[]
}

export interface Results {
  readonly date: string
  readonly node: string
  readonly collector: string
  readonly rows: readonly Row[]
  readonly held: readonly HeldRow[]
}

/** The tables as Markdown, which is also readable on a terminal. */
export function formatResults(results: Results): string {
  const parts: string[] = []
  if (results.rows.length > 0) parts.push(formatTable(RUN_HEAD, results.rows.map(runCells)))
  if (results.held.length > 0) parts.push(formatTable(HELD_HEAD, results.held.map(heldCells)))
  const warnings = listWarnings(results)
  if (warnings.length > 0) parts.push(warnings.map((warning) => `- WARNING: ${warning}`).join('\n'))
  return parts.join('\n\n')
}

/** Every doubt about a figure, with the row that it belongs to. */
function listWarnings(results: Results): string[] {
  const rows = [
    ...results.rows.map((row) => ({ ...row, label: `${row.work} ${row.transport} ${row.shape}` })),
    ...results.held.map((row) => ({ ...row, label: `memory ${row.shape}` })),
  ]
  return rows.flatMap((row) => [
    ...row.runs.flatMap((run) => run.warnings.map((text) => `${row.label} ${run.subject}: ${text}`)),
    ...row.failures.map((text) => `${row.label} ${text}`),
  ])
}

/** Renews the figures in `file`. */
export function renewDocs(file: string, results: Results): void {
  const subjects = `Node ${results.node}, ${results.collector}, one core of ${cpus()[0]?.model.trim() ?? 'an unknown machine'}`
  renewSection(file, 'figures', `Measured ${results.date.slice(0, 10)}: ${subjects}.\n\n${formatResults(results)}`)
}

/** Replaces what stands in `file` between the two marks of that name. */
export function renewSection(file: string, name: string, section: string): void {
  const marks = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const text = readFileSync(file, 'utf8')
  const [begin, end] = marks.map((mark) => text.indexOf(mark))
  if (begin! < 0 || end! < begin!) throw new Error(`${file}: expected the marks ${marks.join(' and ')}`)
  writeFileSync(file, `${text.slice(0, begin)}${marks[0]}\n${section}\n${text.slice(end)}`)
}

const RUN_HEAD = [
  'work',
  'transport',
  'shape',
  'CPU-s/M spans Collector',
  'Sluice',
  'ratio',
  'CPU-s/GB Collector',
  'Sluice',
  'spans/s Collector',
  'Sluice',
  'RSS MB Collector',
  'Sluice',
]

function runCells(row: Row): string[] {
  const pair = (value: (run: Run) => number, digits: number) =>
    (['collector', 'sluice'] as const).map((subject) => show(meanOf(row, subject, value), digits))
  const limited = (subject: SubjectName) =>
    row.runs.some((run) => run.subject === subject && run.load_busy > 0.9 && run.subject_busy < 0.95) ? '*' : ''
  const [collectorRate, sluiceRate] = pair((run) => run.spans_per_s, 0)
  return [
    row.work,
    row.transport,
    row.shape,
    ...pair((run) => run.cpu_s_per_million, 2),
    show(ratio(row), 1),
    ...pair((run) => run.cpu_s_per_gb, 1),
    collectorRate + limited('collector'),
    sluiceRate + limited('sluice'),
    ...pair((run) => run.rss_bytes / 1e6, 0),
  ]
}

/** Collector / Sluice in CPU time per span: above 1, Sluice is cheaper. */
function ratio(row: Row): number {
  const cost = (run: Run) => run.cpu_s_per_million
  return meanOf(row, 'collector', cost) / meanOf(row, 'sluice', cost)
}

/** Geometric mean over a subject's runs; NaN without any. */
function meanOf(row: Row, subject: SubjectName, value: (run: Run) => number): number {
  const runs = row.runs.filter((run) => run.subject === subject)
  return Math.exp(runs.reduce((sum, run) => sum + Math.log(value(run)), 0) / runs.length)
}

const HELD_HEAD = ['held', 'wire B/span', 'RSS B/span Collector', 'Sluice', 'times wire Collector', 'Sluice']

function heldCells(row: HeldRow): string[] {
  const of = (subject: SubjectName) =>
    row.runs.find((run) => run.subject === subject)?.held_bytes_per_span ?? Number.NaN
  const wire = row.runs[0]?.wire_bytes_per_span ?? Number.NaN
  const [collector, sluice] = [of('collector'), of('sluice')]
  return [
    row.shape,
    show(wire, 0),
    show(collector, 0),
    show(sluice, 0),
    show(collector / wire, 2),
    show(sluice / wire, 2),
  ]
}

function show(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–'
}

/** As Markdown. */
export function formatTable(head: readonly string[], rows: readonly string[][]): string {
  const all = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]!.length)))
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, i) => ((i < 3 && head.length > 6) || i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join(' | ')} |`
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n')
}
