/** How thorough the suites are: `npm run chaos` is short, `npm run chaos -- --long` does everything a hundred times. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const isLong = process.env['CHAOS_FORM'] === 'long'

/** Hostile requests of each kind, and how many of them at a time. */
export const ATTACKS_OF_A_KIND = isLong ? 100 : 6
export const PARALLEL = isLong ? 20 : 6

const out = fileURLToPath(new URL('../../out/', import.meta.url))

/** Prints rows of numbers below each other, and leaves them in out/NAME.json. */
export function report(name: string, rows: readonly Readonly<Record<string, string | number>>[]): void {
  if (rows.length === 0) return
  mkdirSync(out, { recursive: true })
  writeFileSync(`${out}${name}.json`, `${JSON.stringify(rows, null, 2)}\n`)
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = [columns, ...rows.map((row) => columns.map((column) => String(row[column] ?? '')))]
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]!.length)))
  const lines = cells.map((line) =>
    line
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  )
  process.stdout.write(`\n${lines.join('\n')}\n`)
}
