/**
 * Every emitter that is known, with every spelling that it has for a fact: the call is recognised, and the fact is read from
 * each of them. `testdata/dialect_spellings.json` has a row for each kind of item that an emitter writes: where it stands,
 * what it has in any case, and by fact the attributes (`name path` for a place in one that holds JSON, `BODY path` in the
 * record's body). A fact without a spelling is not in the dialect.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { FIELD } from '../call_fields.ts'
import { FINISH_REASONS } from '../known_values.ts'
import type { ModelCall } from '../model_call.ts'
import { recordedCallOf } from '../record.fixture.ts'
import { callOf, START_MS } from '../span.fixture.ts'
import { dialects } from './dialects.ts'

type Plain = string | number | boolean | readonly string[]
interface Row {
  readonly dialect: string
  /** Why there are none. */
  readonly noCall?: string
  readonly where: {
    readonly signal?: 'logs'
    readonly scope: string
    readonly name?: string
    readonly event?: string
    readonly attributes?: Readonly<Record<string, Plain>>
    readonly body?: Readonly<Record<string, Plain>>
  }
  readonly facts: Readonly<Partial<Record<Fact, readonly string[]>>>
  readonly timeToFirstChunk?: 'ms' | 'moment'
}

const rows: readonly Row[] = JSON.parse(
  readFileSync(new URL('../testdata/dialect_spellings.json', import.meta.url), 'utf8'),
)
const withCalls = rows.filter(({ noCall }) => noCall === undefined)

/** A value for each fact, and how it is read back. */
const samples = {
  provider: ['cohere', (call: ModelCall) => call.text(FIELD.provider)],
  requestModel: ['m-1', (call: ModelCall) => call.text(FIELD.requestModel)],
  responseModel: ['m-2', (call: ModelCall) => call.text(FIELD.responseModel)],
  responseId: ['r-1', (call: ModelCall) => call.text(FIELD.responseId)],
  conversationId: ['c-1', (call: ModelCall) => call.text(FIELD.conversationId)],
  inputTokens: [101, (call: ModelCall) => call.inputTokens],
  outputTokens: [102, (call: ModelCall) => call.outputTokens],
  cacheReadTokens: [3, (call: ModelCall) => call.cacheReadTokens],
  cacheWriteTokens: [4, (call: ModelCall) => call.cacheWriteTokens],
  reasoningTokens: [5, (call: ModelCall) => call.reasoningTokens],
  cost: [0.125, (call: ModelCall) => call.cost_usd],
  timeToFirstChunk: [0.25, (call: ModelCall) => call.timeToFirstChunk_s],
  stream: [true, (call: ModelCall) => call.stream],
  finishReasons: ['length', (call: ModelCall) => FINISH_REASONS[call.finishReasons[0]!]],
  errorType: [true, (call: ModelCall) => call.failed],
} as const
type Fact = keyof typeof samples
const FACTS = Object.keys(samples) as Fact[]

describe.each(withCalls)('$dialect, $where.scope', (row) => {
  test('is recognised', () => {
    expect(callWith(row, {})).toBeDefined()
  })

  test.each(spellingsOf(row))('%s from %s', (fact, spelling) => {
    const [value, read] = samples[fact]
    const call = callWith(row, attributeOf(row, fact, spelling))
    expect(call).toBeDefined()
    expect(read(call!)).toEqual(value)
  })

  test.skipIf(row.where.signal === 'logs')('a rate limit in an exception', () => {
    const attributes = { 'exception.type': 'openai.RateLimitError', 'exception.message': 'Error code: 429' }
    const call = callOf({
      ...row.where,
      attributes: { ...row.where.attributes },
      status: { code: 2 },
      events: [{ name: 'exception', attributes }],
    })!
    expect([call.failed, call.rateLimited]).toEqual([true, true])
  })
})

test('nothing is left out', () => {
  expect(new Set(rows.map(({ dialect }) => dialect)).size).toBe(39)
  for (const { dialect, facts = {} } of rows)
    expect(
      Object.keys(facts).filter((fact) => !FACTS.includes(fact as Fact)),
      dialect,
    ).toEqual([])
  const recognised = withCalls.map((row) => dialects[callWith(row, {})!.dialect]!.id)
  expect(recognised.filter((id) => id === 'llm-attributes')).toEqual([])
})

function spellingsOf({ facts }: Row): [Fact, string][] {
  return FACTS.flatMap((fact) => (facts[fact] ?? []).map((spelling): [Fact, string] => [fact, spelling]))
}

/** What the emitter writes, with this beside it. Of two spellings of one fact only that of the test says something. */
function callWith({ where, facts }: Row, added: Readonly<Record<string, Plain>>): ModelCall | undefined {
  const fact = FACTS.find((one) =>
    Object.keys(added).some((name) => facts[one]?.some((spelling) => isIn(spelling, name))),
  )
  const own = Object.entries(where.attributes ?? {}).map(([name, value]) =>
    fact !== undefined && facts[fact]!.includes(name) ? [name, ''] : [name, value],
  )
  const { BODY: body, ...attributes } = { ...Object.fromEntries(own), ...added }
  if (where.signal !== 'logs') return callOf({ ...where, attributes })
  const whole = { ...where.body, ...(body === undefined ? {} : JSON.parse(body as string)) }
  return recordedCallOf({ ...where, body: JSON.stringify(whole), attributes })
}

function isIn(spelling: string, attribute: string): boolean {
  return spelling === attribute || spelling.startsWith(`${attribute} `)
}

/** The sample as this emitter writes it. */
function attributeOf(row: Row, fact: Fact, spelling: string): Record<string, Plain> {
  const [attribute, path] = spelling.split(' ') as [string, string | undefined]
  const value = written(row, fact)
  if (path === undefined) return { [attribute]: value }
  return {
    [attribute]: JSON.stringify(path.split('.').reduceRight<unknown>((inner, key) => ({ [key]: inner }), value)),
  }
}

function written({ timeToFirstChunk }: Row, fact: Fact): Plain {
  if (fact === 'errorType') return 'ServerError'
  if (fact !== 'timeToFirstChunk' || timeToFirstChunk === undefined) return samples[fact][0]
  return timeToFirstChunk === 'ms' ? 250 : new Date(START_MS + 250).toISOString()
}
