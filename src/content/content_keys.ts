/**
 * Which attributes hold content: prompts, completions, messages, tool arguments and results, retrieved documents,
 * reasoning. Rows of data, from the OpenTelemetry GenAI conventions (1.26 to the newest) and the dialects of
 * instrumentations. A new dialect is a few more names here.
 */
import { type GroupName, groupNumber } from './content_groups.ts'
import { type NamePattern, namePattern } from './name_pattern.ts'
import { SIDE, type Side } from './step_words.ts'

/** What a key says about its value. */
export interface KeyContent {
  /** Number of the content group, 0: no content. */
  readonly group: number
  /** True: the name is too common to say so alone; it does in scopes and events of LLM tools (`content_events.ts`). */
  readonly scoped: boolean
  /** Steps of all kinds use the name: what the step is (`step_words.ts`) tells more than the group. 0: they do not. */
  readonly side: Side | 0
  /** True: what stands there is known, and no content, however long it is. */
  readonly plain: boolean
}

/** The content of the attribute with that key. */
export function contentOfKey(key: string): KeyContent {
  const known = exact.get(key)
  if (known !== undefined) return known
  return patterns.find(({ pattern }) => pattern.test(key))?.content ?? NONE
}

/** Whether an attribute of a GenAI message event describes the event rather than holding its message. */
export function describesEvent(key: string): boolean {
  return eventPatterns.some((pattern) => pattern.test(key))
}

const NONE: KeyContent = { group: 0, scoped: false, side: 0, plain: false }
const PLAIN: KeyContent = { ...NONE, plain: true }

/** Grammar: group, names between blanks. `#` is a number, `*` any text of at least one character. */
type Row = readonly [group: GroupName | 'plain' | `step_${keyof typeof SIDE}`, names: string]

/**
 * The first row with the name counts; names without `#` and `*` count before patterns. `plain`: no content after all.
 * `step_…`: the name of any step's input or output, which may hold all roles.
 */
const rows: readonly Row[] = [
  [
    'plain',
    `gen_ai.prompt.#.role gen_ai.prompt.#.tool_call_id gen_ai.prompt.#.tool_calls.#.id gen_ai.prompt.#.tool_calls.#.name
    gen_ai.prompt.#.finish_reason gen_ai.completion.#.role gen_ai.completion.#.finish_reason
    gen_ai.completion.#.tool_calls.#.id gen_ai.completion.#.tool_calls.#.name gen_ai.completion.#.tool_calls.#.type
    gen_ai.prompt.name gen_ai.prompt.id gen_ai.prompt.version gen_ai.prompt.label gen_ai.prompt.url
    llm.input_messages.#.message.role llm.output_messages.#.message.role
    llm.input_messages.#.message.tool_call_id llm.output_messages.#.message.tool_call_id
    llm.input_messages.#.message.tool_calls.#.tool_call.id llm.output_messages.#.message.tool_calls.#.tool_call.id
    llm.input_messages.#.message.tool_calls.#.tool_call.function.name
    llm.output_messages.#.message.tool_calls.#.tool_call.function.name
    llm.input_messages.#.message.contents.#.message_content.type
    llm.output_messages.#.message.contents.#.message_content.type
    llm.output_messages.#.message.finish_reason
    gen_ai.memory.store.id gen_ai.memory.store.name gen_ai.memory.id gen_ai.memory.type gen_ai.memory.scope
    gen_ai.memory.operation gen_ai.memory.namespace gen_ai.memory.search.top_scores
    spring.ai.kind spring.ai.chat.client.stream spring.ai.chat.client.advisors spring.ai.advisor.name
    spring.ai.advisor.order spring.ai.tool.definition.name spring.ai.tool.type
    crewai.crew.id crewai.crew.key crewai.crew.name crewai.agent.id crewai.agent.key crewai.agent.role crewai.agent.name
    crewai.task.id crewai.task.key crewai.task.name
    genkit:metadata:subtype genkit:metadata:context genkit:metadata:flow:*
    gen_ai.browser.action gen_ai.browser.type ai.request.headers.user-agent spring.ai.model.request.tool.names
    spring.ai.chat.client.tool.names metadata.applied_guardrails metadata.usage_object mastra.metadata.sessionId mastra.metadata.userId
    github.copilot.tool.parameters.edit_type github.copilot.tool.parameters.skill_name
    github.copilot.tool.parameters.mcp_tool_name github.copilot.tool.parameters.mcp_server_name_hash
    braintrust.metadata.model braintrust.metadata.provider
    haystack.component.input_spec haystack.component.output_spec`,
  ],
  [
    'system',
    `gen_ai.system_instructions gen_ai.tool.definitions gen_ai.tool.description gen_ai.agent.description
    gen_ai.agent.instructions gen_ai.agent.introduction gen_ai.agent.goal gen_ai.agent.tools
    gen_ai.orchestrator.agent.definitions gen_ai.request.structured_output_schema gen_ai.request.available_tools
    gen_ai.extraction.instruction gen_ai.extraction.schema gen_ai.tool.#.description gen_ai.tool.#.parameters
    gen_ai.serialized.signature gen_ai.task.description gen_ai.task.expected_output
    llm.prompt_template.template llm.invocation_parameters llm.tools.#.tool.json_schema llm.tools tool.description
    tool.json_schema llm.request.functions.#.description llm.request.functions.#.parameters
    traceloop.prompt.template ai.prompt.tools ai.prompt.toolChoice ai.prompt.format ai.schema ai.schema.description
    ai.settings.context.* ai.settings.output mlflow.chat.tools model_request_parameters logfire.json_schema
    sk.available_functions workflow.definition workflow.description system_prompt system_prompt_preview
    user_system_prompt lk.instructions hook_definitions langfuse.observation.model.parameters haystack.agent.tools
    haystack.agent.state_schema gen_ai.tool.json_schema embedding.invocation_parameters
    mastra.agent_run.instructions copilot_chat.prompt_instructions`,
  ],
  [
    'user',
    `gen_ai.retrieval.query.text gen_ai.retrieval.query gen_ai.memory.query.text gen_ai.memory.search.query
    gen_ai.knowledge.search.query gen_ai.vectordb.search.query gen_ai.framework.query.text gen_ai.prompt.variable.*
    gen_ai.guardrail.security.content.input.value gen_ai.guardrail.input gen_ai.agent.human_input
    gen_ai.agent.invocation_input gen_ai.request.speech.prompt llm.prompt_template.variables
    traceloop.prompt.template_variables traceloop.prompt.template_variables.* reranker.query db.marqo.search.query
    pinecone.query.queries user_prompt request_text prompt lk.input_text lk.user_transcript lk.user_input
    spring.ai.chat.client.user.text spring.ai.vector_store.query.content gen_ai.content.revised_prompt
    adk.experimental.grounding.web_search_queries copilot_chat.user_request`,
  ],
  [
    'assistant',
    `gen_ai.evaluation.explanation gen_ai.guardrail.security.content.output.value gen_ai.guardrail.output
    gen_ai.guardrail.verdict.reason gen_ai.guardrail.error.message gen_ai.agent.actual_output
    gen_ai.agent.expected_output gen_ai.agent.final_result gen_ai.agent.finish.output
    gen_ai.agent.evaluation gen_ai.agent.next_goal llm.choices.#.completion.text ai.response.text ai.response.object
    ai.result.text ai.result.object response_text final_result lk.response.text response.model_output
    guard.explanation *.annotation.explanation *.evaluation.explanation verdict_rationale
    langfuse.experiment.item.expected_output langfuse.experiment.description braintrust.expected
    copilot_chat.markdown_content`,
  ],
  [
    'tool_call',
    `gen_ai.tool.call.arguments gen_ai.tool.args gen_ai.tool.input gen_ai.tool.input_kwargs gen_ai.tool.parameters
    gen_ai.response.tool_calls gen_ai.agent.action.tool_input gen_ai.agent.actions gen_ai.crawl.js_code
    tool.parameters tool.arguments llm.function_call mcp.request.argument mcp.request.payload mcp.params mcp.tool.arguments
    mcp.fastmcp.prompt.arguments mcp.completion.argument.value mcp.completion.context.arguments ai.toolCall.args
    ai.response.toolCalls ai.result.toolCalls tool_arguments tool_parameters tool_input function_args
    message.tool_calls.#.tool_call.function.arguments gcp.vertex.agent.tool_call_args
    lk.function_tool.arguments lk.response.function_calls flue.tool.arguments
    spring.ai.tool.call.arguments genkit:tool:input github.copilot.tool.parameters.* copilot_chat.tool_arguments`,
  ],
  [
    'tool_result',
    `gen_ai.tool.call.result gen_ai.tool.output gen_ai.tool.result gen_ai.tool.error gen_ai.agent.tool_results
    mcp.response.value mcp.response.payload mcp.result mcp.tool.result mcp.error.data
    ai.toolCall.result tool.result tool_response hook_output gcp.vertex.agent.tool_response lk.function_tool.output
    flue.tool.result spring.ai.tool.call.result copilot_chat.hook_output copilot_chat.tool_result`,
  ],
  [
    'retrieved',
    `gen_ai.retrieval.documents gen_ai.memory.* gen_ai.agent.memory gen_ai.serialized.doc
    retrieval.documents.#.document.content retrieval.documents.#.document.metadata
    reranker.input_documents.#.document.content reranker.input_documents.#.document.metadata
    reranker.output_documents.#.document.content reranker.output_documents.#.document.metadata
    embedding.embeddings.#.embedding.text embedding.embeddings.#.embedding.vector ai.value ai.values ai.embedding
    ai.embeddings ai.documents ai.ranking db.query.result.document db.query.result.metadata db.search.result.entity
    db.query.embeddings.vector db.search.embeddings.vector db.where_document db.chroma.*.where_document
    adk.experimental.grounding.source_uris trusted_content`,
  ],
  [
    'reasoning',
    `gen_ai.content.reasoning gen_ai.agent.thinking ai.response.reasoning copilot_chat.reasoning_content
    llm.output_messages.#.message.reasoning_summary`,
  ],
  [
    'media',
    `llm.input_messages.#.message.contents.#.message_content.image.*
    llm.output_messages.#.message.contents.#.message_content.image.* audio.transcript audio.url image.url
    gen_ai.response.image gen_ai.response.audio.text gen_ai.response.speech.diarized_transcript ai.response.files
    langsmith.attachments`,
  ],
  [
    'input',
    `gen_ai.input.messages gen_ai.prompt gen_ai.prompt.# gen_ai.prompt.#.* gen_ai.prompt.prompt_filter_results
    gen_ai.content.prompt gen_ai.request.messages gen_ai.agent.step_messages gen_ai.agent.task gen_ai.agent.context
    llm.input_messages llm.input_messages.#.* llm.prompts llm.prompts.# llm.prompts.#.* ai.prompt ai.prompt.messages
    raw_input request_data gcp.vertex.agent.llm_request flue.turn.input flue.task.prompt mcp.sampling.messages
    mcp.prompt.description lk.chat_ctx guardrail_request hook_input copilot_chat.prompt_context
    copilot_chat.hook_input process.command_args process.command_line llm.*.messages llm.*.input message.contents.#.*`,
  ],
  [
    'step_input',
    `input.value traceloop.entity.input langfuse.observation.input mlflow.spanInputs executor.input lmnr.span.input
    genkit:input flue.workflow.payload gen_ai.task.input gen_ai.workflow.input gen_ai.execution.input
    gen_ai.framework.pipeline.input_data mastra.*.input haystack.*.input haystack.*.input_data braintrust.input
    braintrust.input_json`,
  ],
  [
    'output',
    `gen_ai.output.messages gen_ai.completion gen_ai.completion.# gen_ai.completion.#.* gen_ai.content.completion
    gen_ai.response.text gen_ai.agent.finish.log llm.output_messages llm.output_messages.#.* llm.choices
    mlflow.chunk.value response_data gcp.vertex.agent.llm_response flue.turn.output mastra.model_step.output
    mastra.model_generation.output llm.*.choices llm.*.content`,
  ],
  [
    'step_output',
    `output.value traceloop.entity.output langfuse.observation.output mlflow.spanOutputs executor.output
    lmnr.span.output genkit:output flue.task.result flue.workflow.result gen_ai.task.output gen_ai.workflow.output
    gen_ai.execution.output gen_ai.framework.pipeline.output_data mastra.*.output haystack.*.output
    haystack.*.output_data braintrust.output braintrust.output_json`,
  ],
  [
    'any',
    `gen_ai.event.content gen_ai.message.content message.content gen_ai.agent.action.log langfuse.trace.input
    langfuse.trace.output mcp.completion.values gen_ai.framework.error.message gen_ai.execution.error
    gen_ai.browser.* gen_ai.request.extra_query gen_ai.request.extra_body gen_ai.headers llm.headers
    pydantic_ai.all_messages pydantic_ai.tool.deferral.metadata all_messages_events logfire.msg mlflow.chat.messages
    mlflow.traceTag.* gcp.vertex.agent.data ai.response.providerMetadata ai.request.headers.*
    ai.telemetry.metadata.* langsmith.metadata.* langsmith.request.headers langsmith.trace.name
    langfuse.observation.metadata langfuse.observation.metadata.* langfuse.trace.metadata langfuse.trace.metadata.*
    langfuse.observation.status_message langfuse.experiment.item.metadata langfuse.experiment.metadata
    crewai.crew.* crewai.agent.* crewai.task.* traceloop.association.properties.* guardrail_response
    litellm.guardrail.* litellm.metadata.* litellm.team.metadata hidden_params spring.ai.* genkit:metadata:*
    trace.metadata.* *.annotation.metadata *.evaluation.metadata gen_ai.agent.evaluation.* crew_agents crew_tasks
    crew_inputs metadata.gen_ai.* mastra.metadata.body mastra.metadata.headers mastra.log.* copilot_chat.*_content braintrust.metadata
    braintrust.metadata.*`,
  ],
]

/** Names without a namespace that dialects use for content, and everybody else for anything. */
const scopedRows: readonly Row[] = [
  ['system', 'system system_instruction instructions tools parameters policy'],
  ['user', 'user_input query question'],
  ['assistant', 'response text answer completion error'],
  ['tool_call', 'arguments tool_call tool_calls full_command'],
  ['tool_result', 'stdout stderr diff'],
  ['reasoning', 'reasoning thinking'],
  ['media', 'transcript'],
  ['step_input', 'input'],
  ['input', 'new_context'],
  ['step_output', 'output result execution_summary'],
  ['any', 'events messages message content body metadata metadata.*'],
]

/** Attributes of message events (`gen_ai.choice` …) that are no message; every other one there is content. */
const eventRows = `gen_ai.system gen_ai.provider.name gen_ai.operation.name gen_ai.request.* gen_ai.usage.*
  gen_ai.response.id gen_ai.response.model gen_ai.response.finish_reasons gen_ai.agent.name gen_ai.agent.id
  gen_ai.conversation.id gen_ai.tool.name gen_ai.tool.type gen_ai.tool.call.id gen_ai.message.role event.name
  event_name event.domain event.* role index id finish_reason finish_reasons tool_call_id server.* error.type
  session.id az.namespace code.* thread.* log.* otel.* service.* sluice.*`

/** Under these names applications put what they like: content, by default, but for labels that attribution needs. */
const metadataPrefixes = `traceloop.association.properties. ai.telemetry.metadata. ai.settings.context.
  langfuse.trace.metadata. langfuse.observation.metadata. langsmith.metadata. litellm.metadata. trace.metadata.
  mlflow.traceTag. braintrust.metadata. metadata.`
const labels = `session_id sessionId user_id userId thread_id threadId conversation_id conversationId request_id requestId
  tenant tenant_id tenantId team team_id feature environment env plan tier version release task_type prompt_name
  prompt_version agent_name ls_provider ls_model_name ls_model_type ls_integration ls_temperature ls_max_tokens
  promptName promptVersion prompt_id promptId prompt_label document_id documentId document_ids score scores
  team_alias org_id organization organization_id project project_id project_alias end_user_id customer_id account_id
  key_alias api_key_alias cost_center department workspace_id app_id
  ls_retriever_name ls_method lc_agent_name lc_versions langgraph_node langgraph_step langgraph_path
  langgraph_checkpoint_ns checkpoint_ns status finish_reason temperature top_p service_tier object`
/** What LiteLLM says of the key that a caller has: who spends, and how much is left. Its owner's notes are not among it. */
const callers = `alias team_alias team_id org_alias org_id project_alias project_id user_id user_email end_user_id spend
  team_spend user_spend max_budget team_max_budget user_max_budget budget_reset_at request_route`

const exact = new Map<string, KeyContent>()
const patterns: { readonly pattern: NamePattern; readonly content: KeyContent }[] = []
for (const [group, text] of rows) addRow(group, text, false)
for (const [group, text] of scopedRows) addRow(group, text, true)
const allLabels = [...names(labels), ...names(callers).map((label) => `user_api_key_${label}`)]
for (const prefix of names(metadataPrefixes)) for (const label of allLabels) exact.set(prefix + label, NONE)
const eventPatterns = names(eventRows).map(namePattern)

function names(text: string): string[] {
  return text.trim().split(/\s+/)
}

function addRow(group: Row[0], text: string, scoped: boolean): void {
  const content = group === 'plain' ? PLAIN : contentOf(group, scoped)
  for (const name of names(text)) {
    if (/[#*]/.test(name)) patterns.push({ pattern: namePattern(name), content })
    else if (!exact.has(name)) exact.set(name, content)
  }
}

function contentOf(group: Exclude<Row[0], 'plain'>, scoped: boolean): KeyContent {
  if (group === 'step_input') return { group: groupNumber('any'), scoped, side: SIDE.input, plain: false }
  if (group === 'step_output') return { group: groupNumber('any'), scoped, side: SIDE.output, plain: false }
  return { group: groupNumber(group), scoped, side: 0, plain: false }
}
