import { expect, test } from 'vitest'
import { Random } from '../otlp/random.fixture.ts'
import { type JudgedAnswer, RecentAnswers, type RecentDrift } from './recent_answers.ts'

/** The plain way: lists, and everything added up at every check. */
function compareLists(before: readonly JudgedAnswer[], now: readonly JudgedAnswer[], size: number): RecentDrift {
  const [a, b] = [before.slice(-size), now.slice(-size)]
  if (a.length < 10 || b.length < 10) return { isDrifting: false, reasons: ['insufficient_data'] }
  const mean = (list: readonly JudgedAnswer[], of: (answer: JudgedAnswer) => number) =>
    list.map(of).reduce((x, y) => x + y, 0) / list.length
  const refusals = [a, b].map((list) => mean(list, ({ isRefusal }) => Number(isRefusal))) as [number, number]
  const lengths = [a, b].map((list) => mean(list, ({ length }) => length)) as [number, number]
  const marks = [a, b].map((list) => mean(list, ({ hasInventionMarks }) => Number(hasInventionMarks))) as [
    number,
    number,
  ]
  const words = (name: string, [x, y]: [number, number], digits: number) =>
    `${name}: ${halfEven(x, digits)} -> ${halfEven(y, digits)}`
  const reasons = [
    ...(Math.abs(refusals[1] - refusals[0]) > 0.1 ? [words('refusal_rate_change', refusals, 2)] : []),
    ...(Math.abs(lengths[1] - lengths[0]) / lengths[0] > 0.3 ? [words('length_change', lengths, 0)] : []),
    ...(Math.abs(marks[1] - marks[0]) > 0.15 ? [words('hallucination_rate_change', marks, 2)] : []),
  ]
  return { isDrifting: reasons.length > 0, reasons }
}

/** By the number's exact decimals, of which a double has all. */
function halfEven(value: number, digits: number): string {
  const exact = value.toFixed(60)
  const cut = exact.indexOf('.') + 1 + digits
  const kept = BigInt(exact.slice(0, cut).replace('.', ''))
  const rest = exact.slice(cut).padEnd(1, '0')
  const half = `5${'0'.repeat(rest.length - 1)}`
  const up = rest > half || (rest === half && kept % 2n === 1n)
  const number = (kept + (up ? 1n : 0n)).toString().padStart(digits + 1, '0')
  return digits === 0 ? number : `${number.slice(0, -digits)}.${number.slice(-digits)}`
}

const seed = Date.now() % 1e6

test(`agrees with lists on any sequence (seed ${seed})`, () => {
  const numbers = new Random(seed)
  const next = () => numbers.below(1_000_000) / 1_000_000
  const seen = new Set<string>()
  for (let run = 0; run < 3000; run++) {
    const size = run % 3 === 0 ? 16 : 100
    const answers = (count: number, level: number): JudgedAnswer[] =>
      Array.from({ length: count }, () => ({
        isRefusal: next() < level,
        length: 1 + Math.floor(next() * 200 * (1 + level)),
        hasInventionMarks: next() < level,
      }))
    const before = answers(Math.floor(next() * 150), next() / 2)
    const now = answers(Math.floor(next() * 150), next() / 2)
    const recent = new RecentAnswers(size)
    recent.setBaseline(before)
    for (const answer of now) recent.add(answer)
    const expected = compareLists(before, now, size)
    expect(recent.check(), `run ${run}`).toEqual(expected)
    for (const reason of expected.reasons) seen.add(reason.split(':')[0]!)
  }
  expect([...seen].sort()).toEqual([
    'hallucination_rate_change',
    'insufficient_data',
    'length_change',
    'refusal_rate_change',
  ])
})

const answersOf = (count: number, length: number, refusals = 0): JudgedAnswer[] =>
  Array.from({ length: count }, (_, at) => ({ isRefusal: at < refusals, length, hasInventionMarks: false }))

test.each([
  { title: 'the same', before: answersOf(20, 100), now: answersOf(20, 100), reasons: [] },
  { title: 'nine answers', before: answersOf(9, 100), now: answersOf(20, 900), reasons: ['insufficient_data'] },
  {
    title: 'a length of nothing before',
    before: answersOf(10, 0),
    now: answersOf(10, 7),
    reasons: ['length_change: 0 -> 7'],
  },
  { title: 'nothing before and now', before: answersOf(10, 0), now: answersOf(10, 0), reasons: [] },
  {
    title: 'an eighth, which lies between two',
    before: answersOf(16, 100, 2),
    now: answersOf(16, 100, 6),
    reasons: ['refusal_rate_change: 0.12 -> 0.38'],
  },
  { title: 'exactly 30 % longer', before: answersOf(10, 100), now: answersOf(10, 130), reasons: [] },
  {
    title: 'more than 30 % shorter',
    before: answersOf(10, 100),
    now: answersOf(10, 69),
    reasons: ['length_change: 100 -> 69'],
  },
])('$title', ({ before, now, reasons }) => {
  const recent = new RecentAnswers()
  recent.setBaseline(before)
  for (const answer of now) recent.add(answer)
  expect(recent.check()).toEqual({ isDrifting: reasons.length > 0 && reasons[0] !== 'insufficient_data', reasons })
})
