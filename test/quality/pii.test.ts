import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { hitsIn, readRows, score } from './pii.ts'

type Threshold = readonly [file: string, kind: string, recall: number, precision: number]

const folder = new URL('../data/pii/', import.meta.url)
const shared = new URL('../../../shared/data/pii/', import.meta.url)
const there = existsSync(shared)
if (!there) process.stderr.write(`SKIPPED: labelled sets are not at ${shared.pathname}\n`)

const samples: readonly Threshold[] = [
  ['presidio_sample.jsonl.gz', 'EMAIL', 0.99, 0.99],
  ['presidio_sample.jsonl.gz', 'CREDIT_CARD', 0.99, 0.99],
  ['presidio_numbers.jsonl.gz', 'PHONE', 0.96, 0.98],
  ['presidio_numbers.jsonl.gz', 'IBAN', 0.99, 0.99],
  // Bare and oddly grouped ones without a word that names them are left.
  ['presidio_numbers.jsonl.gz', 'SSN', 0.92, 0.98],
  // Addresses of nobody (loopback, unspecified, broadcast) are left on purpose: 15 of 97.
  ['presidio_numbers.jsonl.gz', 'IP', 0.84, 0.99],
  ['gitleaks_sample.jsonl.gz', 'API_KEY', 0.92, 0.93],
]

const sets: readonly Threshold[] = [
  ['presidio_generated_large.jsonl', 'EMAIL', 0.99, 0.99],
  ['presidio_generated_large.jsonl', 'CREDIT_CARD', 0.99, 0.99],
  ['presidio_generated_large.jsonl', 'PHONE', 0.96, 0.98],
  ['presidio_generated_large.jsonl', 'IBAN', 0.99, 0.99],
  ['presidio_generated_large.jsonl', 'SSN', 0.99, 0.99],
  ['presidio_generated_large.jsonl', 'IP', 0.99, 0.99],
  ['presidio_recognizer_tests.jsonl', 'PHONE', 0.96, 0.99],
  ['presidio_recognizer_tests.jsonl', 'IBAN', 0.99, 0.99],
  ['presidio_recognizer_tests.jsonl', 'IP', 0.82, 0.99],
  ['gitleaks_rule_cases.jsonl.gz', 'API_KEY', 0.94, 0.95],
  ['noseyparker_rule_cases.jsonl.gz', 'API_KEY', 0.77, 0.82],
]

test.each(samples)('%s: %s with recall %d and precision %d', (...threshold) => check(folder, threshold))

describe.skipIf(!there)('whole sets', () => {
  test.each(sets)('%s: %s with recall %d and precision %d', (...threshold) => check(shared, threshold))

  test('in conversations there are no hits but true ones', () => {
    const texts = readRows(new URL('chat_background.jsonl', shared)).map(({ text }) => text)
    const kinds = texts.flatMap((text) => hitsIn(text)).map(({ kind }) => kind)
    // The seven addresses in the code that one answer shows.
    expect(kinds).toEqual(new Array(7).fill('EMAIL'))
  })
})

function check(from: URL, [file, kind, recall, precision]: Threshold): void {
  const { spans, found, hits, wrong } = score(readRows(new URL(file, from))).find((each) => each.kind === kind)!
  expect(spans).toBeGreaterThan(5)
  expect(found / spans).toBeGreaterThanOrEqual(recall)
  expect(1 - wrong / hits).toBeGreaterThanOrEqual(precision)
}
