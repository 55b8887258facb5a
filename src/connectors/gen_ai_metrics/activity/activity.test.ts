import { describe, expect, test } from 'vitest'
import { attributesOf, itemsOf, type PlainAttributes, type SpanOptions } from '../../../../test/support/otlp.ts'
import type { StepKind } from '../../../gen_ai/step_fields.ts'
import type { Message } from '../../../otlp/codec.ts'
import { type Bench, bench, call } from '../gen_ai_metrics.fixture.ts'

const START_MS = Date.UTC(2026, 0, 1)
const id = (number: number) => number.toString(16).padStart(16, '0')

interface Place {
  readonly id: number
  readonly under?: number
  /** Seconds. */
  readonly time?: readonly [from: number, to: number]
  readonly trace?: number
}

function placed({ id: span, under, time: [from, to] = [0, 1], trace = 1 }: Place): SpanOptions {
  return {
    trace: trace.toString(16).padStart(32, '0'),
    id: id(span),
    ...(under !== undefined && { parent: id(under) }),
    start_ms: START_MS + from * 1000,
    end_ms: START_MS + to * 1000,
  }
}

function step(kind: StepKind, place: Place, attributes: PlainAttributes = {}): SpanOptions {
  return { ...placed(place), attributes: { 'sluice.step': kind, ...attributes } }
}

function tool(place: Place, name: string, attributes: PlainAttributes = {}): SpanOptions {
  return step('tool', place, { 'gen_ai.tool.name': name, ...attributes })
}

function agent(place: Place, name: string, attributes: PlainAttributes = {}): SpanOptions {
  return step('agent', place, { 'gen_ai.agent.name': name, ...attributes })
}

function chat(place: Place, attributes: Record<string, string | number | boolean> = {}): SpanOptions {
  const { attributes: of } = call({ with: { 'sluice.cost.usd': 0.5, ...attributes } })
  return { ...placed(place), attributes: of! }
}

const other = (place: Place): SpanOptions => ({ ...placed(place), attributes: { 'http.route': '/' } })

/** Lines of the newest value of each series whose name begins so; histograms as `count/sum`. */
function lines({ next }: Bench, prefix: RegExp): string[] {
  const found = new Map<string, string>()
  for (const batch of next.batches)
    for (const metric of itemsOf(batch)) {
      if (!prefix.test(String(metric['name']))) continue
      const data = (metric['sum'] ?? metric['histogram'] ?? metric['gauge']) as Message
      for (const point of data['dataPoints'] as Message[]) {
        const labels = [...attributesOf(point)].map(([label, text]) => `${label}=${text}`).join(',')
        const value = point['count'] === undefined ? point['asDouble'] : `${point['count']}/${point['sum']}`
        found.set(`${metric['name']}{${labels}}`, String(value))
      }
    }
  return [...found]
    .filter(([, value]) => !/^0(\/0)?$/.test(value))
    .map(([series, value]) => `${series} ${value}`)
    .sort()
}

async function measured(
  spans: readonly SpanOptions[],
  prefix: RegExp,
  wait_ms = 60_000,
  inOne = true,
): Promise<string[]> {
  const one = await bench()
  if (inOne) await one.send(...spans)
  else for (const span of spans) await one.send(span)
  await one.pass(wait_ms)
  const found = lines(one, prefix)
  await one.stop()
  return found
}

const CASES: readonly (readonly [what: string, spans: SpanOptions[], prefix: RegExp, metrics: string[]])[] = [
  [
    'a tool belongs to the nearest agent above it, over spans that are no steps',
    [tool({ id: 3, under: 2 }, 'search'), other({ id: 2, under: 1 }), agent({ id: 1 }, 'planner')],
    /^llm_tool_(calls|duration)/,
    ['llm_tool_calls_total{tool=search,agent=planner,outcome=ok} 1', 'llm_tool_duration_seconds{tool=search} 1/1'],
  ],
  [
    'an error type is a failure, and so is what is said to be one, and a status',
    [
      tool({ id: 2 }, 'search', { 'error.type': 'timeout' }),
      tool({ id: 3 }, 'search', { 'sluice.failed': true }),
      { ...tool({ id: 4 }, 'search'), status: { code: 2 } },
      tool({ id: 5 }, 'search', { 'gen_ai.agent.name': 'named' }),
    ],
    /^llm_tool_(calls|cons)/,
    [
      'llm_tool_calls_total{tool=search,agent=,outcome=error} 3',
      'llm_tool_calls_total{tool=search,agent=named,outcome=ok} 1',
      'llm_tool_consecutive_failures{tool=search,agent=} 3',
    ],
  ],
  [
    'a framework’s span around an SDK’s span of the same tool is one step; one of another call is not',
    [
      tool({ id: 3, under: 2 }, 'search', { 'error.type': 'x', 'gen_ai.tool.call.id': 'c1' }),
      tool({ id: 2, under: 1, time: [0, 2] }, 'search', { 'gen_ai.tool.call.id': 'c1' }),
      tool({ id: 5, under: 4 }, 'search', { 'gen_ai.tool.call.id': 'c3' }),
      tool({ id: 4, under: 1 }, 'search', { 'gen_ai.tool.call.id': 'c2' }),
      other({ id: 1 }),
    ],
    /^llm_tool_(calls|duration)/,
    [
      'llm_tool_calls_total{tool=search,agent=,outcome=error} 1',
      'llm_tool_calls_total{tool=search,agent=,outcome=ok} 2',
      'llm_tool_duration_seconds{tool=search} 3/4',
    ],
  ],
  [
    'retrievals: documents, none of them, scores',
    [
      step(
        'retrieval',
        { id: 2 },
        { 'gen_ai.data_source.id': 'kb', 'sluice.retrieval.documents': 2, 'sluice.retrieval.scores': [0.5, 1] },
      ),
      step('retrieval', { id: 3 }, { 'gen_ai.data_source.id': 'kb', 'sluice.retrieval.documents': 0 }),
    ],
    /^llm_retrieval/,
    [
      'llm_retrieval_documents{source=kb} 2/2',
      'llm_retrieval_duration_seconds{source=kb} 2/2',
      'llm_retrieval_empty_total{source=kb} 1',
      'llm_retrieval_score_distribution{source=kb} 1/0.75',
      'llm_retrieval_score{source=kb} 0.75',
    ],
  ],
  [
    'guardrails by verdict',
    [
      step('guardrail', { id: 2 }, { 'gen_ai.tool.name': 'pii', 'sluice.guardrail.verdict': 'blocked' }),
      step('guardrail', { id: 3 }, { 'gen_ai.tool.name': 'pii' }),
    ],
    /^llm_guardrail/,
    [
      'llm_guardrail_checks_total{guardrail=pii,verdict=blocked} 1',
      'llm_guardrail_checks_total{guardrail=pii,verdict=unknown} 1',
    ],
  ],
  [
    'an agent below an agent: each run counts what is below it, the outermost costs what the trace costs',
    [
      chat({ id: 5, under: 4 }),
      chat({ id: 3, under: 1 }),
      agent({ id: 4, under: 2, time: [0, 2] }, 'writer'),
      tool({ id: 2, under: 1 }, 'delegate'),
      agent({ id: 1, time: [0, 4] }, 'planner'),
    ],
    /^llm_agent/,
    [
      'llm_agent_cost_usd{agent=planner,outcome=completed} 1/1',
      'llm_agent_cost_usd{agent=writer,outcome=completed} 1/0.5',
      'llm_agent_depth{agent=planner} 1/1',
      'llm_agent_depth{agent=writer} 1/0',
      'llm_agent_duration_seconds{agent=planner} 1/4',
      'llm_agent_duration_seconds{agent=writer} 1/2',
      'llm_agent_runs_total{agent=planner,outcome=completed} 1',
      'llm_agent_runs_total{agent=writer,outcome=completed} 1',
      'llm_agent_steps{agent=planner} 1/4',
      'llm_agent_steps{agent=writer} 1/1',
      'llm_agent_tokens{agent=planner} 1/220',
      'llm_agent_tokens{agent=writer} 1/110',
    ],
  ],
  [
    'runs that failed, were stopped, cancelled, or whose last answer was cut off',
    [
      agent({ id: 1, trace: 1 }, 'a', { 'error.type': 'ValueError' }),
      agent({ id: 2, trace: 2 }, 'a', { 'error.type': 'MaxTurnsExceeded' }),
      agent({ id: 3, trace: 3 }, 'a', { 'error.type': 'GraphRecursionError' }),
      agent({ id: 4, trace: 4 }, 'a', { 'error.type': 'asyncio.CancelledError' }),
      chat({ id: 6, under: 5, trace: 5 }, { 'gen_ai.response.finish_reasons': 'length' }),
      agent({ id: 5, trace: 5 }, 'a'),
      chat({ id: 8, under: 7, trace: 6, time: [0, 1] }, { 'gen_ai.response.finish_reasons': 'length' }),
      chat({ id: 9, under: 7, trace: 6, time: [1, 2] }, { 'gen_ai.response.finish_reasons': 'stop' }),
      agent({ id: 7, trace: 6 }, 'a'),
    ],
    /^llm_agent_(runs|unf)/,
    [
      'llm_agent_runs_total{agent=a,outcome=completed} 1',
      'llm_agent_runs_total{agent=a,outcome=failed} 1',
      'llm_agent_runs_total{agent=a,outcome=unfinished} 4',
      'llm_agent_unfinished_total{agent=a} 4',
    ],
  ],
  [
    'loops are counted with the agent in which they were noticed',
    [
      tool({ id: 2, under: 1 }, 'search', { 'sluice.step.signals': ['tool_loop', 'tool_failures'] }),
      agent({ id: 1 }, 'planner', { 'sluice.step.signals': ['agent_loop'] }),
    ],
    /^llm_agent_loops/,
    ['llm_agent_loops_total{agent=planner,kind=agent_loop} 1', 'llm_agent_loops_total{agent=planner,kind=tool_loop} 1'],
  ],
  [
    'where the time of a trace went: overlaps once, the rest is its own',
    [
      chat({ id: 2, under: 1, time: [1, 4] }),
      tool({ id: 3, under: 1, time: [3, 6] }, 'search'),
      step('retrieval', { id: 4, under: 3, time: [5, 5.5] }),
      other({ id: 1, time: [0, 10] }),
    ],
    /^llm_trace_time/,
    [
      'llm_trace_time_seconds{component=guardrail} 1/0',
      'llm_trace_time_seconds{component=model} 1/3',
      'llm_trace_time_seconds{component=own_code} 1/5',
      'llm_trace_time_seconds{component=retrieval} 1/0.5',
      'llm_trace_time_seconds{component=tool} 1/1.5',
    ],
  ],
  [
    'the conventions’ metrics',
    [
      tool({ id: 2, under: 1 }, 'search'),
      chat({ id: 3, under: 1 }),
      chat({ id: 4, under: 1, time: [2, 3] }),
      agent({ id: 1, time: [0, 3] }, 'planner'),
    ],
    /^gen_ai\.(execute_tool|invoke_agent)/,
    [
      'gen_ai.execute_tool.duration{gen_ai.tool.name=search} 1/1',
      'gen_ai.invoke_agent.duration{gen_ai.agent.name=planner} 1/3',
      'gen_ai.invoke_agent.inference_calls{gen_ai.agent.name=planner} 1/2',
      'gen_ai.invoke_agent.tool_calls{gen_ai.agent.name=planner} 1/1',
    ],
  ],
]

describe.each(CASES)('%s', (_, spans, prefix, metrics) => {
  test('as they come', async () => expect(await measured(spans, prefix)).toEqual([...metrics].sort()))
  test('the other way round', async () =>
    expect(await measured(spans.toReversed(), prefix)).toEqual([...metrics].sort()))
  test('one by one', async () => expect(await measured(spans, prefix, 60_000, false)).toEqual([...metrics].sort()))
  test('and everything again', async () =>
    expect(await measured([...spans, ...spans], prefix)).toEqual([...metrics].sort()))
})

test('failures in a row: over after a success, and five minutes after the last', async () => {
  const one = await bench()
  const failures = () => one.value('llm_tool_consecutive_failures', { tool: 't' })
  const fail = (span: number) => one.send(tool({ id: span, trace: span }, 't', { 'error.type': 'x' }))
  for (const span of [1, 2, 3]) await fail(span)
  await one.pass(60_000)
  expect(failures()).toBe(3)
  await one.send(tool({ id: 4, trace: 4 }, 't'))
  await one.pass(60_000)
  expect(failures()).toBe(0)
  await fail(5)
  await one.pass(60_000)
  expect(failures()).toBe(1)
  await one.pass(300_000)
  expect(failures()).toBe(0)
  await fail(6)
  await one.pass(60_000)
  expect(failures()).toBe(1)
  await one.stop()
})

test('a run whose span does not come is unfinished after half an hour, and one that comes late is not', async () => {
  const one = await bench()
  const unfinished = () => one.value('llm_agent_runs_total', { outcome: 'unfinished' })
  await one.send(tool({ id: 2, under: 1, trace: 1 }, 't', { 'gen_ai.agent.name': 'lost' }))
  await one.send(tool({ id: 4, under: 3, trace: 2 }, 't', { 'gen_ai.agent.name': 'late' }))
  await one.pass(20 * 60_000)
  expect(unfinished()).toBeUndefined()
  await one.send(agent({ id: 3, trace: 2 }, 'late'))
  await one.pass(11 * 60_000)
  expect(unfinished()).toBe(1)
  expect(one.value('llm_agent_runs_total', { agent: 'late', outcome: 'completed' })).toBe(1)
  expect(one.value('llm_agent_runs_total', { agent: 'lost', outcome: 'unfinished' })).toBe(1)
  await one.stop()
})

describe('conversations', () => {
  const turn = (trace: number, input: number, of: Record<string, string | number>) =>
    chat({ id: trace, trace, time: [trace, trace + 1] }, { 'gen_ai.usage.input_tokens': input, ...of })

  test('turns, cost, growth, quality by turn; over when nothing comes', async () => {
    const one = await bench()
    const of = { 'gen_ai.conversation.id': 'c1', 'sluice.quality.score': 0.5 }
    for (const [trace, input] of [100, 150, 300].entries()) {
      await one.send(turn(trace + 1, input, of))
      await one.pass(60_000)
    }
    expect(lines(one, /^llm_(conv|quality_by)/)).toEqual([
      'llm_conversation_context_growth_tokens{} 2/200',
      'llm_conversations_active{} 1',
      'llm_quality_by_turn{turn=1} 1/0.5',
      'llm_quality_by_turn{turn=2-4} 2/1',
    ])
    await one.pass(31 * 60_000)
    expect(lines(one, /^llm_conversation_[^c]|^llm_conversation_cost/)).toEqual([
      'llm_conversation_cost_usd{} 1/1.5',
      'llm_conversation_duration_seconds{} 1/3',
      'llm_conversation_turns{} 1/3',
    ])
    expect(one.value('llm_conversations_active')).toBe(0)
    await one.stop()
  })

  test('are those of the trace, named on any of its steps, while there is one', async () => {
    const one = await bench()
    const talk = (name: string) => ({ 'gen_ai.conversation.id': name })
    // One on the agent; two calls of one turn.
    await one.send(chat({ id: 2, under: 1 }), chat({ id: 3, under: 1, time: [2, 3] }), agent({ id: 1 }, 'a', talk('x')))
    // Two in one trace: what names none is of none.
    await one.send(
      chat({ id: 5, under: 4, trace: 2 }, talk('y')),
      chat({ id: 6, under: 4, trace: 2, time: [2, 3] }, talk('z')),
      chat({ id: 7, under: 4, trace: 2, time: [4, 5] }),
      agent({ id: 4, trace: 2 }, 'a'),
    )
    await one.stop()
    expect(lines(one, /^llm_conversation_(turns|cost)/)).toEqual([
      'llm_conversation_cost_usd{} 3/2',
      'llm_conversation_turns{} 3/3',
    ])
  })
})

test('ten thousand tools: totals stay true, what has no place is "other", and a new one that is used finds a place', async () => {
  const one = await bench({ models_max: 500, series_max: 2000 })
  const spans = Array.from({ length: 10_000 }, (_, at) => tool({ id: at + 1, trace: at + 1 }, `tool ${at}`))
  for (let at = 0; at < spans.length; at += 1000) await one.send(...spans.slice(at, at + 1000))
  await one.pass(60_000)
  expect(one.value('llm_tool_calls_total', { tool: 'other' })).toBeGreaterThan(9000)
  for (let round = 0; round < 60; round++) {
    await one.send(tool({ id: 20_001 + round, trace: 20_001 + round }, 'real'))
    await one.pass(60_000)
  }
  expect(one.value('llm_tool_calls_total', { tool: 'real' })).toBeGreaterThan(0)
  await one.stop()
})
