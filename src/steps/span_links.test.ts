import { describe, expect, test } from 'vitest'
import { type SpanOptions, traceBatch } from '../../test/support/otlp.ts'
import { EXPLAINED, NO_FAILURE, RATE_LIMIT, UNEXPLAINED } from '../gen_ai/failure.ts'
import { uint32 } from '../otlp/cursor.ts'
import { FakeClock } from '../self/clock.ts'
import { SpanView } from '../telemetry/span_view.ts'
import { idOf } from './call_rows.ts'
import { SpanLinks, traceOf } from './span_links.ts'

const TABLE_BYTES = 65_536 * 21 + 32_768
const linksFor = (tables: number, clock = new FakeClock()) => new SpanLinks(clock, () => tables * TABLE_BYTES)
const id = (number: number) => number.toString(16).padStart(16, '0')
const numberOf = (number: number) => {
  const bytes = Buffer.from(id(number), 'hex')
  return idOf(uint32(bytes, 0), uint32(bytes, 4))
}

function noted(...spans: SpanOptions[]): { links: SpanLinks; trace: number } {
  const links = linksFor(1)
  const batch = traceBatch(spans)
  links.note(batch)
  const view = new SpanView()
  view.read(batch, 0)
  return { links, trace: traceOf(view) }
}

describe('what stands above', () => {
  test('is known of every span with a parent, in its trace', () => {
    const { links, trace } = noted({ id: id(1) }, { id: id(2), parent: id(1) }, { id: id(3), parent: id(2) })
    expect([3, 2, 1, 9].map((span) => links.above(trace, numberOf(span)))).toEqual([numberOf(2), numberOf(1), 0, 0])
    expect(links.above(trace + 2, numberOf(3))).toBe(0)
  })

  test.each<[string, Partial<SpanOptions>[], boolean]>([
    ['a rate limit', [{ status: { code: 2, message: 'Rate limit reached' } }], true],
    ['another reason', [{ status: { code: 2, message: 'invalid key' } }], false],
    ['no error', [{ status: { code: 1, message: 'Rate limit reached' } }], false],
    [
      'the nearest that says why',
      [{ status: { code: 2, message: 'invalid key' } }, { status: { code: 2, message: 'Rate limit reached' } }],
      false,
    ],
    [
      'one that failed and says nothing, below one that does',
      [{ status: { code: 2 } }, {}, { status: { code: 2, message: 'Rate limit reached' } }],
      true,
    ],
    [
      'a word of its own, and a sentence',
      [{ status: { code: 2 }, attributes: { 'error.type': 'unknown', 'error.message': 'too many requests' } }],
      true,
    ],
    ['a type', [{ status: { code: 2 }, attributes: { 'error.type': 'openai.RateLimitError' } }], true],
    [
      'a type that says something else, and a sentence',
      [{ status: { code: 2, message: 'not the rate limit' }, attributes: { 'error.type': 'BadRequestError' } }],
      false,
    ],
    ['a status in a sentence', [{ status: { code: 2, message: 'Error code: 429 - try again' } }], true],
    ['a number that is no status', [{ status: { code: 2, message: 'order 429 is unknown' } }], false],
    ['an HTTP status', [{ status: { code: 2 }, attributes: { 'http.response.status_code': 429 } }], true],
    ['another HTTP status', [{ status: { code: 2 }, attributes: { 'http.response.status_code': 500 } }], false],
    [
      'an exception',
      [{ status: { code: 2 }, events: [{ name: 'exception', attributes: { 'exception.message': 'throttled' } }] }],
      true,
    ],
  ])('%s', (_, above, is) => {
    const spans = above.map((span, at) => ({ id: id(at + 1), parent: id(at + 2), ...span }))
    const { links, trace } = noted(...spans)
    expect(links.isRateLimitedAbove(trace, numberOf(1))).toBe(is)
  })

  test('a circle of parents has an end', () => {
    const { links, trace } = noted({ id: id(1), parent: id(2) }, { id: id(2), parent: id(1) })
    expect(links.isRateLimitedAbove(trace, numberOf(1))).toBe(false)
  })
})

describe('bounded', () => {
  test('the newest are known; those given up young are counted', () => {
    const clock = new FakeClock()
    const links = linksFor(2, clock)
    for (let span = 1; span <= 3 * 32_768; span++) links.add(7, span, span + 1, NO_FAILURE)
    expect([1, 32_768, 32_769, 3 * 32_768].map((span) => links.above(7, span))).toEqual([0, 0, 32_770, 98_305])
    expect([links.forgotten, links.size_bytes]).toEqual([32_768, 2 * TABLE_BYTES])
  })

  test('those given up old are not', async () => {
    const clock = new FakeClock()
    const links = linksFor(1, clock)
    for (let span = 1; span <= 32_768; span++) links.add(7, span, span + 1, NO_FAILURE)
    await clock.advance(60_000)
    links.add(7, 99_999, 5, NO_FAILURE)
    expect([links.above(7, 1), links.above(7, 99_999), links.forgotten]).toEqual([0, 5, 0])
  })

  test('a span that comes again takes no place', () => {
    const links = linksFor(1)
    for (let time = 0; time < 100_000; time++) links.add(7, 1, 2, UNEXPLAINED)
    links.add(7, 2, 0, RATE_LIMIT)
    links.add(7, 1, 2, EXPLAINED)
    expect([links.forgotten, links.isRateLimitedAbove(7, 1), links.isRateLimitedAbove(7, 2)]).toEqual([0, false, true])
  })
})
