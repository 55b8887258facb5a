import { describe, expect, test } from 'vitest'
import { batchOf, requestOf, traceBatch } from '../../test/support/otlp.ts'
import { captures } from '../otlp/captures.fixture.ts'
import type { Message } from '../otlp/codec.ts'
import { Random } from '../otlp/random.fixture.ts'
import type { TraceBatch } from './batch.ts'
import { BatchBuilder, type Head, Heads } from './heads.ts'
import { ITEM, SCOPE } from './layout.ts'
import { receive } from './receive.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9)

/** Takes a batch apart into heads and items, in any order of scopes, and builds it again. */
function rebuilt(batch: TraceBatch, heads: Heads, scopes: readonly number[]): TraceBatch {
  const builder = new BatchBuilder()
  const taken: Head[] = []
  for (const scope of scopes) {
    const head = heads.obtain(batch, scope)
    head.references++
    taken.push(head)
    const { scopes, itemRows } = batch.layout
    const first = scopes[scope * SCOPE.width + SCOPE.firstItem]!
    for (let item = first; item < first + scopes[scope * SCOPE.width + SCOPE.itemCount]!; item++) {
      const out = builder.group(head)
      const mark = out.open(2)
      out.copy(batch.bytes, itemRows[item * ITEM.width + ITEM.start]!, itemRows[item * ITEM.width + ITEM.end]!)
      out.close(mark)
    }
  }
  for (const head of taken) heads.release(head)
  return builder.build('traces')
}

/** Each span with everything above it. */
function spansOf(batch: TraceBatch): string[] {
  const text = (message: Message) =>
    JSON.stringify(message, (_, value) => (typeof value === 'bigint' ? String(value) : value))
  const list = (message: Message, name: string) => (message[name] ?? []) as Message[]
  return list(requestOf(batch), 'resourceSpans').flatMap(({ scopeSpans, ...resource }) =>
    ((scopeSpans ?? []) as Message[]).flatMap(({ spans, ...scope }) =>
      ((spans ?? []) as Message[]).map((span) => text({ resource, scope, span })),
    ),
  )
}

function scopeNumbers(batch: TraceBatch): number[] {
  return Array.from({ length: batch.layout.scopes.length / SCOPE.width }, (_, scope) => scope)
}

function randomBatch(random: Random): TraceBatch {
  const named = (name: string) => (random.chance(20) ? {} : { name: `${name}${random.below(3)}` })
  const many = <T>(most: number, make: () => T): T[] => Array.from({ length: random.below(most) }, make)
  const url = () => (random.chance(30) ? { schemaUrl: `https://example.org/${random.below(2)}` } : {})
  const span = () => ({ name: `span ${random.below(1e6)}`, traceId: Buffer.alloc(16, random.below(256)) })
  const scope = () => ({
    ...(random.chance(80) && { scope: named('scope') }),
    ...url(),
    spans: many(4, span),
  })
  const value = () => ({ stringValue: 'v'.repeat(random.below(300)) })
  const resource = () => ({
    ...(random.chance(80) && { resource: { attributes: [{ key: 'k', value: value() }] } }),
    ...url(),
    scopeSpans: many(4, scope),
  })
  return batchOf('traces', { resourceSpans: many(5, resource) } as unknown as Message)
}

describe('heads', () => {
  test(`a batch taken apart and built again says the same, seed ${seed}`, () => {
    const random = new Random(seed)
    const heads = new Heads()
    for (let round = 0; round < 300; round++) {
      const batch = randomBatch(random)
      const scopes = scopeNumbers(batch)
      expect(spansOf(rebuilt(batch, heads, scopes)).sort()).toEqual(spansOf(batch).sort())
      expect(spansOf(rebuilt(batch, heads, scopes.toReversed())).sort()).toEqual(spansOf(batch).sort())
    }
    expect([heads.count, heads.size_bytes]).toEqual([0, 0])
  })

  test('so do captured requests', () => {
    const heads = new Heads()
    for (const { signal, encoding, body } of captures(true)) {
      if (signal !== 'traces' || encoding !== 'pb') continue
      const { batch } = receive('traces', body)
      expect(spansOf(rebuilt(batch, heads, scopeNumbers(batch))).sort()).toEqual(spansOf(batch).sort())
    }
  })

  test('equal groups share a head, unless their owners differ', () => {
    const heads = new Heads()
    const batch = () => traceBatch([{}], { resource: { 'service.name': 'shop' }, scope: { name: 's' } })
    const first = heads.obtain(batch(), 0)
    expect(heads.obtain(batch(), 0)).toBe(first)
    expect(heads.obtain(batch(), 0, 1)).not.toBe(first)
    expect(heads.obtain(batch(), 0, 1)).toMatchObject({ owner: 1, id: 1 })
    expect(heads.obtain(traceBatch([{}], { resource: { 'service.name': 'cart' } }), 0)).toMatchObject({ id: 2 })
    expect(heads.count).toBe(3)
  })

  test('a head goes with its last reference, and its number is used again', () => {
    const heads = new Heads()
    const head = heads.obtain(traceBatch([{}], { scope: { name: 'a' } }), 0)
    head.references = 2
    heads.release(head)
    expect(heads.byId(head.id)).toBe(head)
    heads.release(head)
    expect([heads.count, heads.size_bytes]).toEqual([0, 0])
    expect(heads.obtain(traceBatch([{}], { scope: { name: 'b' } }), 0).id).toBe(head.id)
  })

  test('a resource with very many scope groups is copied once', () => {
    const scopeSpans = Array.from({ length: 20_000 }, (_, at) => ({
      scope: { name: `s${at}` },
      spans: [{ name: 'x' }],
    }))
    const resource = { attributes: [{ key: 'k', value: { stringValue: 'v'.repeat(1000) } }] }
    const batch = batchOf('traces', { resourceSpans: [{ resource, scopeSpans }] } as unknown as Message)
    const heads = new Heads()
    const start = performance.now()
    for (const scope of scopeNumbers(batch)) heads.obtain(batch, scope)
    expect(heads.count).toBe(20_000)
    expect(performance.now() - start).toBeLessThan(5000)
  })
})

test('the scopes of one resource share its bytes, also in what is built', () => {
  const resource = { attributes: [{ key: 'big', value: { stringValue: 'x'.repeat(100_000) } }] }
  const scopeSpans = Array.from({ length: 200 }, (_, at) => ({ scope: { name: `s${at}` }, spans: [{ name: `${at}` }] }))
  const batch = batchOf('traces', { resourceSpans: [{ resource, scopeSpans }] })
  const heads = new Heads()
  const taken = scopeNumbers(batch).map((scope) => heads.obtain(batch, scope))
  for (const head of taken) head.references++
  expect(heads.count).toBe(200)
  expect(heads.size_bytes).toBeLessThan(3 * batch.size_bytes)
  const built = rebuilt(batch, heads, scopeNumbers(batch))
  expect(built.size_bytes).toBe(batch.size_bytes)
  expect(spansOf(built)).toEqual(spansOf(batch))
  for (const head of taken) heads.release(head)
  expect([heads.count, heads.size_bytes]).toEqual([0, 0])
})
