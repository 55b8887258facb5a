/**
 * Model calls derived from captured telemetry of real instrumentations, compared with what a perfect normaliser
 * derives from it (`reachable.json` beside the captures).
 */
import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  captures,
  differences,
  expectedOf,
  IN_RECORDS_ONLY,
  type Reachable,
  requestsOf,
  SUPPORTED,
} from '../../../test/support/reachable.ts'
import { receive } from '../../telemetry/receive.ts'
import { CapturedCalls } from './captured_calls.fixture.ts'
import { processorForTests } from './processor.fixture.ts'

const there = existsSync(captures)
if (!there) process.stderr.write(`SKIPPED: captured telemetry is not at ${captures.pathname}\n`)

test.each(['traceloop_anthropic', 'openinference_langchain'])('%s: one call in two traces is one', async (name) => {
  const body = readFileSync(new URL(`../../gen_ai/testdata/${name}_two_traces.traces.pb`, import.meta.url))
  const captured = new CapturedCalls()
  captured.add(await processorForTests().normalise(receive('traces', body).batch))
  expect([captured.reports, captured.once().length]).toEqual([2, 1])
})

/** Log records repeat what spans tell, or stand alone. */
const WITH_LOGS = there ? SUPPORTED.filter((folder) => requestsOf(folder, 'logs').length > 0) : []

describe.skipIf(!there)('captures', () => {
  test.each(SUPPORTED.filter((folder) => !IN_RECORDS_ONLY.includes(folder)))('%s gives what it can', async (folder) => {
    const reachable: Reachable = JSON.parse(readFileSync(new URL(`${folder}/reachable.json`, captures), 'utf8'))
    const derived = (await CapturedCalls.of(folder)).totals(reachable.same_model)
    expect(differences(derived, expectedOf(folder, reachable))).toEqual([])
  })

  test.each(WITH_LOGS)('%s, with its log records, gives what it can', async (folder) => {
    const reachable: Reachable = JSON.parse(readFileSync(new URL(`${folder}/reachable.json`, captures), 'utf8'))
    const derived = (await CapturedCalls.of(folder, true)).totals(reachable.same_model)
    expect(differences(derived, expectedOf(folder, reachable))).toEqual([])
  })

  test.each([
    ['a span in a span', 'python/otel-genai-anthropic-span', 32, 16],
    ['two traces', 'python/traceloop-anthropic', 32, 16],
    ['two traces, one of them without response ids', 'python/openinference-langchain', 31, 29],
    ['client and gateway', 'python/litellm-proxy', 16, 8],
  ])('one call, %s: %s', async (_, folder, reports, calls) => {
    const captured = await CapturedCalls.of(folder)
    expect([captured.reports, captured.once().length]).toEqual([reports, calls])
  })

  test.each(SUPPORTED)('%s: a second pass changes nothing', async (folder) => {
    for (const body of requestsOf(folder, 'traces')) {
      const first = await processorForTests().normalise(receive('traces', body).batch)
      const second = await processorForTests().normalise(first)
      expect(second.bytes.equals(first.bytes)).toBe(true)
    }
  })
})
