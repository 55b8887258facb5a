/** A captured folder: what comes in, what is counted of it, and what is wrong with that. */
import { readFileSync } from 'node:fs'
import { captures, differences, expectedOf, type Reachable, requestsOf, totalsOf } from '../support/reachable.ts'
import { type Body, counted } from './counted.fixture.ts'
import { variantOf } from './variants.fixture.ts'

/** Whose calls are told of by a span of the same request. */
const TOGETHER = ['python/traceloop-haystack']

export function bodiesIn(folder: string): Body[] {
  const signals = ['traces', 'logs'] as const
  return signals.flatMap((signal) => requestsOf(folder, signal).map((bytes) => ({ signal, bytes })))
}

/** The folder in another form. */
export function variantIn(folder: string, seed: number): Body[] {
  return variantOf(bodiesIn(folder), seed, TOGETHER.includes(folder))
}

/** A line for each number that is not what can be known of the folder, or not the same in metrics and summaries. */
export async function wrongOf(folder: string, sent: readonly Body[]): Promise<string[]> {
  const reachable: Reachable = JSON.parse(readFileSync(new URL(`${folder}/reachable.json`, captures), 'utf8'))
  const { byModel, bySummaries } = await counted(sent)
  const totals = totalsOf(byModel, reachable)
  const unlike = JSON.stringify(sorted(byModel)) === JSON.stringify(sorted(bySummaries)) ? [] : ['summaries differ']
  return [...differences(totals, expectedOf(folder, reachable)), ...unlike]
}

function sorted(byModel: object): unknown[] {
  return Object.entries(byModel)
    .map(([model, sums]) => [model, Object.entries(sums).sort()])
    .sort()
}
