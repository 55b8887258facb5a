import { expect, test } from 'vitest'
import { Random } from '../../../../test/bench/random.ts'
import { Output } from '../../../otlp/output.ts'
import { writeNumber } from './readable_number.ts'

/** By the rules of JavaScript's own conversion, which rounds the exact value of the double. */
function expected(value: number): string {
  if (Number.isInteger(value)) return String(value)
  const digits = Math.max(0, Math.min(20, 5 - Math.floor(Math.log10(value))))
  const text = value.toFixed(digits)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

test('any number is rounded as the language rounds it, also between two texts', () => {
  const random = new Random(5)
  const out = new Output()
  for (let round = 0; round < 20_000; round++) {
    const whole = random.whole(0, 10 ** random.whole(1, 9))
    const values = [whole, whole / 10 ** random.whole(0, 24), (whole + 0.5) / 10 ** random.whole(0, 12)]
    for (const value of values) {
      out.reset()
      writeNumber(out, value)
      expect(out.take().toString()).toBe(expected(value))
    }
  }
})
