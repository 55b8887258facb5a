/** Summaries of calls that log records tell of, and of calls whose answers do. */
import { describe, expect, test } from 'vitest'
import type { LogOptions, PlainAttributes } from '../../../test/support/otlp.ts'
import { bench, call } from './gen_ai_logs.fixture.ts'

const details = 'gen_ai.client.inference.operation.details'
const TRACE = '00000000000000000000000000000005'
const SPAN = '00000000000000aa'
const CONTENT = { 'gen_ai.output.messages': '[]' }

function record(more: LogOptions & { with?: PlainAttributes } = {}): LogOptions {
  const { with: attributes, ...options } = more
  return {
    event: details,
    trace: TRACE,
    span: SPAN,
    time_ms: 2000,
    ...options,
    attributes: call({ with: { ...CONTENT, ...(attributes as object) } }).attributes!,
  }
}
const span = (more: PlainAttributes = {}) => call({ trace: TRACE, id: SPAN, with: more })

describe.each([1, 2])('a call in a log record, with %d shards', (shards) => {
  test('has a summary at the place of the record, and its content in the record itself', async () => {
    const it = await bench({}, { shards, group: { resource: { 'service.name': 'shop' } } })
    await it.sendRecords(record({ with: { 'sluice.latency.ms': 250 }, more: { flags: 1 } }), { body: 'no call' })
    await it.pass(6000)
    const [summary, ...others] = it.records()
    expect(others).toEqual([])
    expect(summary).toMatchObject({
      event: 'sluice.gen_ai.summary',
      trace: TRACE,
      span: SPAN,
      body: 'chat m1 input_tokens=100 output_tokens=10 duration_ms=250 service=shop',
      attributes: { 'sluice.latency.ms': 250, 'gen_ai.usage.input_tokens': 100 },
      message: { timeUnixNano: 2_000_000_000n, flags: 1 },
    })
    expect(it.ofRecords.balance()).toMatchObject({ entered: 2, delivered: 2 })
  })

  test('without a trace is written at once, and once', async () => {
    const it = await bench({}, { shards })
    const lone = record({ trace: '', span: '' })
    await it.sendRecords(lone, lone)
    await it.pass(600)
    expect(it.records('summary').map(({ trace }) => trace)).toEqual([''])
    expect(it.ofRecords.balance()).toMatchObject({ entered: 2, delivered: 1, duplicate: 1 })
  })

  test.each(['span', 'record'])('has one summary, also if the %s came first', async (first) => {
    const it = await bench({}, { shards })
    if (first === 'span') await it.send(span())
    await it.sendRecords(record({ with: { 'gen_ai.usage.reasoning.output_tokens': 3 } }))
    if (first === 'record') await it.send(span())
    await it.pass(6000)
    const summaries = it.records('summary')
    expect(summaries).toHaveLength(1)
    expect(summaries[0]!.attributes).toMatchObject({
      'sluice.latency.ms': 1000,
      'gen_ai.usage.reasoning.output_tokens': 3,
    })
  })
})

describe('an answer in a log record', () => {
  const judged = { 'sluice.quality.score': 0.4, 'sluice.quality.signals': ['truncated', 'refusal'] }
  const choice: LogOptions = { event: 'gen_ai.choice', trace: TRACE, span: SPAN, attributes: judged }

  test('is judged in the summary of its call, and is none', async () => {
    const it = await bench()
    await it.sendRecords(choice)
    await it.send(span())
    await it.pass(6000)
    const [summary, ...others] = it.records()
    expect(others).toEqual([])
    expect(summary!.severity).toBe('WARN 13')
    expect(summary!.body).toContain('score=0.4 signals=truncated,refusal')
    expect(summary!.attributes).toMatchObject({
      'sluice.quality.score': 0.4,
      'sluice.quality.signals': ['truncated', 'refusal'],
    })
  })

  test('says nothing where the span does', async () => {
    const it = await bench()
    await it.sendRecords(choice)
    await it.send(span({ 'sluice.quality.score': 1 }))
    await it.pass(6000)
    const [summary] = it.records('summary')
    expect(summary!.attributes['sluice.quality.score']).toBe(1)
    expect(summary!.attributes).not.toHaveProperty('sluice.quality.signals')
  })

  test('in a summary, from a tier before this one, is of no call', async () => {
    const it = await bench()
    const own = { event: 'sluice.gen_ai.summary' }
    await it.sendRecords({ ...choice, ...own }, record(own))
    await it.send(span())
    await it.pass(6000)
    expect(it.records('summary').map(({ attributes }) => attributes['sluice.quality.score'])).toEqual([undefined])
  })
})
