import { describe, expect, test } from 'vitest'
import { EMPTY_TEXT, Interner, OVERFLOW_TEXT } from './interner.ts'

function intern(interner: Interner, text: string): number {
  const bytes = Buffer.from(`<${text}>`)
  return interner.intern(bytes, 1, bytes.length - 1)
}

describe('an interner', () => {
  test('gives equal texts equal numbers, and different ones different numbers', () => {
    const interner = new Interner(10_000)
    const prefix = 'a prefix of over sixty-four bytes, so that only what follows it tells: '
    const texts = Array.from({ length: 5000 }, (_, at) => (at % 7 === 0 ? `${prefix}${at}` : `model-${at}`))
    const numbers = texts.map((text) => intern(interner, text))
    expect(new Set(numbers).size).toBe(5000)
    expect(texts.map((text) => intern(interner, text))).toEqual(numbers)
    expect(numbers.map((number) => interner.text(number))).toEqual(texts)
    expect(interner.overflowed).toBe(0)
  })

  test('knows the empty text', () => {
    const interner = new Interner(10)
    expect(intern(interner, '')).toBe(EMPTY_TEXT)
    expect(interner.text(EMPTY_TEXT)).toBe('')
  })

  test('calls what is over the bound other, and still knows the rest', () => {
    const interner = new Interner(2)
    const known = [intern(interner, 'a'), intern(interner, 'b')]
    expect([intern(interner, 'c'), intern(interner, 'd'), intern(interner, 'c')]).toEqual(Array(3).fill(OVERFLOW_TEXT))
    expect([intern(interner, 'a'), intern(interner, 'b')]).toEqual(known)
    expect([interner.text(OVERFLOW_TEXT), interner.overflowed]).toEqual(['other', 3])
  })

  test('calls very long texts other', () => {
    const interner = new Interner(10)
    expect(intern(interner, 'x'.repeat(1025))).toBe(OVERFLOW_TEXT)
    expect(interner.text(intern(interner, 'é'.repeat(512)))).toBe('é'.repeat(512))
    expect(interner.overflowed).toBe(1)
  })
})
