import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { contentOfEvent, contentOfScope } from './content_events.ts'
import { contentGroups, type GroupName } from './content_groups.ts'
import { contentOfKey, describesEvent } from './content_keys.ts'

const groupOf = (key: string) => contentGroups[contentOfKey(key).group]!.name

const keys: readonly (readonly [key: string, group: GroupName | 'none'])[] = [
  ['gen_ai.input.messages', 'input'],
  ['gen_ai.output.messages', 'output'],
  ['gen_ai.system_instructions', 'system'],
  ['gen_ai.tool.definitions', 'system'],
  ['gen_ai.tool.call.arguments', 'tool_call'],
  ['gen_ai.tool.call.result', 'tool_result'],
  ['gen_ai.retrieval.query.text', 'user'],
  ['gen_ai.retrieval.documents', 'retrieved'],
  ['gen_ai.memory.records', 'retrieved'],
  ['gen_ai.memory.store.id', 'none'],
  ['gen_ai.prompt', 'input'],
  ['gen_ai.prompt.0.content', 'input'],
  ['gen_ai.prompt.12.tool_calls.3.arguments', 'input'],
  ['gen_ai.prompt.0.role', 'none'],
  ['gen_ai.prompt.name', 'none'],
  ['gen_ai.completion.0.content', 'output'],
  ['gen_ai.completion.0.finish_reason', 'none'],
  ['gen_ai.prompt.variable.customer', 'user'],
  ['gen_ai.event.content', 'any'],
  ['gen_ai.request.model', 'none'],
  ['gen_ai.usage.input_tokens', 'none'],
  ['gen_ai.response.finish_reasons', 'none'],
  ['input.value', 'any'],
  ['input.mime_type', 'none'],
  ['llm.input_messages.1.message.content', 'input'],
  ['llm.input_messages.1.message.role', 'none'],
  ['llm.input_messages.0.message.contents.1.message_content.image.image.url', 'media'],
  ['llm.token_count.prompt', 'none'],
  ['ai.prompt.messages', 'input'],
  ['ai.usage.promptTokens', 'none'],
  ['traceloop.entity.output', 'any'],
  ['gen_ai.agent.action.log', 'any'],
  ['mastra.model_step.output', 'output'],
  ['mastra.workflow_run.output', 'any'],
  ['traceloop.association.properties.note', 'any'],
  ['traceloop.association.properties.session_id', 'none'],
  ['process.command_args', 'input'],
  ['process.command', 'none'],
  ['http.route', 'none'],
  ['db.query.text', 'none'],
  ['exception.message', 'none'],
  ['', 'none'],
]

test.each(keys)('%s: %s', (key, group) => {
  expect(groupOf(key)).toBe(group)
  expect(contentOfKey(key).scoped).toBe(false)
})

test('common names are content only where the scope or the event says so', () => {
  expect(contentOfKey('input')).toMatchObject({ scoped: true })
  for (const key of ['result', 'execution_summary']) expect(contentOfKey(key)).toMatchObject({ scoped: true })
  expect(contentOfScope('pydantic-ai').scoped).toBe(true)
  expect(contentOfScope('logfire.openai').scoped).toBe(true)
  expect(contentOfScope('@opentelemetry/instrumentation-http').scoped).toBe(false)
  expect(contentOfEvent('claude_code.user_prompt').scoped).toBe(true)
  expect(contentGroups[contentOfScope('autogen_core.events').body]!.name).toBe('any')
})

test.each([
  ['gen_ai.user.message', 'user', 'user'],
  ['gen_ai.choice', 'output', 'output'],
  ['gen_ai.something.message', 'any', 'any'],
  ['gen_ai.client.inference.operation.details', 'any', 'none'],
  ['exception', 'none', 'none'],
])('event %s: body %s, attributes %s', (name, body, attributes) => {
  const event = contentOfEvent(name)
  expect([contentGroups[event.body]!.name, contentGroups[event.attributes]!.name]).toEqual([body, attributes])
})

test('what describes an event is no message', () => {
  for (const key of ['gen_ai.system', 'role', 'event.name', 'gen_ai.request.model'])
    expect(describesEvent(key)).toBe(true)
  for (const key of ['content', 'message', 'tool.result', 'anything']) expect(describesEvent(key)).toBe(false)
})

/** Names that dialects list as sensitive and that are ordinary texts here: everybody uses them; detectors judge them. */
const ordinary = new Set(
  `exception.message exception.stacktrace error.message error.stack_trace db.statement db.query.text db.query.parameter
  db.filter db.metadata db.update.values db.update.metadata db.vector.query.filter db.milvus.query.filter
  db.milvus.search.filter pinecone.query.filter mcp.error.message mcp.auth.authorization_code mcp.auth.state
  file.name file_path user.email ai.* llm.*.* exception policy gen_ai.agent.tools`.split(/\s+/),
)
const dialects = new URL('../../../shared/reference/dialects.json', import.meta.url)
const there = existsSync(dialects)
if (!there) process.stderr.write(`SKIPPED: the list of dialects is not at ${dialects.pathname}\n`)

describe.skipIf(!there)('dialects', () => {
  interface Dialect {
    dialect: string
    contentAttributes: string[]
    contentEventAttributes: { event: string; attributes: string[] }[]
  }
  const list: Dialect[] = there ? JSON.parse(readFileSync(dialects, 'utf8')) : []

  test.each(list.map(({ dialect, contentAttributes }) => [dialect, contentAttributes] as const))(
    '%s: every sensitive attribute is content',
    (_, names) => {
      const missing = names.filter((name) => !ordinary.has(name) && !isContent(name))
      expect(missing).toEqual([])
    },
  )

  test('every event with sensitive attributes is known', () => {
    const events = list.flatMap(({ contentEventAttributes }) => contentEventAttributes ?? [])
    const missing = events.filter(
      ({ event, attributes }) =>
        !attributes.every((name) => name.startsWith('exception') || ordinary.has(name) || isContent(name)) &&
        event !== 'exception' &&
        contentOfEvent(example(event)).body === 0,
    )
    expect(missing).toEqual([])
  })

  /** `N`, `M`, `K` stand for numbers in the list, `*` for any name. */
  function isContent(name: string): boolean {
    const content = contentOfKey(example(name))
    return content.group !== 0 || content.scoped
  }

  function example(name: string): string {
    return name.replace(/(?<=\.)[NMK](?=\.|$)/g, '0').replaceAll('*', 'anything')
  }
})
