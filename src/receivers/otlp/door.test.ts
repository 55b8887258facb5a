/** Large bodies go to the worker thread; what comes back is what the event loop would have made. */
import { afterAll, expect, test } from 'vitest'
import { testHost } from '../../../test/support/host.ts'
import { traceBatch } from '../../../test/support/otlp.ts'
import { DEFAULT_LIMITS } from '../../otlp/limits.ts'
import { Refusal } from '../../refusal.ts'
import { Aside, asideOf, COPIED_MAX_BYTES } from '../../self/aside.ts'
import { isLongBody, LONG_JSON_BYTES, LONG_PROTOBUF_BYTES, open, openAside } from './door.ts'

const host = testHost()
const aside = asideOf(host)
afterAll(() => aside.close())

const settings = (isJson: boolean, trustsSluice: boolean, limits = DEFAULT_LIMITS) =>
  ({ signal: 'traces', isJson, trustsSluice, limits }) as const

const spans = traceBatch(
  Array.from({ length: 50 }, (_, i) => ({ attributes: { 'sluice.cost.usd': i, note: 'text '.repeat(200) } })),
)
const json = (spans: string) => Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[${spans}]}]}]}`)

const bodies: readonly (readonly [what: string, body: Buffer, isJson: boolean, trusts: boolean])[] = [
  ['protobuf', spans.bytes, false, true],
  ['protobuf with attributes that are taken out', spans.bytes, false, false],
  ['JSON', json('{"name":"a","traceId":"0102030405060708090a0b0c0d0e0f10"},{"name":"b"}'), true, false],
  ['nothing', Buffer.alloc(0), false, false],
]

test.each(bodies)('%s', async (_, body, isJson, trusts) => {
  const expected = open(body, settings(isJson, trusts))
  const found = await openAside(aside, body, settings(isJson, trusts), undefined)
  expect(found.stripped).toBe(expected.stripped)
  expect(found.batch.bytes.equals(expected.batch.bytes)).toBe(true)
  expect(found.batch.layout).toEqual(expected.batch.layout)
})

test.each([
  ['protobuf', spans.bytes.subarray(0, 1000), false],
  ['JSON', json('{"name":'), true],
] as const)('bad %s is refused with the same words', async (_, body, isJson) => {
  const expected = (() => {
    try {
      return open(Buffer.from(body), settings(isJson, false))
    } catch (error) {
      return error as Error
    }
  })() as Error
  await expect(openAside(aside, Buffer.from(body), settings(isJson, false), undefined)).rejects.toMatchObject({
    name: 'WireError',
    message: expected.message,
  })
})

test('a limit that is reached is told with the same words', async () => {
  const tight = settings(false, false, { ...DEFAULT_LIMITS, request_points_max: 10 })
  const here = await openAside(aside, spans.bytes, tight, undefined).catch((error: unknown) => error)
  expect(here).toMatchObject({ limit: 'request_points_max', max: 10 })
  expect(() => open(Buffer.from(spans.bytes), tight)).toThrow((here as Error).message)
})

test('what is long', () => {
  expect(isLongBody(Buffer.alloc(LONG_JSON_BYTES), true)).toBe(true)
  expect(isLongBody(Buffer.alloc(LONG_JSON_BYTES), false)).toBe(false)
  expect(isLongBody(Buffer.alloc(LONG_PROTOBUF_BYTES), false)).toBe(true)
})

test('copied in pieces, between which others have their turn', async () => {
  const one = new Aside(host.clock)
  const copied: number[] = []
  one.onCopy = (bytes) => copied.push(bytes)
  const body = traceBatch([{ attributes: { note: 'x'.repeat(3 * COPIED_MAX_BYTES) } }]).bytes
  await openAside(one, body, settings(false, true), undefined)
  expect(copied.reduce((sum, bytes) => sum + bytes, 0)).toBe(body.length)
  expect(Math.max(...copied)).toBe(COPIED_MAX_BYTES)
  expect(one.held_bytes).toBe(0)
  await one.close()
})

test('one after the other; who waited for too long is refused; a job that fails does not stop the next', async () => {
  const now_ms = host.clock.monotonic_ms()
  const missing = aside.run({ module: new URL('./missing.ts', import.meta.url), bytes: Buffer.alloc(1), settings: {} })
  const late = openAside(aside, spans.bytes, settings(false, true), now_ms - 1)
  const good = openAside(aside, spans.bytes, settings(false, true), now_ms + 1)
  await expect(missing).rejects.toThrow('missing.ts')
  await expect(late).rejects.toBeInstanceOf(Refusal)
  expect((await good).batch.items).toBe(50)
})
