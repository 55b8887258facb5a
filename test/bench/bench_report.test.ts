import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { formatResults, type Results, renewDocs } from './bench_report.ts'
import type { Run } from './run.ts'

function run(subject: Run['subject'], cpu_s_per_million: number, more: Partial<Run> = {}): Run {
  const rest = { cpu_s_per_gb: 1, spans_per_s: 1000, rss_bytes: 5e6, rss_peak_bytes: 6e6, passed: 1, warnings: [] }
  return { subject, cpu_s_per_million, ...rest, load_busy: 0.3, subject_busy: 1, ...more }
}

const RESULTS: Results = {
  date: '2026-01-02T03:04:05Z',
  node: 'v24.0.0',
  collector: 'otelcol 1',
  rows: [
    {
      work: 'passthrough',
      transport: 'http',
      shape: '250B',
      runs: [run('collector', 2), run('sluice', 1, { load_busy: 0.95, subject_busy: 0.8 }), run('collector', 8)],
      failures: [],
    },
    {
      work: 'pipeline',
      transport: 'http',
      shape: '680B',
      runs: [run('sluice', 3, { warnings: ['odd'] })],
      failures: ['x'],
    },
  ],
  held: [
    {
      shape: '250B',
      runs: [{ subject: 'sluice', held_bytes_per_span: 300, wire_bytes_per_span: 200, warnings: [] }],
      failures: [],
    },
  ],
}

const cells = (line: string) => line.split('|').map((cell) => cell.trim())

test('a row has geometric means, the ratio Collector / Sluice, and a star where the load was the limit', () => {
  const lines = formatResults(RESULTS).split('\n')
  expect(cells(lines[2]!).slice(4, 7)).toEqual(['4.00', '1.00', '4.0'])
  expect(cells(lines[2]!).slice(9, 11)).toEqual(['1000', '1000*'])
  expect(cells(lines[3]!).slice(4, 7)).toEqual(['–', '3.00', '–'])
})

test('held memory stands beside the size on the wire', () => {
  const line = formatResults(RESULTS)
    .split('\n')
    .find((one) => one.startsWith('| 250B'))
  expect(cells(line!).slice(1, 7)).toEqual(['250B', '200', '–', '300', '–', '1.50'])
})

test('warnings and failures name their row', () => {
  const text = formatResults(RESULTS)
  expect(text).toContain('- WARNING: pipeline http 680B sluice: odd')
  expect(text).toContain('- WARNING: pipeline http 680B x')
})

test('only the figures of the page are renewed', () => {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'))
  const file = join(directory, 'page.md')
  writeFileSync(file, 'above\n<!-- figures:begin -->\nold\n<!-- figures:end -->\nbelow\n')
  renewDocs(file, RESULTS)
  renewDocs(file, RESULTS)
  const text = readFileSync(file, 'utf8')
  expect(text.startsWith('above\n<!-- figures:begin -->\nMeasured 2026-01-02')).toBe(true)
  expect(text.endsWith('\n<!-- figures:end -->\nbelow\n')).toBe(true)
  expect(text).not.toContain('old')
  writeFileSync(file, 'no marks')
  expect(() => renewDocs(file, RESULTS)).toThrow(/expected the marks/)
  rmSync(directory, { recursive: true })
})
