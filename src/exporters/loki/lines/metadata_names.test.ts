import { expect, test } from 'vitest'
import { MetadataNames } from './metadata_names.ts'

test.each([
  ['different names', (at: number) => `key ${at}`],
  ['one name', (at: number) => `key${'.-_ '[at & 3]}${'.-_ '[(at >> 2) & 3]}${String.fromCharCode(0x400 + (at >> 4))}`],
])('keys without end with %s: the table begins anew, and remembers again', (_, keyOf) => {
  const names = new MetadataNames()
  const numberOf = (key: string) => names.ofKey(Buffer.from(key), 0, Buffer.byteLength(key))
  for (let at = 0; at < 10_000; at++) numberOf(keyOf(at))
  names.forgetIfFull()
  expect(names.bytes).toEqual([])
  expect([numberOf('a.b'), numberOf('a.b'), names.text(0)]).toEqual([0, 0, 'a_b'])
  names.forgetIfFull()
  expect(names.bytes).toHaveLength(1)
})
