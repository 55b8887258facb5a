import { expect, test } from 'vitest'
import { attributesOf, itemsOf, type LogOptions, logBatch } from '../../../../test/support/otlp.ts'
import { recordProcessorForTests } from '../processor.fixture.ts'

async function writtenOn(records: readonly LogOptions[], scope = 'any') {
  const batch = logBatch(records, { scope: { name: scope } })
  const items = itemsOf(await recordProcessorForTests().normalise(batch))
  return items.map((item, at) => {
    const all = attributesOf(item)
    return Object.fromEntries(all.slice(0, all.length - Object.keys(records[at]!.attributes ?? {}).length))
  })
}

const tool = { 'sluice.step': 'tool', 'gen_ai.operation.name': 'execute_tool' }
const fingerprint = { 'sluice.tool.arguments': expect.stringMatching(/^[0-9a-f]{16}$/) }

test.each<[string, string, LogOptions, Record<string, unknown>]>([
  [
    'Claude Code',
    'com.anthropic.claude_code.events',
    { event: 'tool_result', attributes: { tool_name: 'Bash', success: 'false', 'session.id': 's1' } },
    { ...tool, 'gen_ai.tool.name': 'Bash', 'gen_ai.conversation.id': 's1', 'sluice.failed': true },
  ],
  [
    'Claude Code, where its spans tell of it',
    'com.anthropic.claude_code.events',
    { event: 'tool_result', trace: 'a'.repeat(32), attributes: { tool_name: 'Bash', success: 'true' } },
    {},
  ],
  ['another program’s event of that name', 'shop', { event: 'tool_result', attributes: { tool_name: 'drill' } }, {}],
  [
    'Codex',
    'codex_otel',
    { event: 'codex.tool_result', attributes: { tool_name: 'shell', call_id: 'c1', arguments: '{}', success: 'true' } },
    { ...tool, 'gen_ai.tool.name': 'shell', 'gen_ai.tool.call.id': 'c1', ...fingerprint },
  ],
  [
    'Gemini CLI',
    'gemini-cli',
    { event: 'gemini_cli.tool_call', attributes: { function_name: 'read_file', function_args: '{}', success: false } },
    { ...tool, 'gen_ai.tool.name': 'read_file', ...fingerprint, 'sluice.failed': true },
  ],
])('a tool in a log record: %s', async (_, scope, record, wanted) => {
  expect(await writtenOn([record], scope)).toEqual([wanted])
})

test('failures in a row; a record that comes twice counts once', async () => {
  const failing = (n: number): LogOptions => ({
    event: 'codex.tool_result',
    time_ms: 1_790_000_000_000 + n,
    attributes: { tool_name: 'shell', success: 'false', 'conversation.id': 'c1', arguments: String(n) },
  })
  const said = await writtenOn([failing(1), failing(1), failing(2), failing(3)])
  expect(said.map((one) => one['sluice.tool.consecutive_failures'])).toEqual([undefined, undefined, 2, 3])
  expect(said[3]!['sluice.step.signals']).toEqual(['tool_failures'])
})
