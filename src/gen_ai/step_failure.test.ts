import { describe, expect, test } from 'vitest'
import { type PlainAttributes, traceBatch } from '../../test/support/otlp.ts'
import { SpanView } from '../telemetry/span_view.ts'
import { hasFailed } from './step_failure.ts'

const tool = { 'gen_ai.operation.name': 'execute_tool' }

describe('a span whose status is not set', () => {
  test.each<[string, PlainAttributes, boolean]>([
    ['a call that timed out', { 'sluice.dialect': 'x', 'error.type': 'timeout' }, true],
    ['a call that worked', { 'sluice.dialect': 'x' }, false],
    ['a call with an empty error type', { 'sluice.dialect': 'x', 'error.type': '' }, false],
    ['a rate limit', { 'sluice.dialect': 'x', 'sluice.rate_limited': true }, true],
    ['a tool that failed', { ...tool, 'error.type': 'ToolError' }, true],
    ['a tool that says so as a flag', { 'gen_ai.tool.name': 'search', 'gen_ai.tool.call.is_error': true }, true],
    ['a tool that says that it worked', { 'gen_ai.tool.name': 'search', 'gen_ai.tool.call.is_error': false }, false],
    ['an HTTP status', { ...tool, 'http.response.status_code': 429 }, true],
    ['a good HTTP status', { ...tool, 'http.response.status_code': 200 }, false],
    ['a level', { 'langfuse.observation.level': 'ERROR' }, true],
    ['a lower level', { 'langfuse.observation.level': 'WARNING' }, false],
    ['a state', { 'genkit:type': 'action', 'genkit:state': 'error' }, true],
    ['no step: a request to somebody', { 'http.response.status_code': 404, 'error.type': '404' }, false],
  ])('%s', (_, attributes, failed) => {
    const view = new SpanView()
    view.read(traceBatch([{ id: '0000000000000001', attributes }]), 0)
    expect(hasFailed(view)).toBe(failed)
  })
})
