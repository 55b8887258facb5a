import { describe, expect, test } from 'vitest'
import { Book, discrepancy, findings, Ledger } from './ledger.ts'

describe('a book', () => {
  const steps: [name: string, step: (book: Book) => void, after: object][] = [
    ['enter', (book) => book.enter(100), { entered: 100, held: { in_flight: 100 } }],
    ['deliver', (book) => book.deliver(10), { delivered: 10, held: { in_flight: 90 } }],
    ['drop', (book) => book.drop(5, 'too_large'), { dropped: { too_large: 5 }, held: { in_flight: 85 } }],
    ['drop nothing', (book) => book.drop(0, 'never'), { dropped: { too_large: 5 } }],
    ['drop more', (book) => book.drop(1, 'too_large'), { dropped: { too_large: 6 }, held: { in_flight: 84 } }],
    ['sample out', (book) => book.sampleOut(4), { sampled_out: 4, held: { in_flight: 80 } }],
    ['duplicate', (book) => book.duplicate(10), { duplicate: 10, held: { in_flight: 70 } }],
    ['hold', (book) => book.hold(30, 'pending'), { held: { in_flight: 40, pending: 30 } }],
    ['hold elsewhere', (book) => book.hold(20, 'queued'), { held: { in_flight: 20, queued: 20 } }],
    ['release', (book) => book.release(30, 'pending'), { held: { in_flight: 50, pending: 0 } }],
    ['refuse', (book) => book.refuse(50), { entered: 50, refused: 50, held: { in_flight: 0 } }],
  ]

  test('has a place for every item after every step', () => {
    const book = new Book('a → b', 'traces')
    for (const [name, step, after] of steps) {
      step(book)
      expect(book.balance(), name).toMatchObject(after)
      expect(discrepancy(book.balance()), name).toBe(0)
      expect(findings([book.balance()]), name).toEqual([])
    }
    expect(findings([book.balance()], true)).toEqual([])
  })

  test('whose item was booked twice is found out', () => {
    const book = new Book('a → b', 'traces')
    book.enter(1)
    expect(findings([book.balance()], true)).toEqual(['a → b: 1 items in flight'])
    book.deliver(1)
    book.drop(1, 'timeout')
    expect(findings([book.balance()])).toEqual(['a → b: held in_flight is -1'])
    expect(findings([{ ...book.balance(), entered: 3 }])[0]).toBe('a → b: 2 items without a place')
  })
})

test('an account is one for edge and signal, for good', () => {
  const ledger = new Ledger()
  const book = ledger.account('a → b', 'logs')
  expect(ledger.account('a → b', 'logs')).toBe(book)
  expect(ledger.account('a → b', 'traces')).not.toBe(book)
  expect(ledger.snapshot()).toHaveLength(2)
})
