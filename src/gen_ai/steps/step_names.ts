/** Names by which emitters tell of steps that are no model calls: what marks a step, and where its facts stand. */
import type { StepKind } from '../step_fields.ts'
import type { StepText } from './step.ts'

/**
 * A word that makes a span a step of a kind. `root`: only on a span without a parent, since frameworks write it on each of
 * their inner parts too.
 */
type WordRule = StepKind | `root ${StepKind}`
export interface StepMark {
  readonly key: string
  readonly dialect: string
  /** By the attribute's text, in lower case and without the quotes of JSON. */
  readonly words: Readonly<Record<string, WordRule>>
}

const observed = {
  tool: 'tool',
  retriever: 'retrieval',
  retrieval: 'retrieval',
  agent: 'agent',
  guardrail: 'guardrail',
  evaluator: 'evaluation',
  prompt: 'prompt',
  chain: 'root workflow',
} as const

/** Attributes that say by a word what the span is, in the order in which they are believed. */
export const stepMarks: readonly StepMark[] = [
  {
    key: 'gen_ai.operation.name',
    dialect: 'otel-genai',
    // `create_agent` is no run, and neither a call: nothing is done by the agent yet.
    words: {
      execute_tool: 'tool',
      invoke_agent: 'agent',
      invoke_workflow: 'workflow',
      retrieval: 'retrieval',
      retrieve: 'retrieval',
      search_memory: 'retrieval',
      guardrail: 'guardrail',
      run_guardrail: 'guardrail',
      apply_guardrail: 'guardrail',
      evaluate: 'evaluation',
      evaluation: 'evaluation',
      handoff: 'handoff',
    },
  },
  { key: 'openinference.span.kind', dialect: 'openinference', words: observed },
  { key: 'traceloop.span.kind', dialect: 'traceloop', words: { tool: 'tool', agent: 'agent', workflow: 'workflow' } },
  { key: 'langfuse.observation.type', dialect: 'langfuse', words: observed },
  { key: 'langsmith.span.kind', dialect: 'langsmith', words: observed },
  { key: 'mlflow.spanType', dialect: 'mlflow', words: { ...observed, guardrail: 'guardrail' } },
  {
    key: 'mastra.span.type',
    dialect: 'mastra',
    words: { tool_call: 'tool', mcp_tool_call: 'tool', agent_run: 'agent', workflow_run: 'workflow' },
  },
  {
    key: 'genkit:metadata:subtype',
    dialect: 'genkit',
    words: { tool: 'tool', retriever: 'retrieval', flow: 'root workflow', evaluator: 'evaluation', prompt: 'prompt' },
  },
  { key: 'lmnr.span.type', dialect: 'laminar', words: { tool: 'tool', evaluator: 'evaluation' } },
  { key: 'ai.operationId', dialect: 'vercel-ai-sdk', words: { 'ai.toolcall': 'tool' } },
  { key: 'mcp.method.name', dialect: 'mcp', words: { 'tools/call': 'tool' } },
]

/** Attributes that only such a step has, where none of the above stands. */
export const bareMarks: readonly { readonly key: string; readonly dialect: string; readonly rule: WordRule }[] = [
  { key: 'gen_ai.guardrail.name', dialect: 'otel-genai', rule: 'guardrail' },
  { key: 'gen_ai.handoff.to_agent', dialect: 'otel-genai', rule: 'handoff' },
  { key: 'gen_ai.tool.call.id', dialect: 'otel-genai', rule: 'tool' },
  { key: 'gen_ai.tool.name', dialect: 'otel-genai', rule: 'tool' },
  { key: 'ai.toolCall.name', dialect: 'vercel-ai-sdk', rule: 'tool' },
  { key: 'tool_name', dialect: 'other', rule: 'tool' },
  { key: 'tool.name', dialect: 'other', rule: 'tool' },
  { key: 'chain.name', dialect: 'other', rule: 'root workflow' },
]

/** Databases that are searched by likeness; a query of one is a retrieval. */
export const vectorDatabases =
  'pinecone chroma chromadb qdrant weaviate milvus lancedb marqo turbopuffer vespa pgvector'.split(' ')
export const databaseMarks = ['db.system.name', 'db.system']
export const databaseOperations = ['db.operation.name', 'db.operation']
/** An operation, or a span's name, that looks for something; Chroma's inner segment repeats its collection's query. */
export const databaseQuery = /^(?!.*segment).*(?:quer|search|similar|nearest|recommend|retriev)/i

/** Beginnings of span names that tell a step in spans without attributes. */
export const nameBeginnings: readonly (readonly [string, StepKind])[] = [
  ['execute_tool ', 'tool'],
  ['invoke_agent ', 'agent'],
  ['invoke_workflow ', 'workflow'],
  ['retrieval.', 'retrieval'],
]
/** Whole names that do. */
export const wholeNames: Readonly<Record<string, StepKind>> = {
  'retrieve-documents': 'retrieval',
  retrieve_documents: 'retrieval',
  'guardrail-check': 'guardrail',
  guardrail_check: 'guardrail',
  'construct-prompt': 'prompt',
  construct_prompt: 'prompt',
}

/** Where the facts stand, best first. */
export const textSources: Readonly<Record<StepText, readonly string[]>> = {
  toolName: [
    ...['gen_ai.tool.name', 'tool.name', 'tool_name', 'ai.toolCall.name', 'mcp.tool.name', 'function_name'],
    'agent_framework.function.name',
  ],
  toolType: ['gen_ai.tool.type', 'tool_type', 'tool.type'],
  toolCallId: ['gen_ai.tool.call.id', 'ai.toolCall.id', 'tool_call.id', 'tool_call_id', 'tool_use_id', 'tool.id'],
  agentName: ['gen_ai.agent.name', 'agent.name', 'agent_name', 'traceloop.agent.name', 'recipient_agent_type'],
  agentId: ['gen_ai.agent.id', 'agent.id', 'agent_id'],
  workflowName: ['gen_ai.workflow.name', 'chain.name', 'traceloop.workflow.name', 'workflow.name'],
  conversationId: [
    ...['gen_ai.conversation.id', 'session.id', 'langfuse.session.id', 'langsmith.trace.session_id'],
    ...['traceloop.association.properties.session_id', 'traceloop.association.properties.thread_id'],
    ...['traceloop.association.properties.conversation_id', 'mlflow.trace.session', 'gcp.vertex.agent.session_id'],
    ...['ai.telemetry.metadata.sessionId', 'thread_id', 'conversation_id'],
  ],
  dataSourceId: ['gen_ai.data_source.id', 'db.collection.name', 'retrieval.source', 'retriever.name', 'db.name'],
  handoffTo: ['gen_ai.handoff.to_agent', 'handoff.to_agent', 'handoff.to', 'to_agent'],
  promptName: ['gen_ai.prompt.name', 'langfuse.observation.prompt.name', 'traceloop.prompt.key', 'prompt.name'],
  promptVersion: [
    ...['gen_ai.prompt.version', 'langfuse.observation.prompt.version', 'llm.prompt_template.version'],
    ...['traceloop.prompt.version', 'prompt.version'],
  ],
  errorType: ['error.type'],
}

/** What an emitter calls the part that the span is; the name of the step's kind if nothing else tells it. */
export const entityNames = ['traceloop.entity.name', 'genkit:name', 'gen_ai.guardrail.name']

/** A tool's arguments. They are hashed, never written. */
export const argumentSources = [
  ...['gen_ai.tool.call.arguments', 'tool.parameters', 'ai.toolCall.args', 'tool_arguments', 'tool_parameters'],
  ...['mcp.tool.arguments', 'gcp.vertex.agent.tool_call_args', 'gen_ai.tool.args', 'gen_ai.tool.input', 'tool_input'],
  ...['gen_ai.tool.parameters', 'traceloop.entity.input', 'input.value', 'langfuse.observation.input'],
  ...['mlflow.spanInputs', 'genkit:input', 'lmnr.span.input'],
]

/** How many documents, as a number; and lists of them as JSON. */
export const documentCounts = ['retrieval.doc_count', 'retrieval.documents.count', 'retrieval.document_count']
export const documentLists = [
  ...['gen_ai.retrieval.documents', 'output.value', 'mlflow.spanOutputs', 'langfuse.observation.output'],
  ...['traceloop.entity.output', 'genkit:output'],
]

/** True: a guardrail stopped it. */
export const guardrailFlags = [
  ...['gen_ai.guardrail.triggered', 'guardrail.triggered', 'guardrail.blocked', 'guardrail.tripwire_triggered'],
]
/** Words for what came of a guardrail's check. */
export const guardrailWords = [
  ...['gen_ai.guardrail.status', 'gen_ai.guardrail.action', 'guardrail.status', 'guardrail.verdict'],
  ...['guardrail.result', 'guardrail.action', 'guardrail.decision', 'guardrail.outcome', 'guardrail_status'],
]
/** True: it let it pass. */
export const guardrailPassed = ['guardrail.passed', 'gen_ai.guardrail.passed']
