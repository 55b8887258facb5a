/** Log records of captured telemetry of real instrumentations, behind the processors that stand before the connector. */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { testHost } from '../../../test/support/host.ts'
import { traceBatch } from '../../../test/support/otlp.ts'
import {
  captures,
  differences,
  expectedOf,
  fold,
  IN_RECORDS_ONLY,
  type Reachable,
  requestsOf,
  SUPPORTED,
} from '../../../test/support/reachable.ts'
import type { Consumer, Context } from '../../component.ts'
import { genAi } from '../../processors/gen_ai/index.ts'
import { redaction } from '../../processors/redaction/index.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { receive } from '../../telemetry/receive.ts'
import { type Bench, bench } from './gen_ai_logs.fixture.ts'

const testdata = new URL('../../gen_ai/testdata/', import.meta.url)
const there = existsSync(captures)
if (!there) process.stderr.write(`SKIPPED: captured telemetry is not at ${captures.pathname}\n`)

describe('captured bodies', () => {
  test('two spans of one call make one summary, whose numbers are the inner one’s', async () => {
    const it = await logsOf([new URL('anthropic_twice.traces.pb', testdata)])
    const spans = it.account.balance().entered
    const summaries = it.records('summary')
    expect(spans).toBeGreaterThan(summaries.length)
    for (const { attributes } of summaries)
      expect(attributes).toMatchObject({ 'gen_ai.provider.name': 'anthropic', 'sluice.cost.source': 'table' })
  })

  test('a rate limit is a warning', async () => {
    const it = await logsOf([new URL('java_rate_limited.traces.pb', testdata)])
    const limited = it.records('summary').filter(({ attributes }) => attributes['sluice.rate_limited'] === true)
    expect(limited.length).toBeGreaterThan(0)
    expect(limited.every(({ severity }) => severity === 'WARN 13')).toBe(true)
  })
})

test.each([
  ['drop', '[DROPPED length=20]', 'plain [EMAIL]'],
  ['mask', 'mail ann [EMAIL] now', 'plain [EMAIL]'],
  ['keep', 'mail ann a@shop.com now', 'plain [EMAIL]'],
])('content with the policy %s', async (content, input, name) => {
  const attributes = {
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'gpt-4o',
    'gen_ai.agent.name': 'plain ann@shop.com',
    'gen_ai.input.messages':
      content === 'drop' ? 'mail ann@shop.com no' : `mail ann ${content === 'keep' ? 'a' : 'ann'}@shop.com now`,
  }
  const it = await logsOf([traceBatch([{ attributes }])], { content })
  const [summary, record] = it.records()
  expect([summary!.attributes['gen_ai.agent.name'], record!.body]).toEqual([name, { 'gen_ai.input.messages': input }])
  for (const batch of it.next.batches) expect(batch.bytes.includes('ann@shop.com')).toBe(false)
})

const IN_SPANS = SUPPORTED.filter((folder) => !IN_RECORDS_ONLY.includes(folder))

describe.skipIf(!there)('captures', () => {
  test.each(IN_SPANS)('%s: a summary for every call', async (folder) => {
    const reachable: Reachable = JSON.parse(readFileSync(new URL(`${folder}/reachable.json`, captures), 'utf8'))
    const counted: Record<string, number> = {}
    const it = await logsOf(bodiesOf(folder))
    for (const { attributes, body } of it.records('summary')) {
      const name = fold(String(attributes['gen_ai.request.model'] ?? attributes['gen_ai.response.model'] ?? 'unknown'))
      const model = reachable.same_model[name] ?? name
      counted[model] = (counted[model] ?? 0) + 1
      expect(body).toMatch(/^(chat|text_completion|generate_content|embeddings) /)
    }
    const calls = Object.fromEntries(Object.entries(counted).map(([model, calls]) => [model, { calls }]))
    expect(differences(calls, expectedOf(folder, reachable), ['calls'])).toEqual([])
  })

  test.each(IN_SPANS)(
    '%s: sent twice, everything is there once; content is dropped as the policy says',
    async (folder) => {
      const it = await logsOf(bodiesOf(folder))
      const twice = await logsOf([...bodiesOf(folder), ...bodiesOf(folder)])
      expect(twice.records().length).toBe(it.records().length)
      for (const { body } of it.records('content')) {
        const texts = leavesOf(body).filter((text) => text.length > 120)
        expect(texts).toEqual([])
      }
    },
  )
})

/** The connector when bodies have gone through `gen_ai` and `redaction`, and everything is written. */
async function logsOf(bodies: readonly (URL | TraceBatch)[], policy: object = {}): Promise<Bench> {
  const it = await bench()
  const input: Consumer<'traces'> = { consume: (batch: TraceBatch) => it.feed(batch) }
  const host = testHost()
  const redact = redaction.create(redaction.schema.parse(policy) as never, host, 'traces', input)
  const normalise = genAi.create(genAi.schema.parse({}) as never, host, 'traces', redact)
  const context: Context = bookedAccount().context()
  for (const body of bodies)
    await normalise.consume(body instanceof URL ? receive('traces', readFileSync(body)).batch : body, context)
  await it.stop()
  return it
}

function bodiesOf(folder: string): TraceBatch[] {
  return requestsOf(folder, 'traces').map((body) => receive('traces', body).batch)
}

function leavesOf(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leavesOf) : []
}
