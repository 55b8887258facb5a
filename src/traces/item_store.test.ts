import { expect, test } from 'vitest'
import { Random } from '../otlp/random.fixture.ts'
import { ItemStore, NO_ITEM } from './item_store.ts'

const MIB = 1 << 20
const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

test(`gives back what was put in, whatever the order, seed ${seed}`, () => {
  const random = new Random(seed)
  const store = new ItemStore()
  const source = Buffer.from(Array.from({ length: 3 * MIB }, () => random.below(256)))
  const items: { address: number; content: Buffer; tag: number; previous: number }[] = []
  const sizes = [0, 1, 250, 680, 8000, 200_000, MIB / 4 - 20, MIB / 4 - 19, MIB - 20, MIB, 2 * MIB]
  for (let step = 0; step < 4000; step++) {
    if (items.length > 0 && random.chance(step % 800 < 500 ? 40 : 70)) {
      const [item] = items.splice(random.chance(50) ? 0 : random.below(items.length), 1)
      store.release(item!.address)
    } else {
      const size = random.chance(95) ? random.pick(sizes.slice(0, 5)) : random.pick(sizes)
      const start = random.below(source.length - size)
      const tag = random.below(2 ** 32) | 0
      const previous = items.length === 0 ? NO_ITEM : random.pick(items).address
      const address = store.add(source, start, start + size, tag, previous)
      items.push({ address, content: source.subarray(start, start + size), tag, previous })
    }
    for (let checks = 0; checks < 3 && items.length > 0; checks++) {
      const item = random.pick(items)
      store.read(item.address)
      expect([store.tag, store.previous, store.end - store.start]).toEqual([
        item.tag,
        item.previous,
        item.content.length,
      ])
      expect(store.bytes.subarray(store.start, store.end).equals(item.content)).toBe(true)
    }
    const needed = items.reduce((sum, { content }) => sum + content.length + 20, 0)
    expect(store.items).toBe(items.length)
    expect(store.occupied_bytes).toBeGreaterThanOrEqual(needed)
    expect(store.reserved_bytes).toBeGreaterThanOrEqual(store.occupied_bytes)
  }
  for (const { address } of items) store.release(address)
  expect([store.items, store.occupied_bytes]).toEqual([0, 0])
})

test('chunks are used again, and those that are too many are given back', () => {
  const store = new ItemStore()
  const item = Buffer.alloc(1000)
  const fill = (items: number) => Array.from({ length: items }, () => store.add(item, 0, 1000, 0, NO_ITEM))
  const first = fill(40_000)
  const peak = store.reserved_bytes
  expect(peak).toBe(39 * MIB)
  for (const address of first) store.release(address)
  expect([store.occupied_bytes, store.reserved_bytes]).toEqual([0, 17 * MIB])
  for (let round = 0; round < 5; round++) for (const address of fill(15_000)) store.release(address)
  expect(store.reserved_bytes).toBe(17 * MIB)
})

test('items that are taken in turn with their release need one chunk', () => {
  const store = new ItemStore()
  for (let round = 0; round < 100_000; round++) store.release(store.add(Buffer.alloc(500), 0, 500, 0, NO_ITEM))
  expect(store.reserved_bytes).toBe(MIB)
})

test('a huge item takes its size and leaves the shared chunk open', () => {
  const store = new ItemStore()
  const huge = Buffer.alloc(5 * MIB, 1)
  const small = store.add(huge, 0, 100, 1, NO_ITEM)
  const address = store.add(huge, 0, huge.length, 2, small)
  store.add(huge, 0, 100, 3, address)
  expect([store.occupied_bytes, store.reserved_bytes]).toEqual([5 * MIB + 20 + 2 * 120, 6 * MIB + 20])
  store.read(address)
  expect([store.tag, store.previous, store.end - store.start]).toEqual([2, small, 5 * MIB])
  store.release(address)
  expect(store.reserved_bytes).toBe(MIB)
})

test('keeps chunks to be filled again, until the process needs their bytes', () => {
  const store = new ItemStore()
  const source = Buffer.alloc(MIB)
  const addresses = Array.from({ length: 40 }, () => store.add(source, 0, MIB / 4 - 20, 0, NO_ITEM))
  for (const address of addresses) store.release(address)
  expect(store.reserved_bytes).toBe(10 * MIB)
  expect(store.trim()).toBe(9 * MIB)
  expect([store.reserved_bytes, store.trim()]).toEqual([MIB, 0])
})

test('a huge item is not in memory any more when it was released, whoever read it last', () => {
  const store = new ItemStore()
  const huge = Buffer.alloc(60 * MIB)
  const address = store.add(huge, 0, huge.length, 0, NO_ITEM)
  store.read(address)
  expect(store.bytes.length).toBeGreaterThan(60 * MIB)
  store.release(address)
  expect([store.bytes.length, store.reserved_bytes]).toEqual([0, 0])
})

test('items are linked anew', () => {
  const store = new ItemStore()
  const item = Buffer.from('item')
  const first = store.add(item, 0, 4, 1, NO_ITEM, 0, 7)
  const second = store.add(item, 0, 4, 2, first)
  store.relink(first, second)
  store.relink(second, NO_ITEM)
  store.read(first)
  expect([store.previous, store.tag, store.mark, store.end - store.start]).toEqual([second, 1, 7, 4])
  store.read(second)
  expect([store.previous, store.tag, store.mark]).toEqual([NO_ITEM, 2, 0])
})
