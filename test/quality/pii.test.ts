import { expect, test } from 'vitest'
import { readRows, score } from './pii.ts'

const folder = new URL('../data/pii/', import.meta.url)

const thresholds: [file: string, kind: string, recall: number, precision: number][] = [
  ['presidio_sample.jsonl.gz', 'EMAIL', 0.99, 0.99],
  ['presidio_sample.jsonl.gz', 'CREDIT_CARD', 0.99, 0.99],
  ['gitleaks_sample.jsonl.gz', 'API_KEY', 0.92, 0.93],
]

test.each(thresholds)('%s: %s with recall %d and precision %d', (file, kind, recall, precision) => {
  const { spans, found, hits, wrong } = score(readRows(new URL(file, folder))).find((each) => each.kind === kind)!
  expect(spans).toBeGreaterThan(5)
  expect(found / spans).toBeGreaterThanOrEqual(recall)
  expect(1 - wrong / hits).toBeGreaterThanOrEqual(precision)
})
