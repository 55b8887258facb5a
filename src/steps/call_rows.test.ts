import { expect, test } from 'vitest'
import { uint32 } from '../otlp/cursor.ts'
import { idOf } from './call_rows.ts'

test.each([
  ['one after the other', 1n],
  ['in steps of 4096', 4096n],
  ['in steps of 2 to the 32nd', 1n << 32n],
  ['in steps of 2 to the 45th', 1n << 45n],
])('span ids that count %s stay apart', (_, step) => {
  const ids = new Set<number>()
  const bytes = Buffer.alloc(8)
  for (let at = 1n; at <= 100_000n; at++) {
    bytes.writeBigUInt64BE(BigInt.asUintN(64, at * step))
    const id = idOf(uint32(bytes, 0), uint32(bytes, 4))
    expect(Number.isSafeInteger(id)).toBe(true)
    ids.add(id)
  }
  expect(ids.size).toBe(100_000)
  expect(idOf(0, 0)).toBe(0)
})
