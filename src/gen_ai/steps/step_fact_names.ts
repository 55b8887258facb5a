/** How emitters spell the facts of a step: for each the names of attributes, the best first. */
import { STEP_NEWEST, type StepKind } from '../step_fields.ts'

/** Facts that are texts. Positions here are those of `Step.starts` and `Step.ends`. */
export const STEP_TEXTS = [
  ...(['toolName', 'toolType', 'toolCallId', 'agentName', 'agentId', 'workflowName'] as const),
  ...(['conversationId', 'dataSourceId', 'handoffTo', 'promptName', 'promptVersion'] as const),
] as const
export type StepText = (typeof STEP_TEXTS)[number]

/** Of a step of any kind. */
export const TEXT_NAMES: Readonly<Record<StepText, readonly string[]>> = {
  toolName: [],
  toolType: [STEP_NEWEST.toolType],
  toolCallId: [
    ...[STEP_NEWEST.toolCallId, 'tool_call.id', 'ai.toolCall.id', 'tool_use_id', 'call_id', 'lk.function_tool.id'],
    'mcp.request.id',
  ],
  agentName: [STEP_NEWEST.agentName, 'agent.name', 'agent_name'],
  agentId: [STEP_NEWEST.agentId, 'agent.id', 'agent_id'],
  workflowName: [STEP_NEWEST.workflowName, 'traceloop.workflow.name'],
  conversationId: [
    ...[STEP_NEWEST.conversationId, 'session.id', 'langfuse.session.id', 'langsmith.metadata.thread_id'],
    ...['langsmith.metadata.session_id', 'ai.telemetry.metadata.sessionId', 'ai.settings.context.sessionId'],
    ...['traceloop.association.properties.session_id', 'lmnr.association.properties.session_id'],
    ...['gcp.vertex.agent.session_id', 'gen_ai.thread.id', 'conversation.id', 'mcp.session.id'],
  ],
  dataSourceId: [STEP_NEWEST.dataSourceId],
  handoffTo: [
    ...['gen_ai.handoff.to_agent', 'gen_ai.agent.handoff.target', 'handoff.to', 'handoff.to_agent', 'to_agent'],
    'gen_ai.handoff.target',
  ],
  promptName: [
    ...['gen_ai.prompt.name', 'langfuse.observation.prompt.name', 'langfuse.prompt.name', 'traceloop.prompt.key'],
    ...['prompt.name', 'langsmith.metadata.lc_hub_repo'],
  ],
  promptVersion: [
    ...['gen_ai.prompt.version', 'langfuse.observation.prompt.version', 'langfuse.prompt.version'],
    ...['llm.prompt_template.version', 'traceloop.prompt.version', 'traceloop.prompt.version_hash', 'prompt.version'],
    'langsmith.metadata.lc_hub_commit_hash',
  ],
}

/** Names that mean it only on steps of one kind, tried after those above. */
export const NAMES_BY_KIND: Readonly<
  Partial<Record<StepKind, Readonly<Partial<Record<StepText, readonly string[]>>>>>
> = {
  tool: {
    toolName: [
      ...[STEP_NEWEST.toolName, 'tool.name', 'ai.toolCall.name', 'tool_name', 'mcp.tool.name'],
      ...['agent_framework.function.name', 'spring.ai.tool.definition.name', 'lk.function_tool.name'],
      ...['function_name', 'gen_ai.serialized.name', 'genkit:name', 'traceloop.entity.name', 'mlflow.spanFunctionName'],
      'haystack.component.name',
    ],
  },
  agent: { agentName: ['graph.node.id', 'traceloop.entity.name', 'genkit:name', 'haystack.component.name'] },
  workflow: { workflowName: ['traceloop.entity.name', 'chain.name', 'genkit:name', 'haystack.pipeline.name'] },
  retrieval: {
    dataSourceId: [
      ...['db.collection.name', 'db.vector.collection', 'retriever.name', 'genkit:name', 'haystack.component.name'],
      ...['gen_ai.vectordb.collection.name', 'db.qdrant.collection', 'db.milvus.collection', 'db.pinecone.index_name'],
      ...['db.chroma.collection', 'db.namespace', 'traceloop.entity.name'],
    ],
  },
  prompt: { promptName: ['prompt.id'] },
}

/** Kinds whose name is the span's, if nothing else tells it: the fact that it becomes. */
export const NAMED_BY_SPAN: Readonly<Partial<Record<StepKind, StepText>>> = {
  tool: 'toolName',
  agent: 'agentName',
  workflow: 'workflowName',
}

/** What the system says, of which a fingerprint tells one prompt from another where it has no name: the best first. */
export const SYSTEM_TEXT_NAMES = ['llm.prompt_template.template', 'gen_ai.system_instructions']

/** What a tool was called with. */
export const ARGUMENT_NAMES = [
  ...['gen_ai.tool.call.arguments', 'ai.toolCall.args', 'spring.ai.tool.call.arguments', 'mcp.tool.arguments'],
  ...['mcp.request.argument', 'gen_ai.tool.args', 'gen_ai.tool.input', 'gen_ai.tool.input_kwargs'],
  ...['gcp.vertex.agent.tool_call_args', 'langfuse.observation.input', 'mlflow.spanInputs', 'genkit:input'],
  ...['traceloop.entity.input', 'tool_arguments', 'tool_input', 'tool_parameters', 'function_args', 'arguments'],
  ...['lk.function_tool.arguments', 'gen_ai.prompt', 'lmnr.span.input', 'input.value', 'tool.parameters'],
]

/** How many documents a retrieval found, as a number. */
export const COUNT_NAMES = [
  ...['retrieval.doc_count', 'retrieval.document_count', 'retrieval.documents.count', 'retrieval.count'],
  ...['gen_ai.retrieval.document_count', 'gen_ai.retrieval.documents.count', 'db.response.returned_rows'],
  ...['db.vector.query.result_count', 'gen_ai.vectordb.search.returned_count', 'rag.documents.count'],
]

/** The documents themselves, as JSON or as a list of AnyValues. */
export const DOCUMENT_NAMES = [
  ...['gen_ai.retrieval.documents', 'retrieval.documents', 'ai.documents', 'langfuse.observation.output'],
  ...['mlflow.spanOutputs', 'genkit:output', 'output.value', 'traceloop.entity.output', 'gen_ai.completion'],
]

/** How a guardrail decided, as a word, … */
export const VERDICT_NAMES = [
  ...['guardrail.verdict', 'guardrail.status', 'guardrail.result', 'guardrail.action', 'guardrail.decision'],
  ...['gen_ai.guardrail.status', 'gen_ai.guardrail.result', 'gen_ai.guardrail.action', 'guardrail_status'],
  ...['gen_ai.security.decision.type', 'guardrail.outcome', 'openlit.guard.verdict'],
]
/** … or as whether it struck, … */
export const TRIGGER_NAMES = [
  ...['guardrail.triggered', 'guardrail.tripwire_triggered', 'gen_ai.guardrail.triggered', 'triggered'],
  ...['guardrail.blocked', 'tripwire_triggered'],
]
/** … or whether it let pass. */
export const PASS_NAMES = ['guardrail.passed', 'guardrail.valid', 'gen_ai.guardrail.passed', 'validation.passed']

export const PASSED =
  /^(?:pass(?:ed)?|allow(?:ed)?|ok|success|none|safe|clean|valid|accept(?:ed)?|approved?|no_action)$/i
export const BLOCKED =
  /^(?:fail(?:ed|ure)?|block(?:ed)?|den(?:y|ied)|(?:guardrail_)?intervened|triggered|unsafe|invalid|reject(?:ed)?|violation|flagged)$/i
