import { describe, expect, test } from 'vitest'
import { Random } from '../../otlp/random.fixture.ts'
import { FakeClock } from '../../self/clock.ts'
import { EMPTY, LabelTexts, OTHER } from './label_texts.ts'

function intern(texts: LabelTexts, text: string): number {
  const bytes = Buffer.from(`<${text}>`)
  return texts.intern(bytes, 1, bytes.length - 1)
}

describe('label texts', () => {
  test('equal texts have equal numbers, and their text back', () => {
    const texts = new LabelTexts(10_000, new FakeClock())
    // Some differ only at the end, some only behind the 64th byte, some only in length.
    const all = Array.from({ length: 9000 }, (_, at) => `${'model-'.repeat((at % 3) * 8)}${at}`)
    const numbers = all.map((text) => intern(texts, text))
    expect(new Set(numbers).size).toBe(all.length)
    expect(all.map((text) => intern(texts, text))).toEqual(numbers)
    expect(numbers.map((number) => texts.text(texts.placeOf(number)))).toEqual(all)
    expect([texts.overflowed, intern(texts, ''), texts.text(EMPTY)]).toEqual([0, EMPTY, ''])
  })

  test('what has no place is other, and can still be told apart', () => {
    const texts = new LabelTexts(2, new FakeClock())
    const known = ['a', 'b', 'a', 'b'].map((text) => intern(texts, text)).slice(2)
    const [c, d, again] = [intern(texts, 'c'), intern(texts, 'd'), intern(texts, 'c')]
    expect([c === d, c === again]).toEqual([false, true])
    expect([c, d].map((number) => texts.text(texts.placeOf(number!)))).toEqual(['other', 'other'])
    expect([intern(texts, 'a'), intern(texts, 'b')]).toEqual(known)
    expect(texts.overflowed).toBe(3)
  })

  test('a text over 1 KiB has no place, one of 1 KiB has', () => {
    const texts = new LabelTexts(10, new FakeClock())
    expect(texts.placeOf(intern(texts, 'x'.repeat(1025)))).toBe(OTHER)
    expect(texts.text(texts.placeOf(intern(texts, 'é'.repeat(512))))).toBe('é'.repeat(512))
    expect(texts.overflowed).toBe(1)
  })

  test('a text that loses its place takes nothing of the next one', () => {
    const texts = new LabelTexts(1, new FakeClock())
    const replaced: string[] = []
    texts.onReplaced = (place) => replaced.push(texts.text(place))
    const typo = intern(texts, 'gpt-4.1-mimi')
    for (let use = 0; use < 5; use++) intern(texts, 'gpt-4.1-mini')
    const mini = intern(texts, 'gpt-4.1-mini')
    expect([typo, mini].map((number) => texts.text(texts.placeOf(number)))).toEqual(['other', 'gpt-4.1-mini'])
    expect([replaced, texts.replaced]).toEqual([['gpt-4.1-mimi'], 1])
  })

  test('texts that come and go, against a table that never forgets', async () => {
    const seed = Math.floor(Math.random() * 2 ** 31)
    const random = new Random(seed)
    const clock = new FakeClock()
    const texts = new LabelTexts(50, clock)
    const held = new Map<number, string>()
    texts.onReplaced = (place) => {
      for (const [number, text] of held) if (texts.text(place) === text) held.delete(number)
    }
    for (let step = 0; step < 30_000; step++) {
      // What is popular changes.
      const text = `model ${Math.floor((random.below(1000) / 1000) ** 4 * 200 + step / 200)}`
      const number = intern(texts, text)
      if (number >= 0) held.set(number, text)
      if (step % 10 === 0) await clock.advance(2000)
    }
    expect(texts.replaced, `seed ${seed}`).toBeGreaterThan(50)
    expect(held.size).toBeLessThanOrEqual(50)
    for (const [number, text] of held) {
      expect(texts.text(texts.placeOf(number)), `seed ${seed}`).toBe(text)
      expect(intern(texts, text)).toBe(number)
    }
  })
})
