import { expect, test } from 'vitest'
import { traits } from './detector.ts'
import { traitsOf } from './scan.ts'

/** Whether some digit has at least three others and three dots before it. */
function isQuad(number: string): boolean {
  return [...number].some((each, at) => {
    const before = number.slice(0, at)
    return /\d/.test(each) && before.replace(/\D/g, '').length >= 3 && before.split('.').length > 3
  })
}

/** Random texts of few characters, so that runs and numbers of every length around the limits come up. */
function* texts(seed: number): Generator<string> {
  let state = seed
  const random = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const alphabets = ['ab_-1 ', 'abcdefgh. 1', '0123456789 .-/x', 'abcA :', '12\\u00a0 ', '12\u00a0é']
  for (let i = 0; i < 20_000; i++) {
    const alphabet = [...alphabets[random(alphabets.length)]!]
    yield Array.from({ length: random(48) }, () => alphabet[random(alphabet.length)]).join('')
  }
}

test('runs and long numbers are noticed as plain searches notice them', () => {
  const seed = 7
  for (const text of texts(seed)) {
    const bytes = Buffer.from(`9${text}9`)
    const found = traitsOf(bytes, 1, bytes.length - 1)
    const runs = text.match(/[A-Za-z0-9_-]{12,}/g) ?? []
    expect((found & traits.run) !== 0, `seed ${seed} run ${text}`).toBe(runs.some((run) => /[A-Z0-9]/.test(run)))
    const numbers = text.match(/[0-9 \t./()+%\u0080-\uffff-]+/g) ?? []
    const long = numbers.some((number) => number.replace(/\D/g, '').length >= 6 || isQuad(number))
    const escaped = /[\\%]/.test(text) && text.replace(/\D/g, '').length >= 6
    expect((found & traits.number) !== 0, `seed ${seed} number ${text}`).toBe(long || escaped)
  }
})
