import { expect, test } from 'vitest'
import { EffortError } from './effort.ts'
import { BudgetError, Findings, kindIndex, kindName } from './findings.ts'

const A = kindIndex('A')
const B = kindIndex('B')
const C = kindIndex('C')

type Item = [start: number, end: number, kind: number]

function settled(items: readonly Item[]): Item[] {
  const findings = new Findings()
  for (const [start, end, kind] of items) findings.add(start, end, kind)
  findings.settle()
  return Array.from({ length: findings.count }, (_, i) => [findings.start(i), findings.end(i), findings.kind(i)])
}

const cases: [what: string, items: Item[], expected: Item[]][] = [
  ['nothing', [], []],
  [
    'order',
    [
      [5, 9, A],
      [1, 3, B],
      [3, 5, C],
    ],
    [
      [1, 3, B],
      [3, 5, C],
      [5, 9, A],
    ],
  ],
  [
    'a longer one inside of which another lies',
    [
      [0, 9, A],
      [2, 4, B],
    ],
    [[0, 9, A]],
  ],
  [
    'a shorter one first',
    [
      [0, 4, A],
      [2, 12, B],
      [11, 13, C],
    ],
    [[0, 13, B]],
  ],
  [
    'equals: the first added',
    [
      [3, 7, B],
      [3, 7, A],
    ],
    [[3, 7, B]],
  ],
  [
    'empty ones',
    [
      [3, 3, A],
      [5, 4, A],
    ],
    [],
  ],
]

test.each(cases)('settles %s', (_, items, expected) => expect(settled(items)).toEqual(expected))

test('settles many as it settles few', () => {
  const items = Array.from(
    { length: 500 },
    (_, i): Item => [((i * 7919) % 500) * 3, ((i * 7919) % 500) * 3 + (i % 3) + 1, i % 2 ? A : B],
  )
  const sorted = [...items].sort((a, b) => a[0] - b[0])
  expect(settled(items)).toEqual(sorted)
})

test('names kinds', () => {
  expect(kindIndex('A')).toBe(A)
  expect(kindName(B)).toBe('B')
})

test('what all ranges together may take ends them, not as a value that has to be masked', () => {
  const findings = new Findings()
  findings.effort.grant(100)
  findings.reset(60)
  findings.spend(60)
  findings.settle()
  expect(findings.effort.left).toBe(40)
  findings.reset(60)
  expect(() => findings.spend(41)).toThrow(EffortError)
  findings.effort.grant(100)
  findings.reset(60)
  expect(() => findings.spend(61)).toThrow(BudgetError)
})
