import { describe, expect, test } from 'vitest'
import { Answer } from '../answers/answer.ts'
import { answers, answersAside, refusals, refusalsAside } from './answer_refusal.fixture.ts'
import { isRefusal } from './answer_refusal.ts'
import { openingOf } from './opening.ts'

function declines(text: string): boolean {
  return isRefusal(opening(text), Buffer.byteLength(text))
}

function opening(text: string): string {
  const answer = new Answer()
  answer.reset(Buffer.from(text))
  answer.addText(0, answer.bytes.length, 0)
  return openingOf(answer)
}

describe.each([
  ['phrases were found on', refusals, answers],
  ['was kept aside', refusalsAside, answersAside],
])('the part that %s', (_, declining, answering) => {
  const missed = declining.filter((text) => !declines(text))
  const wrong = answering.filter(declines)

  test('recall is at least 0.9', () => {
    expect(1 - missed.length / declining.length, missed.join('\n')).toBeGreaterThanOrEqual(0.9)
  })

  test('precision is at least 0.95', () => {
    const found = declining.length - missed.length
    expect(found / (found + wrong.length), wrong.join('\n')).toBeGreaterThanOrEqual(0.95)
  })
})

test('there are enough of both', () => {
  expect(Math.min(refusals.length + refusalsAside.length, answers.length + answersAside.length)).toBeGreaterThan(60)
})

test.each([
  ['no wait', `I cannot provide legal advice. ${'In general, a contract needs an offer. '.repeat(30)}`],
  ['an answer after all', "I can't give medical advice, but adults usually take 400 mg every six hours."],
  ['a long text', `I can't help with that. ${'And so the story went on. '.repeat(200)}`],
])('what declines only in passing is an answer: %s', (_, text) => {
  expect(declines(text)).toBe(false)
})

test('time is linear in the text', () => {
  const words = [
    'i am sorry, ',
    'i understand ',
    'thank you ',
    'but ',
    "i can't, ",
    'no ',
    'als ki ',
    'je ne ',
    'ich kann ',
    ' ',
  ]
  const slowest = Math.max(
    ...words.flatMap((one) =>
      words.map((other) => {
        const text = opening((one + other).repeat(800))
        const start = performance.now()
        isRefusal(text, 800)
        return performance.now() - start
      }),
    ),
  )
  expect(slowest).toBeLessThan(20)
})
