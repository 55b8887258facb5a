/** Events (of spans, and log records) that hold content, by their name, and the scopes of LLM tools. Rows of data. */
import { type GroupName, groupNumber } from './content_groups.ts'
import { type NamePattern, namePattern } from './name_pattern.ts'

/** What an event's name says about the event. */
export interface EventContent {
  /** Content group of a log record's body, 0: an ordinary text. */
  readonly body: number
  /** Content group of every attribute that does not only describe the event, 0: the keys tell. */
  readonly attributes: number
  /** True: names that are too common to say so elsewhere are content here. */
  readonly scoped: boolean
}

/** The content of the event with that name. */
export function contentOfEvent(name: string): EventContent {
  return rules.find(({ pattern }) => pattern.test(name))?.content ?? NONE
}

/** What an instrumentation scope's name says about its items. */
export interface ScopeContent {
  /** Content group of log records' bodies, 0: ordinary texts. */
  readonly body: number
  /** True: common names such as `input` or `events` are content there. */
  readonly scoped: boolean
}

/** The content of items of the scope with that name. */
export function contentOfScope(name: string): ScopeContent {
  const scoped = scopePatterns.some((pattern) => pattern.test(name))
  return { body: bodyScopes.some((pattern) => pattern.test(name)) ? groupNumber('any') : 0, scoped }
}

const NONE: EventContent = { body: 0, attributes: 0, scoped: false }

/** Names between blanks, the group of the body, and the group of the attributes (`-`: none, `scoped`: by common names too). */
type Row = readonly [names: string, body: GroupName | '-', attributes: GroupName | '-' | 'scoped']

const rows: readonly Row[] = [
  ['gen_ai.system.message', 'system', 'system'],
  ['gen_ai.user.message', 'user', 'user'],
  ['gen_ai.tool.message', 'tool_result', 'tool_result'],
  ['gen_ai.assistant.message gen_ai.choice gen_ai.content.completion', 'output', 'output'],
  ['gen_ai.content.prompt gen_ai.prompt', 'input', 'input'],
  ['gen_ai.*.message gen_ai.tool.developer', 'any', 'any'],
  ['gen_ai.client.inference.operation.details gen_ai.client.operation.exception gen_ai.evaluation.result', 'any', '-'],
  ['mlflow.chunk.item.#', 'output', 'output'],
  ['tool.output', 'tool_result', 'tool_result'],
  ['claude_code.* codex.* gemini_cli.* qwen-code.*', '-', 'scoped'],
  ['user_prompt assistant_response api_request_body api_response_body tool_result', '-', 'scoped'],
  ['strands.telemetry.tracer openinference.instrumentation.* opentelemetry.instrumentation.*', 'any', '-'],
]

/** Scopes of tools that put content under names without a namespace. */
const scopes = `pydantic-ai pydantic_ai* logfire* pipecat* com.anthropic.claude_code* codex* gemini-cli* qwen-code*
  openinference* @arizeai/* mlflow* haystack* litellm* autogen* autogen_core* text-generation* agent_framework*
  opentelemetry.instrumentation.openai_agents* openlit*`

/** Loggers whose records are the messages of agents. */
const bodies = 'autogen_core* autogen_agentchat*'

const rules: { readonly pattern: NamePattern; readonly content: EventContent }[] = rows.flatMap(
  ([names, body, attributes]) =>
    names.split(' ').map((name) => ({ pattern: namePattern(name), content: contentOf(body, attributes) })),
)
const scopePatterns = scopeNames(scopes)
const bodyScopes = scopeNames(bodies)

/** A `*` at the end of a scope's name may also stand for nothing. */
function scopeNames(text: string): NamePattern[] {
  const names = text.trim().split(/\s+/)
  return names.flatMap((name) => [name, ...(name.endsWith('*') ? [name.slice(0, -1)] : [])]).map(namePattern)
}

function contentOf(body: Row[1], attributes: Row[2]): EventContent {
  return {
    body: body === '-' ? 0 : groupNumber(body),
    attributes: attributes === '-' || attributes === 'scoped' ? 0 : groupNumber(attributes),
    scoped: attributes === 'scoped',
  }
}
