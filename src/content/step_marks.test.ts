import { expect, test } from 'vitest'
import { isPlainName } from './plain_names.ts'
import { isEventOfStep, isKeyOfStep, isScopeOfSteps, isScopeSurelyOfSteps, isSurelyOfStep } from './step_marks.ts'

const list = (text: string) => text.trim().split(/\s+/)

test.each(
  list(`gen_ai.operation.name gen_ai.future.thing llm.model llm.user_api_key_alias ai.model.id openinference.span.kind
    copilot_chat.turn braintrust.span_id mcp.method.name tool.name acme.prompt_version acmePromptName input_tokens
    acme.usage.total_tokens tool_call_id toolCallId input.value genkit:name litellm.request_id vendor/llm_model`),
)('%s stands on steps', (key) => {
  expect(isKeyOfStep(key)).toBe(true)
})

test.each(
  list(`http.route db.query.text user.id user_agent.original agent.name agent.version logfire.msg logfire.tags input
    message content service.name code.function.name promptness retool.id airline.name exception.message`),
)('%s says nothing', (key) => {
  expect(isKeyOfStep(key)).toBe(false)
})

test('events and scopes', () => {
  const events = list(
    'gen_ai.choice claude_code.user_prompt acme.user_prompt llm.first_token tool_result codex.tool_result',
  )
  for (const name of events) expect(isEventOfStep(name), name).toBe(true)
  for (const name of list('exception message job.done page_view')) expect(isEventOfStep(name), name).toBe(false)
  const scopes = list(`ai opentelemetry.instrumentation.openai io.opentelemetry.openai-java-1.1 copilot-chat braintrust
    Experimental.Microsoft.Extensions.AI @arizeai/openinference-instrumentation-langchain langsmith logfire.openai
    acme-llm-tracer Microsoft.SemanticKernel openai.agents litellm pydantic-ai openlit.otel.tracing`)
  for (const name of scopes) expect(isScopeOfSteps(name), name).toBe(true)
  const others = list(`logfire io.opentelemetry.javaagent.tomcat @opentelemetry/instrumentation-http shop main
    opentelemetry.instrumentation.requests Microsoft.AspNetCore retail`)
  for (const name of [...others, '']) expect(isScopeOfSteps(name), name).toBe(false)
})

test('names of long texts that are no content', () => {
  const plain = list(`exception.stacktrace exception.message db.query.text url.full code.stacktrace http.user_agent
    user_agent.original error.message error_message http.request.header.x http.request.body.size llm.openai.usage
    exception.type db.statement url.query http.status_text messaging.message.id rpc.service http.response.status_text
    metadata.usage_object sluice.quality.signals process.command_line graphql.document`)
  for (const key of plain) expect(isPlainName(key), key).toBe(true)
  const others = list(`message http.request.body http.response.body.content codec.note database urls acme.exception
    http.request.body.raw http.requestBody http.response.body.choices http.answer rpc.request rpc.grpc.request.message
    messaging.message.value code.arguments url.prompt exception.request_body graphql.variables db.response.body
    dbt.note usage_notes error_explanation app.note session.summary messaging.payload`)
  for (const key of others) expect(isPlainName(key), key).toBe(false)
})

test.each([
  ['gen_ai.request.model', true],
  ['llm.model_name', true],
  ['total_tokens', false],
  ['oauth.prompt', false],
  ['tool_name', false],
  ['process.command_args', false],
  ['sk.id', false],
])('%s makes a line of a log one of a step: %s', (key, is) => {
  expect(isSurelyOfStep(key)).toBe(is)
})

test.each([
  ['com.acme.insurance.agents', false],
  ['gemini.trading', false],
  ['minecraft.bedrock', false],
  ['openai._base_client', false],
  ['autogen_core', true],
  ['openinference.instrumentation.openai', true],
  ['langchain.chains', true],
])('lines of the logger %s are of steps: %s', (name, are) => {
  expect(isScopeSurelyOfSteps(name)).toBe(are)
})

test.each(['LLMAnswer', 'app.OpenAI.answer', 'myOpenAIAnswer', 'acme.llmAnswer'])('%s is of a step', (key) => {
  expect(isKeyOfStep(key)).toBe(true)
})
