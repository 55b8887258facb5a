import { expect, test } from 'vitest'
import { StepWatch, WATCH, type WatchedStep } from './step_watch.ts'

let spans = 0
function tool(facts: Partial<WatchedStep> = {}): WatchedStep {
  const plain = { kind: 'tool', trace: 't', span: `${++spans}`, tool: 'search', agent: '', fingerprint: `${spans}` }
  return { ...plain, failed: false, start_ns: 0n, end_ns: 0n, ...facts }
}
function run(agent: string, from: number, to: number, trace = 't'): WatchedStep {
  return { ...tool(), kind: 'agent', trace, agent, start_ns: BigInt(from), end_ns: BigInt(to) }
}

test('three failures in a row are told once, and a success ends the row', () => {
  const watch = new StepWatch()
  const failures = [true, true, true, true, false, true].map((failed) => watch.notice(tool({ failed }), 0))
  expect(failures.map((one) => one.failures)).toEqual([1, 2, 3, 4, 0, 1])
  expect(failures.map((one) => one.signals.join())).toEqual(['', '', 'tool_failures', '', '', ''])
})

test('failures are in a row by tool and agent, over traces, within five minutes', () => {
  const watch = new StepWatch()
  const at = (now: number, facts: Partial<WatchedStep>) => watch.notice(tool({ failed: true, ...facts }), now).failures
  expect(at(0, { trace: 'a' })).toBe(1)
  expect(at(0, { tool: 'other' })).toBe(1)
  expect(at(0, { agent: 'other' })).toBe(1)
  expect(at(WATCH.failures_ms, { trace: 'b' })).toBe(2)
  expect(at(2 * WATCH.failures_ms + 1, {})).toBe(1)
})

test('a span told twice counts once, and is told the same', () => {
  const watch = new StepWatch()
  const failed = tool({ failed: true })
  watch.notice(tool({ failed: true }), 0)
  expect([watch.notice(failed, 0).failures, watch.notice(failed, 0).failures]).toEqual([2, 2])
})

test.each([
  ['the same arguments', WATCH.sameCalls, { fingerprint: 'f' }],
  ['no arguments told', WATCH.sameTool, { fingerprint: '' }],
])('a tool called again and again in one trace: %s', (_, bound, facts) => {
  const watch = new StepWatch()
  const signals = Array.from({ length: bound + 3 }, () => watch.notice(tool(facts), 0).signals)
  expect(signals.findIndex((one) => one.includes('tool_loop'))).toBe(bound - 1)
  expect(signals.flat()).toEqual(['tool_loop'])
})

test.each([
  ['other arguments', () => ({})],
  ['other traces', (at: number) => ({ fingerprint: 'f', trace: `${at}` })],
  ['tried again after failures', () => ({ fingerprint: 'f', failed: true })],
])('is no loop with %s', (_, facts) => {
  const watch = new StepWatch()
  const signals = Array.from({ length: 50 }, (__, at) => watch.notice(tool(facts(at)), 0).signals).flat()
  expect(signals).not.toContain('tool_loop')
})

test('two agents that call each other, each within the next: the innermost arrives first', () => {
  const watch = new StepWatch()
  const signals = ['b', 'a', 'b', 'a', 'b'].map((agent, at) => watch.notice(run(agent, 10 - at, 20 + at), 0).signals)
  expect(signals.map((one) => one.join())).toEqual(['', '', '', 'agent_loop', ''])
})

test.each([
  ['a b a b', false],
  ['a b a b a b', true],
  ['c a b a b a b', true],
  ['a b a b c a b a b', false],
  ['a a a a a a a', false],
  ['a b c a b c a b c', false],
])('agents one after the other: %s', (agents, loops) => {
  const watch = new StepWatch()
  const signals = agents.split(' ').flatMap((agent, at) => watch.notice(run(agent, 10 * at, 10 * at + 9), 0).signals)
  expect(signals.includes('agent_loop')).toBe(loops)
})

test('what is remembered is bounded, and a trace is forgotten', () => {
  const watch = new StepWatch()
  for (let at = 0; at < WATCH.sameCalls - 1; at++) watch.notice(tool({ fingerprint: 'f' }), 0)
  for (let at = 0; at <= WATCH.tracesMax; at++) watch.notice(tool({ trace: `other ${at}` }), 0)
  expect(watch.notice(tool({ fingerprint: 'f' }), 0).signals).toEqual([])
  for (let at = 0; at < WATCH.sameCalls - 2; at++) watch.notice(tool({ fingerprint: 'f' }), 0)
  expect(watch.notice(tool({ fingerprint: 'f' }), WATCH.trace_ms + 1).signals).toEqual([])
})
