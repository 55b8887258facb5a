import { expect, test } from 'vitest'
import { Random } from '../../../otlp/random.fixture.ts'
import { SpanPlaces, UNMARKED } from './span_places.ts'

function found(places: SpanPlaces, mark: number): number[] {
  const addresses: number[] = []
  places.forEach(mark, (address) => addresses.push(address))
  return addresses.sort((a, b) => a - b)
}

test('places that come and go, against a map', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  const random = new Random(seed)
  const places = new SpanPlaces()
  const known = new Map<number, number[]>()
  const usual_bytes = places.size_bytes
  const all: [mark: number, address: number][] = []
  for (let step = 0; step < 40_000; step++) {
    const grows = step < 20_000 ? 75 : 25
    if (all.length === 0 || random.chance(grows)) {
      // Few low bits, so that they stand in each other's way; some have several places.
      const mark = (random.below(4000) << 12) | random.below(64) | 1
      const address = step * 2 ** 31
      places.add(mark, address)
      known.set(mark, [...(known.get(mark) ?? []), address])
      all.push([mark, address])
    } else {
      const at = random.below(all.length)
      const [mark, address] = all[at]!
      all[at] = all.at(-1)!
      all.pop()
      places.remove(mark, address)
      known.set(
        mark,
        known.get(mark)!.filter((one) => one !== address),
      )
    }
  }
  for (const [mark, addresses] of known) expect(found(places, mark), `seed ${seed}`).toEqual(addresses)
  for (const [mark, address] of all) places.remove(mark, address)
  expect(places.size_bytes).toBe(usual_bytes)
})

test('of one mark so many places are known, and the others do not matter', () => {
  const places = new SpanPlaces()
  for (let at = 0; at < 10_000; at++) places.add(5, at)
  expect(found(places, 5)).toHaveLength(64)
  for (let at = 0; at < 10_000; at++) places.remove(5, at)
  expect(found(places, 5)).toEqual([])
})

test('without an id there is no mark', () => {
  const places = new SpanPlaces()
  expect(places.markOf(1, Buffer.alloc(0), -1)).toBe(UNMARKED)
  places.add(UNMARKED, 1)
  places.remove(UNMARKED, 1)
  expect(found(places, UNMARKED)).toEqual([])
})
