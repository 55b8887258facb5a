/**
 * Small requests of which each stands for a kind: how often a call is counted, and with which tokens. The second input of a
 * kind has other emitters, numbers and orders.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bodyOf, oneByOne } from './bodies.fixture.ts'
import { type Body, type ByModel, counted } from './counted.fixture.ts'

interface Case {
  readonly name: string
  readonly signal: Body['signal']
  readonly right: ByModel
  /** What is right where each item is sent alone, if it is less: an item tells of another in its own request only. */
  readonly apart?: ByModel
}

const directory = new URL('calls/', import.meta.url)
const cases: Case[] = ['expected.json', 'expected.second.json', 'expected.more.json'].flatMap((name) =>
  JSON.parse(readFileSync(new URL(name, directory), 'utf8')),
)

test('every input is a row', () => {
  const inputs = readdirSync(directory).filter((name) => !name.startsWith('expected'))
  expect(inputs.sort()).toEqual(cases.map(({ name }) => `${name}.json`).sort())
})

describe.each(cases)('$name', ({ name, signal, right, apart = right }) => {
  const body = bodyOf(signal, new URL(`${name}.json`, directory))

  test.each<[how: string, bodies: readonly Body[], right: ByModel]>([
    ['in one request', [body], right],
    ['twice', [body, body], right],
    ['item by item, the last first', oneByOne(body).reverse(), apart],
  ])('%s', async (_, bodies, right) => {
    const { byModel, bySummaries } = await counted(bodies)
    expect(byModel).toEqual(right)
    expect(bySummaries).toEqual(right)
  })
})
