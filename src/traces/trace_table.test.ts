import { describe, expect, test } from 'vitest'
import { Random } from '../otlp/random.fixture.ts'
import { hashTraceId, isTraceId, shardOf } from './trace_id.ts'
import { TraceTable } from './trace_table.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

/** Ids of a small space, so that they come again; alike in their first or their last bytes. */
function idOf(number: number): Buffer {
  const id = Buffer.alloc(16, number % 2 === 0 ? 7 : 0)
  id.writeUInt32BE(number + 1, number % 2 === 0 ? 0 : 12)
  return id
}

interface Known {
  holders: number
  value: number
}

/** What the table promises, with a Map: rows in the order in which they fell idle, the longest first. */
class Model {
  readonly rows = new Map<string, Known>()
  readonly #idle = new Set<string>()
  readonly #rows_max: number
  evicted = 0

  constructor(rows_max: number) {
    this.#rows_max = rows_max
  }

  obtain(key: string): boolean {
    if (this.rows.has(key)) return true
    if (this.rows.size === this.#rows_max) {
      const [oldest] = this.#idle
      if (oldest === undefined) return false
      this.#idle.delete(oldest)
      this.rows.delete(oldest)
      this.evicted++
    }
    this.rows.set(key, { holders: 0, value: -5 })
    this.#idle.add(key)
    return true
  }

  hold(key: string): void {
    this.rows.get(key)!.holders++
    this.#idle.delete(key)
  }

  release(key: string): void {
    if (--this.rows.get(key)!.holders === 0) this.#idle.add(key)
  }

  get held(): number {
    return this.rows.size - this.#idle.size
  }
}

describe('a trace table', () => {
  test.each([
    { rows_max: 7, shards: 1, steps: 20_000, ids: 30 },
    { rows_max: 700, shards: 2, steps: 30_000, ids: 3000 },
    { rows_max: 1500, shards: 1, steps: 30_000, ids: 6000 },
    { rows_max: 5000, shards: 2, steps: 60_000, ids: 20_000 },
  ])(`does what a Map would: %o, seed ${seed}`, ({ rows_max, shards, steps, ids }) => {
    const random = new Random(seed)
    const tables = Array.from({ length: shards }, () => new TraceTable(rows_max))
    const values = tables.map((table) => table.addColumn('float64', -5))
    const models = tables.map(() => new Model(rows_max))
    for (let step = 0; step < steps; step++) {
      const id = idOf(random.below(ids))
      const key = id.toString('hex')
      const hash = hashTraceId(id, 0)
      const shard = shardOf(hash, shards)
      const [table, model, column] = [tables[shard]!, models[shard]!, values[shard]!]
      const known = model.rows.get(key)
      const action = random.below(10)
      const row = action < 6 ? table.obtain(id, 0, hash) : table.find(id, 0)
      if (action < 6) expect(row >= 0).toBe(model.obtain(key))
      else expect(row >= 0).toBe(known !== undefined)
      if (row < 0) continue
      const facts = model.rows.get(key)!
      if (column.data[row] !== facts.value) throw new Error(`step ${step}: a value of another trace`)
      facts.value = column.data[row] = random.below(1e9)
      if (random.chance(40)) {
        table.hold(row)
        model.hold(key)
      } else if (facts.holders > 0) {
        table.release(row)
        model.release(key)
      }
      expect([table.count, table.held, table.evicted]).toEqual([model.rows.size, model.held, model.evicted])
    }
    for (const [shard, model] of models.entries()) {
      const written = Buffer.alloc(20)
      for (const [key, facts] of model.rows) {
        const row = tables[shard]!.find(Buffer.from(key, 'hex'), 0)
        tables[shard]!.writeId(row, written, 4)
        expect([written.toString('hex', 4), values[shard]!.data[row]]).toEqual([key, facts.value])
      }
    }
  })

  test('a row may be held very often', () => {
    const table = new TraceTable(1)
    const row = table.obtain(idOf(1), 0)
    for (let time = 0; time < 1000; time++) table.hold(row)
    for (let time = 0; time < 999; time++) table.release(row)
    expect(table.obtain(idOf(2), 0)).toBe(-1)
    table.release(row)
    expect(table.obtain(idOf(2), 0)).toBe(row)
  })

  test('a column that was taken away grows no more', () => {
    const table = new TraceTable(5000)
    const [first, second] = [table.addColumn('int32'), table.addColumn('float64', 3)]
    table.removeColumn(first)
    const before = table.size_bytes
    for (let number = 0; number < 3000; number++) table.obtain(idOf(number), 0)
    expect([first.data.length, second.data.length, second.data[4000]]).toEqual([1024, 4096, 3])
    expect(table.size_bytes).toBe(before * 4)
  })
})

describe('trace ids', () => {
  test('16 zero bytes are none', () => {
    expect(isTraceId(Buffer.alloc(20), 2)).toBe(false)
    for (let byte = 0; byte < 16; byte++) {
      const id = Buffer.alloc(16)
      id[byte] = 1
      expect(isTraceId(id, 0)).toBe(true)
    }
  })

  test('shards get equal shares of ids that count upwards', () => {
    const shares = [0, 0, 0, 0, 0]
    for (let number = 0; number < 50_000; number++) shares[shardOf(hashTraceId(idOf(number), 0), 5)]!++
    for (const share of shares) expect(Math.abs(share - 10_000)).toBeLessThan(500)
  })
})
