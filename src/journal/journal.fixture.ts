/** Journals in directories of their own, for tests. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '../self/clock.ts'
import { type Damage, Journal, type JournalOptions } from './journal.ts'

export interface TestJournal {
  readonly journal: Journal
  readonly clock: FakeClock
  readonly damages: Damage[]
  readonly deleted: number[]
}

const directories: string[] = []
const journals: Journal[] = []

export function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-journal-'))
  directories.push(directory)
  return join(directory, 'journal')
}

export async function opened(options: Partial<JournalOptions> & { directory: string }): Promise<TestJournal> {
  const clock = (options.clock ?? new FakeClock()) as FakeClock
  const damages: Damage[] = []
  const deleted: number[] = []
  const journal = new Journal({
    commit_interval_ms: 0,
    onDamage: (damage) => damages.push(damage),
    onDelete: (segment) => deleted.push(segment),
    ...options,
    clock,
  })
  journals.push(journal)
  await journal.open()
  return { journal, clock, damages, deleted }
}

/** Closes and deletes all that the test has made. */
export async function cleanUp(): Promise<void> {
  for (const journal of journals.splice(0)) await journal.close()
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true, force: true })
}

/** The payloads of all records as texts. */
export async function textsOf(journal: Journal): Promise<string[]> {
  const texts: string[] = []
  for await (const { payload } of journal.records()) texts.push(payload.toString())
  return texts
}

export function segmentsIn(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.journal'))
    .sort()
    .map((name) => join(directory, name))
}
