/** Floors below which no detector may fall on its labelled sets; `npm run quality` prints what they reach. */
import { expect, test } from 'vitest'
import { measure } from './measure.ts'
import { measuredSignals } from './measured_signals.ts'

const floors: Readonly<Record<string, { precision: number; recall: number }>> = {
  refusal: { precision: 0.95, recall: 0.75 },
  hedging: { precision: 0.95, recall: 0.75 },
  prompt_injection: { precision: 0.95, recall: 0.8 },
  indirect_injection: { precision: 0.9, recall: 0.8 },
  repetition: { precision: 0.95, recall: 0.85 },
}

test.each(
  measuredSignals.map((measured) => [measured.signal, measured.set.pathname.split('/').at(-1), measured] as const),
)('%s on %s', (signal, _, measured) => {
  const { all } = measure(measured)
  expect(all.rows).toBeGreaterThan(10)
  expect(all.precision).toBeGreaterThanOrEqual(floors[signal]!.precision)
  expect(all.recall).toBeGreaterThanOrEqual(floors[signal]!.recall)
})
