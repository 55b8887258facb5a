import { describe, expect, test } from 'vitest'
import { testHost } from '../../../../test/support/host.ts'
import { type SpanOptions, traceBatch } from '../../../../test/support/otlp.ts'
import { SpanView } from '../../../telemetry/span_view.ts'
import { STEP_SIGNALS } from '../../step_fields.ts'
import { readStep } from '../read_step.ts'
import { Step } from '../step.ts'
import { LOOPS } from './loop_bounds.ts'
import { STEP_WATCH } from './step_watch.ts'

/** Spans told one after the other, and what is found about each: signals, and failures in a row where there are any. */
function watching() {
  const host = testHost()
  const watch = host.service(STEP_WATCH)
  const view = new SpanView()
  const step = new Step()
  let made = 0
  return {
    host,
    see(span: SpanOptions): string {
      view.read(traceBatch([{ id: (++made).toString(16).padStart(16, '0'), trace: TRACE, ...span }]), 0)
      if (!readStep(view, step, watch.key)) return 'no step'
      const { signals, consecutiveFailures } = watch.see(view, step, LOOPS)
      const names = STEP_SIGNALS.filter((_, bit) => (signals >>> bit) & 1)
      return [...names, ...(consecutiveFailures > 0 ? [consecutiveFailures] : [])].join(' ')
    },
  }
}

const TRACE = '0123456789abcdef0123456789abcdef'
const tool = (args: string | undefined, more: SpanOptions = {}, attributes = {}): SpanOptions => ({
  name: 'execute_tool search',
  ...more,
  attributes: {
    ...{ 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': 'search' },
    ...(args === undefined ? {} : { 'gen_ai.tool.call.arguments': args }),
    ...attributes,
  },
})
const failing = (more: SpanOptions = {}, at = '') => tool(`{"q":"${at}"}`, more, { 'error.type': 'timeout' })
const agent = (name: string, more: SpanOptions = {}): SpanOptions => ({
  name: `invoke_agent ${name}`,
  attributes: { 'gen_ai.operation.name': 'invoke_agent', 'gen_ai.agent.name': name },
  ...more,
})

describe('failures in a row', () => {
  test('the third within five minutes is a signal, a success ends the row', () => {
    const { see } = watching()
    const trace = (n: number) => ({ trace: n.toString(16).padStart(32, '0') })
    expect([1, 2, 3, 4].map((n) => see(failing(trace(n))))).toEqual(['1', '2', 'tool_failures 3', '4'])
    expect(see(tool('{}', trace(5)))).toBe('')
    expect(see(failing(trace(6)))).toBe('1')
  })

  test('of another agent, or more than five minutes later, begin anew', () => {
    const { see, host } = watching()
    const of = (name: string, n: number) =>
      see(tool(`{"n":${n}}`, {}, { 'error.type': 'timeout', 'gen_ai.agent.name': name }))
    expect([of('a', 1), of('b', 2), of('a', 3)]).toEqual(['1', '1', '2'])
    host.clock.advance(5 * 60_000 + 1)
    expect(of('a', 4)).toBe('1')
  })

  test('the same span again counts once and gets the same answer', () => {
    const { see } = watching()
    const id = { id: 'aaaaaaaaaaaaaaaa' }
    expect([see(failing()), see(failing(id)), see(failing(id)), see(failing())]).toEqual([
      '1',
      '2',
      '2',
      'tool_failures 3',
    ])
  })

  test('a call that two instrumentations report, one around the other, is one', () => {
    const { see } = watching()
    expect([
      see(failing({ id: '00000000000000b1', parent: '00000000000000b2' })),
      see(failing({ id: '00000000000000b2', parent: '00000000000000b3' })),
      see(failing()),
    ]).toEqual(['1', '', '2'])
  })
})

describe('tool loops', () => {
  const times = (n: number, one: (at: number) => string) => Array.from({ length: n }, (_, at) => one(at))

  test('the fifth execution with the same arguments, in whatever order and spacing they are written', () => {
    const { see } = watching()
    const said = times(6, (at) => see(tool(at % 2 ? '{"q":1,"n":2}' : '{ "n": 2, "q": 1 }')))
    expect(said).toEqual(['', '', '', '', 'tool_loop', ''])
  })

  test('other arguments, or another trace, are none', () => {
    const { see } = watching()
    expect(times(20, (at) => see(tool(`{"page":${at}}`))).join('')).toBe('')
    expect(times(20, (at) => see(tool('{}', { trace: (at + 1).toString(16).padStart(32, '0') }))).join('')).toBe('')
  })

  test('what is tried again after a failure counts half', () => {
    const { see } = watching()
    expect(times(9, () => see(failing())).filter((said) => said.includes('tool_loop'))).toEqual([])
    expect(see(failing())).toBe('tool_loop 10')
  })

  test('without arguments: in a row, ten times', () => {
    const { see } = watching()
    expect(times(9, () => see(tool(undefined))).join('')).toBe('')
    expect(see(tool(undefined))).toBe('tool_loop')
  })

  test('the same call under its id, told twice, counts once', () => {
    const { see } = watching()
    const said = times(8, (at) => see(tool('{}', {}, { 'gen_ai.tool.call.id': `call_${at >> 1}` })))
    expect(said.join('')).toBe('')
  })
})

describe('agent loops', () => {
  /** From the innermost to the outermost, as their spans end. */
  const nested = (see: (span: SpanOptions) => string, names: string) =>
    [...names].map((name, at) => see(agent(name, { start_ms: 1000 - at, end_ms: 2000 + at })))

  test.each([
    ['ABAB', ['', '', '', 'agent_loop']],
    ['BABABA', ['', '', '', 'agent_loop', '', '']],
    ['ABCABC', ['', '', '', '', '', '']],
    ['AABBAA', ['', '', '', '', '', '']],
  ])('one within the other, innermost first: %s', (names, said) => {
    expect(nested(watching().see, names)).toEqual(said)
  })

  const inTurn = (see: (span: SpanOptions) => string, names: string, parent = '00000000000000cc') =>
    [...names].map((name, at) => see(agent(name, { parent, start_ms: at * 10, end_ms: at * 10 + 9 })))

  test.each([
    ['ABABAB', ['', '', '', '', '', 'agent_loop']],
    ['ABABCA', ['', '', '', '', '', '']],
    ['AAAAAAA', ['', '', '', '', '', '', '']],
  ])('one after the other under one span: %s', (names, said) => {
    expect(inTurn(watching().see, names)).toEqual(said)
  })

  test('by handoffs, as spans of their own or as tools', () => {
    const { see } = watching()
    const to = (name: string, at: number) =>
      at % 2
        ? see({ name: `handoff to ${name}`, attributes: { 'openinference.span.kind': 'TOOL' } })
        : see(tool('{}', {}, { 'gen_ai.tool.name': `transfer_to_${name}`, 'tool.n': at }))
    expect([...'ABABAB'].map((name, at) => see(agent('x')) + to(name, at)).at(-1)).toBe('agent_loop')
  })
})

test('more traces than are watched: the oldest are forgotten and counted, a loop is still found', () => {
  const { see, host } = watching()
  for (let n = 1; n <= 12_000; n++)
    see(failing({ trace: n.toString(16).padStart(32, '0'), name: `execute_tool t${n}` }, String(n)))
  expect(host.meter.value('sluice_gen_ai_unwatched_traces')).toBe(2000)
  expect(Array.from({ length: 5 }, () => see(tool('{"z":1}'))).at(-1)).toBe('tool_loop')
})
