/**
 * `npm run quality`: precision and recall of each signal on its labelled sets, in all and by language, and how much of clean
 * chat is told to be of low quality. `--wrong` prints the rows on which a detector is wrong, but never those of sets held apart.
 */
import { existsSync } from 'node:fs'
import { SEVERE } from '../../src/content/quality/signals.ts'
import { measure, type Tally, textOf } from './measure.ts'
import { answerSignals, freshSignals, measuredSignals } from './measured_signals.ts'
import { readRows } from './pii.ts'

const chat = new URL('../../../shared/data/pii/chat_background.jsonl', import.meta.url)

for (const measured of [...measuredSignals, ...freshSignals]) {
  const { all, byLanguage, wrong } = measure(measured)
  print(`\n${measured.signal}, ${measured.set.pathname.split('/').at(-1)}\n${lineOf('all', all)}`)
  for (const [language, tally] of byLanguage) print(lineOf(language, tally))
  if (process.argv.includes('--wrong') && !measured.set.pathname.endsWith('.held.jsonl'))
    for (const row of wrong) print(`  ${row.label ? 'missed' : 'false'}: ${textOf(row).slice(0, 120)}`)
}
if (existsSync(chat)) {
  const rows = readRows(chat)
  const low = rows.filter(({ text }) => (answerSignals(text) & SEVERE) !== 0).length
  print(`\nclean chat: ${low} of ${rows.length} rows of low quality (${((100 * low) / rows.length).toFixed(2)} %)`)
} else print(`\nSKIPPED clean chat: there is nothing at ${chat.pathname}`)

function lineOf(name: string, { rows, precision, recall }: Tally): string {
  return `  ${name.padEnd(4)} ${String(rows).padStart(4)} rows  precision ${precision.toFixed(3)}  recall ${recall.toFixed(3)}`
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}
