/**
 * node scripts/sum_results.ts DIRECTORY SUITE…: the results of all suites in one line, and in the exit code.
 *
 * Each suite has left NAME.status (its exit code) and, if vitest ran it, NAME.json. A suite that failed without a
 * failed test in its report (types, lint, a file that cannot be loaded, no time left) counts as one failure; one
 * without a report that ended well, as one pass. What failed stands above the line once more, because a log is
 * read from its end.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Sum {
  passed: number
  failed: number
  skipped: number
}

/** The fields of vitest's JSON report (Jest's form) that count. */
interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numPendingTests: number
  readonly numTodoTests: number
  readonly testResults: readonly ReportedFile[]
}

interface ReportedFile {
  readonly name: string
  readonly status: string
  /** Why the file itself failed: it could not be loaded, or a hook threw. */
  readonly message: string
  readonly assertionResults: readonly {
    readonly fullName: string
    readonly status: string
    readonly failureMessages: readonly string[] | null
  }[]
}

const MESSAGE_CHARS_MAX = 2000

const [directory = '.', ...suites] = process.argv.slice(2)
const sum: Sum = { passed: 0, failed: 0, skipped: 0 }
for (const suite of suites) add(sum, resultOf(directory, suite))
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0

function resultOf(directory: string, suite: string): Sum {
  const endedWell = readFileSync(join(directory, `${suite}.status`), 'utf8').trim() === '0'
  const path = join(directory, `${suite}.json`)
  if (!existsSync(path) && !endedWell) console.log(`FAILED ${suite}, without a report`)
  if (!existsSync(path)) return { passed: endedWell ? 1 : 0, failed: endedWell ? 0 : 1, skipped: 0 }
  const report = JSON.parse(readFileSync(path, 'utf8')) as Report
  const failed = report.numFailedTests
  for (const file of report.testResults) tellFailures(file)
  if (failed === 0 && !endedWell) console.log(`FAILED ${suite}, without a failed test`)
  return {
    passed: report.numPassedTests,
    failed: failed === 0 && !endedWell ? 1 : failed,
    skipped: report.numPendingTests + report.numTodoTests,
  }
}

function tellFailures(file: ReportedFile): void {
  if (file.status !== 'failed') return
  if (file.message) console.log(`FAILED ${file.name}\n${file.message.slice(0, MESSAGE_CHARS_MAX)}`)
  for (const test of file.assertionResults) {
    if (test.status !== 'failed') continue
    const why = (test.failureMessages ?? []).join('\n').slice(0, MESSAGE_CHARS_MAX)
    console.log(`FAILED ${file.name} > ${test.fullName}\n${why}`)
  }
}

function add(sum: Sum, { passed, failed, skipped }: Sum): void {
  sum.passed += passed
  sum.failed += failed
  sum.skipped += skipped
}
