import { describe, expect, test } from 'vitest'
import { type Existing, LiveMemory } from './live_memory.ts'
import { ProcessMemory } from './process_memory.ts'

const MIB = 1 << 20

describe('what the process holds', () => {
  test('by name, until it is released', () => {
    const memory = new ProcessMemory(1000)
    memory.hold('queue', () => 30)
    const release = memory.hold('queue', () => 20)
    memory.hold('sampler', () => 5)
    expect([memory.held(), memory.held_bytes()]).toEqual([{ queue: 50, sampler: 5 }, 55])
    release()
    expect(memory.held_bytes()).toBe(35)
  })

  test('is looked at whenever so much has passed, as often as it takes', () => {
    const memory = new ProcessMemory(3200)
    const looks: number[] = []
    const end = memory.watch((coming_bytes) => looks.push(coming_bytes))
    for (let at = 0; at < 7; at++) memory.pass(20)
    expect(looks, 'after more than a hundredth of 2400').toEqual([20, 20, 20])
    memory.pass(100_000)
    expect(looks, 'one large body is one look').toEqual([20, 20, 20, 100_000])
    end()
    memory.pass(100_000)
    expect(looks).toHaveLength(4)
  })

  test('is asked back from one after the other, from who holds most first, until enough has gone', () => {
    const memory = new ProcessMemory(1000)
    const held = [40, 100, 70]
    const asked: number[][] = []
    for (const at of held.keys()) {
      const held_bytes = () => held[at]!
      memory.hold('holder', held_bytes)
      memory.onShort({
        held_bytes,
        relieve: (bytes) => {
          asked.push([at, bytes])
          held[at] = Math.max(0, held[at]! - bytes)
        },
      })
    }
    memory.relieve(120)
    expect([asked, held]).toEqual([
      [
        [1, 120],
        [2, 20],
      ],
      [40, 0, 50],
    ])
  })
})

describe('what lives', () => {
  function live() {
    const state = { held_bytes: 0, heap_bytes: 40, external_bytes: 10 }
    const existing = (): Existing => state
    return { state, live: new LiveMemory(() => state.held_bytes, existing) }
  }
  const steps: [string, Partial<Existing> & { held_bytes?: number; collected?: boolean }, bytes: number][] = [
    ['at the start: all there is', {}, 50],
    ['garbage does not count', { heap_bytes: 90, external_bytes: 500 }, 50],
    ['what is held does, at once', { held_bytes: 200 }, 250],
    ['Buffers that nobody registered do after a full collection', { heap_bytes: 45, collected: true }, 545],
    ['registered ones are not counted twice', { held_bytes: 480 }, 545],
    ['what was given back does not, though its Buffers are there', { held_bytes: 0 }, 345],
    ['nor what has been collected since', { heap_bytes: 42, external_bytes: 12 }, 54],
  ]
  test('step by step', () => {
    const { state, live: memory } = live()
    for (const [name, { collected, ...change }, bytes] of steps) {
      Object.assign(state, change)
      if (collected) memory.measure()
      expect(memory.bytes, name).toBe(bytes)
    }
    memory.close()
  })

  test('Buffers that a collection has freed do not live', () => {
    const memory = new LiveMemory(() => 0)
    memory.collect()
    const before_bytes = memory.bytes
    for (let count = 0; count < 100; count++) Buffer.allocUnsafeSlow(MIB)
    memory.collect()
    expect(memory.bytes).toBeLessThan(before_bytes + 10 * MIB)
    memory.close()
  })
})
