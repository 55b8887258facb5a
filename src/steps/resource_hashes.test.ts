import { expect, test } from 'vitest'
import { traceBatch } from '../../test/support/otlp.ts'
import { ResourceHashes } from './resource_hashes.ts'

test('equal resources have equal numbers, also in another batch', () => {
  const hashes = new ResourceHashes()
  const of = (name?: string) => {
    return hashes.of(traceBatch([{}], name === undefined ? {} : { resource: { 'service.name': name } }), 0)
  }
  const a = of('a')
  expect(a).not.toBe(0)
  expect(of('b')).not.toBe(a)
  expect(of('a')).toBe(a)
  expect(of()).toBe(0)
})
