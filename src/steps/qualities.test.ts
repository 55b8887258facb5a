import { expect, test } from 'vitest'
import { uint32 } from '../otlp/cursor.ts'
import { QUALITIES_MAX, Qualities } from './qualities.ts'

const id = Buffer.alloc(8)
const quality = { score: Number.NaN, signals: 0 }

function told(qualities: Qualities, trace: number, span: number): typeof quality | undefined {
  id.writeBigUInt64BE(BigInt(span))
  return qualities.find(trace, uint32(id, 0), uint32(id, 4), quality) ? { ...quality } : undefined
}

function tell(qualities: Qualities, trace: number, span: number, score: number, signals: number): void {
  id.writeBigUInt64BE(BigInt(span))
  qualities.add(trace, id, 0, { score, signals })
}

test('of several answers of a span the worst counts, and what any of them shows', () => {
  const qualities = new Qualities()
  for (const [score, signals] of [
    [Number.NaN, 1],
    [0.4, 2],
    [0.9, 0],
    [Number.NaN, 4],
  ] as const)
    tell(qualities, 5, 7, score, signals)
  expect(told(qualities, 5, 7)).toEqual({ score: 0.4, signals: 7 })
  expect(told(qualities, 5, 8)).toBeUndefined()
  expect(told(qualities, 6, 7)).toBeUndefined()
})

test('the newest are known', () => {
  const qualities = new Qualities()
  for (let span = 1; span <= QUALITIES_MAX + 3; span++) tell(qualities, span % 9, span, 0.5, span % 8)
  const known = Array.from({ length: QUALITIES_MAX + 3 }, (_, at) => told(qualities, (at + 1) % 9, at + 1)?.signals)
  expect(known.slice(0, 3)).toEqual([undefined, undefined, undefined])
  expect(known.slice(3)).toEqual(Array.from({ length: QUALITIES_MAX }, (_, at) => (at + 4) % 8))
})
