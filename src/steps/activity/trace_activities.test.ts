import { expect, test } from 'vitest'
import { testHost } from '../../../test/support/host.ts'
import { traceBatch } from '../../../test/support/otlp.ts'
import type { AgentRun } from './agent_runs.ts'
import { RecentRoots } from './recent_roots.ts'
import { StepReport } from './step_report.ts'
import { TraceActivities } from './trace_activities.ts'

const TIMES = { settle_after: 5000, settle_max: 30_000, unfinished_after: 1_800_000 }

function bench(bytes_max: number) {
  const { clock } = testHost()
  let steps = 0
  const runs: AgentRun[] = []
  const listener = {
    intern: (_: Uint8Array, start: number, end: number) => end - start,
    step: () => void steps++,
    run: (run: AgentRun) => void runs.push(run),
    turn: () => undefined,
    time: () => undefined,
  }
  const links = { above: () => 0, roots: new RecentRoots() }
  const traces = new TraceActivities(listener, links, clock, () => bytes_max)
  const report = new StepReport()
  const add = (trace: number, span: number, kind = 'tool') => {
    const [traceId, id] = [trace.toString(16).padStart(32, '0'), span.toString(16).padStart(16, '0')]
    const attributes = { 'sluice.step': kind, 'gen_ai.tool.name': 't', 'gen_ai.agent.name': 'a' }
    expect(report.read(traceBatch([{ trace: traceId, id, parent: 'f'.repeat(16), attributes }]), 0)).toBe(true)
    traces.addStep(report, 0)
  }
  return { clock, traces, add, runs, told: () => steps }
}

test('what is held has a bound in bytes: the oldest traces are told early, and no step is lost', () => {
  const { traces, add, told, runs } = bench(100_000)
  for (let trace = 1; trace <= 5000; trace++) add(trace, 1)
  expect(traces.traces).toBeLessThan(300)
  expect(traces.givenUp).toBe(5000 - traces.traces)
  traces.close()
  expect([told(), runs.length, traces.traces, traces.rows.count]).toEqual([5000, 0, 0, 0])
})

test('a trace of more than it may have is told to its bound, and the rest is counted', async () => {
  const { clock, traces, add, told } = bench(100_000_000)
  for (let span = 1; span <= 10_050; span++) add(1, span)
  await clock.advance(5000)
  traces.tick(TIMES)
  expect([told(), traces.leftOut]).toEqual([10_000, 50])
})

test('steps of a trace that never rests are told after settle_max', async () => {
  const { clock, traces, add, told } = bench(1_000_000)
  for (let span = 1; span <= 10; span++) {
    add(1, span)
    traces.tick(TIMES)
    await clock.advance(3000)
  }
  expect(told()).toBe(0)
  traces.tick(TIMES)
  expect(told()).toBe(10)
})
