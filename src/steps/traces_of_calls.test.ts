import { describe, expect, test } from 'vitest'
import { FakeClock } from '../self/clock.ts'
import { SLICE_MS, Slices } from '../traces/slices.ts'
import { TraceTable } from '../traces/trace_table.ts'
import { NO_CALL } from './call_rows.ts'
import { CALLS_PER_PIECE, type LinkedCalls, TracesOfCalls } from './traces_of_calls.ts'

/** A millisecond passes each time it is asked. */
class BusyClock extends FakeClock {
  #asked_ms = 0

  override monotonic_ms(): number {
    return super.monotonic_ms() + this.#asked_ms++
  }
}

/** Two calls with numbers 2n and 2n + 1 report one. A pause after each that is looked at. */
class Pairs implements LinkedCalls {
  readonly #next: number[] = []
  readonly #takers = new Map<number, number>()
  readonly #told = new Map<number, number>()
  readonly removed: number[] = []
  readonly awaited = new Map<number, number>()
  readonly vague = new Set<number>()
  /** Nothing that is awaited is missed. */
  hasAll = false

  next(call: number): number {
    return this.#next[call]!
  }

  link(call: number, next: number): void {
    this.#next[call] = next
  }

  takers(call: number): number {
    return this.#takers.get(call) ?? 1
  }

  addTakers(call: number, bits: number): void {
    this.#takers.set(call, this.takers(call) | bits)
  }

  setTakers(call: number, bits: number): void {
    this.#takers.set(call, bits)
  }

  told(call: number): number {
    return this.#told.get(call) ?? 0
  }

  addTold(call: number, bits: number): void {
    this.#told.set(call, this.told(call) | bits)
  }

  awaits(call: number): number {
    return this.awaited.get(call) ?? 0
  }

  isVague(call: number): boolean {
    return this.vague.has(call)
  }

  awaitsMore(): boolean {
    return !this.hasAll
  }

  areApart(calls: readonly number[]): boolean {
    return !calls.some((call) => calls.includes(call ^ 1))
  }

  remove(call: number): void {
    this.removed.push(call)
  }

  *group(calls: readonly number[]): Generator<readonly number[] | undefined> {
    const pairs = new Map<number, number[]>()
    for (const call of calls) {
      pairs.set(call >> 1, [...(pairs.get(call >> 1) ?? []), call].sort())
      yield undefined
    }
    yield* pairs.values()
  }
}

function bench(calls_max = 1000, clock: FakeClock = new BusyClock()) {
  const table = new TraceTable(100)
  const calls = new Pairs()
  const settled: (readonly number[])[] = []
  const repeats: number[] = []
  /** Bits, and the calls that they were told of. */
  const told: number[][] = []
  const repeated: number[][] = []
  const counter = {
    settle: (reports: readonly number[], bits: number) => {
      settled.push(reports)
      told.push([bits, ...reports.filter((call) => (calls.takers(call) & bits) !== 0)])
    },
    repeat: (call: number, bits: number) => {
      repeats.push(call)
      repeated.push([bits, call])
    },
  }
  const traces = new TracesOfCalls(table, calls, counter, () => calls_max, new Slices(clock))
  const row = (trace: number) => table.obtain(Buffer.alloc(16, trace), 0)
  return { table, calls, settled, repeats, told, repeated, traces, row }
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at)
const round = () => new Promise((resolve) => setImmediate(resolve))

describe('a large trace', () => {
  test('is settled in slices, and others have their turn', async () => {
    const { traces, row, settled } = bench()
    for (const call of range(0, 400)) traces.add(row(1), call, 0)
    traces.settle(10_000, 5000, 30_000)
    expect(settled).toEqual([])
    const rounds: number[] = []
    for (let at = 0; at < 200; at++) {
      await round()
      rounds.push(settled.length)
    }
    expect(settled.length).toBe(200)
    expect(Math.max(...rounds.map((count, at) => count - (rounds[at - 1] ?? 0)))).toBeLessThanOrEqual(
      (SLICE_MS + 1) * CALLS_PER_PIECE,
    )
  })

  test('what comes meanwhile is neither lost nor counted twice', async () => {
    const { traces, row, settled, repeats, table } = bench()
    for (const call of range(0, 100)) traces.add(row(1), call * 2, 0)
    traces.settle(10_000, 5000, 30_000)
    await round()
    // The other halves of those that are being settled, and new ones.
    for (const call of range(0, 100)) traces.add(row(1), call * 2 + 1, 10_000)
    for (const call of range(200, 210)) traces.add(row(1), call, 10_000)
    for (let at = 0; at < 300; at++) await round()
    expect([settled.length, repeats.length]).toEqual([100, 0])
    traces.settle(20_000, 5000, 30_000)
    for (let at = 0; at < 300; at++) await round()
    expect([settled.length, repeats.length]).toEqual([105, 100])
    traces.close()
    expect(table.held).toBe(0)
  })

  test('does not hold up what is due after it, and the end settles everything', async () => {
    const { traces, row, settled, table } = bench()
    for (const call of range(0, 100)) traces.add(row(1), call, 0)
    traces.settle(10_000, 5000, 30_000)
    await round()
    for (const call of range(100, 104)) traces.add(row(2), call, 10_000)
    for (const call of range(104, 106)) traces.add(row(1), call, 10_000)
    traces.close()
    expect(settled.length).toBe(53)
    expect(new Set(settled.flat()).size).toBe(106)
    expect(table.held).toBe(0)
    // A slice that was to come finds nothing to do.
    await round()
    expect(settled.length).toBe(53)
  })

  test('over calls_max it is settled while calls come, a little for each', () => {
    const { traces, row, settled } = bench(100)
    for (const call of range(0, 100)) traces.add(row(1), call, 0)
    const after: number[] = []
    for (const call of range(100, 200)) {
      traces.add(row(2), call, 0)
      after.push(settled.length)
    }
    expect(Math.max(...after.map((count, at) => count - (after[at - 1] ?? 0)))).toBeLessThan(10)
    expect(settled.length).toBeGreaterThanOrEqual(50)
    expect(
      settled
        .slice(0, 50)
        .flat()
        .sort((a, b) => a - b),
    ).toEqual(range(0, 100))
  })

  test('so many at once do not wait beyond twice calls_max', () => {
    const { traces, row, calls } = bench(10)
    const waiting: number[] = []
    for (const call of range(0, 2000)) {
      traces.add(row(1), call, 0)
      waiting.push(range(0, call + 1).filter((other) => calls.told(other) === 0).length)
    }
    expect(Math.max(...waiting)).toBeGreaterThan(10)
    expect(Math.max(...waiting)).toBeLessThanOrEqual(20)
  })
})

describe('a report that awaits another', () => {
  test.each([
    ['waits for it, not only until its trace is quiet', [[0, 1]], 6000, 0],
    ['but no longer than three times that', [[0, 1]], 15_000, 1],
    [
      'and settles with it as others do',
      [
        [0, 1],
        [1, -1],
      ],
      6000,
      1,
    ],
  ])('%s', (_, awaited, passed_ms, count) => {
    const { traces, row, calls, settled } = bench(100, new FakeClock())
    for (const [call, awaits] of awaited) {
      calls.awaited.set(call!, awaits!)
      traces.add(row(1), call!, 0)
    }
    traces.settle(passed_ms, 5000, 30_000)
    expect(settled.length).toBe(count)
  })

  test('does not, where another report tells the same', () => {
    const { traces, row, calls, settled } = bench(100, new FakeClock())
    calls.awaited.set(0, 1)
    calls.hasAll = true
    traces.add(row(1), 0, 0)
    traces.settle(6000, 5000, 30_000)
    expect(settled.length).toBe(1)
  })

  test('waits no longer than the longest time', () => {
    const { traces, row, calls, settled } = bench(100, new FakeClock())
    calls.awaited.set(0, 1)
    traces.add(row(1), 0, 0)
    traces.settle(9000, 5000, 9000)
    expect(settled.length).toBe(1)
  })
})

test('of traces that are due at once, those that leave something open come last', () => {
  const { traces, row, calls, settled } = bench(100, new FakeClock())
  calls.vague.add(0)
  for (const call of [0, 2, 4]) traces.add(row(1 + call), call, call)
  traces.settle(20_000, 5000, 30_000)
  expect(settled.flat()).toEqual([2, 4, 0])
})

test('counted calls are given up when there are too many, but not those of a trace that waits', () => {
  const { traces, row, calls } = bench(100_000, new FakeClock())
  for (const call of [0, 1]) traces.add(row(1), call, 0)
  traces.settle(10_000, 5000, 30_000)
  for (const call of range(4, 60_000)) traces.add(row(2), call, 10_000)
  traces.add(row(1), 2, 12_000)
  traces.settle(15_000, 5000, 30_000)
  expect([calls.removed.length, calls.removed.filter((call) => call < 4)]).toEqual([59_996, []])
})

test('a call that nothing follows ends its list', () => {
  const { traces, row, calls } = bench()
  traces.add(row(1), 0, 0)
  expect(calls.next(0)).toBe(NO_CALL)
})

describe('several who are told', () => {
  const AFTER = 5000
  function shared() {
    const made = bench(1000, new FakeClock())
    const { traces, row, calls } = made
    let now_ms = 0
    return {
      ...made,
      add: (call: number, takers: number) => {
        calls.setTakers(call, takers)
        traces.add(row(1), call, now_ms)
      },
      join: (call: number, bits: number) => traces.addTakers(row(1), call, bits, now_ms),
      settle: () => traces.settle((now_ms += AFTER), AFTER, 30_000),
    }
  }

  test('of the same reports: of a call at once', () => {
    const { add, join, settle, told } = shared()
    add(0, 0b01)
    add(1, 0b01)
    join(0, 0b10)
    join(1, 0b10)
    settle()
    expect(told).toEqual([[0b11, 0, 1]])
  })

  test('of different reports: each of what it has', () => {
    const { add, settle, told } = shared()
    add(0, 0b01)
    add(1, 0b10)
    add(2, 0b11)
    settle()
    expect(told.sort()).toEqual(
      [
        [0b01, 0],
        [0b01, 2],
        [0b10, 1],
        [0b10, 2],
      ].sort(),
    )
  })

  test('who comes when the call has been told is told of it alone', () => {
    const { add, join, settle, told, repeated } = shared()
    add(0, 0b01)
    add(1, 0b01)
    settle()
    join(0, 0b10)
    join(1, 0b10)
    settle()
    expect([told, repeated]).toEqual([
      [
        [0b01, 0, 1],
        [0b10, 0, 1],
      ],
      [],
    ])
  })

  test('and is told of a report that comes after that as a repeat', () => {
    const { add, join, settle, told, repeated } = shared()
    add(0, 0b01)
    settle()
    join(0, 0b10)
    settle()
    add(1, 0b01)
    join(1, 0b10)
    settle()
    expect([told, repeated]).toEqual([
      [
        [0b01, 0],
        [0b10, 0],
      ],
      [[0b11, 1]],
    ])
  })

  test('who comes while the trace is being settled misses nothing', async () => {
    const { traces, row, calls, told } = bench()
    for (const call of range(0, 200)) traces.add(row(1), call, 0)
    traces.settle(10_000, AFTER, 30_000)
    await round()
    for (const call of range(0, 200)) traces.addTakers(row(1), call, 0b10, 10_000)
    for (let at = 0; at < 300; at++) await round()
    traces.settle(20_000, AFTER, 30_000)
    for (let at = 0; at < 300; at++) await round()
    const of = (bit: number) => told.filter(([bits]) => (bits! & bit) !== 0).flatMap(([, ...reports]) => reports)
    expect([of(0b01).sort((a, b) => a - b), of(0b10).sort((a, b) => a - b)]).toEqual([range(0, 200), range(0, 200)])
    expect(range(0, 200).every((call) => calls.told(call) === 0b11)).toBe(true)
  })

  test('who leaves is told of everything at once, and the others when it has settled', () => {
    const { traces, add, settle, told, table } = shared()
    add(0, 0b11)
    add(1, 0b11)
    add(2, 0b11)
    traces.leave(0b01)
    expect(told).toEqual([
      [0b01, 2],
      [0b01, 0, 1],
    ])
    told.length = 0
    settle()
    expect(told).toEqual([
      [0b10, 2],
      [0b10, 0, 1],
    ])
    traces.close()
    expect(table.held).toBe(0)
  })
})
