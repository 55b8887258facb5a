/**
 * What says of a span that it is a step, and of which kind: attributes whose value names the kind, and attributes that only such
 * a step has. Data; how it is read stands in `step_kind.ts`.
 */
import type { StepKind } from '../step_fields.ts'

/** `chain`: a workflow at the top of its trace, below that a piece of one, and no step. */
export type KindWord = StepKind | 'chain'

export interface KindAttribute {
  readonly key: string
  /** Kinds by the value, in lower case. What is not listed says nothing. */
  readonly kinds: Readonly<Record<string, KindWord>>
}

const common: Readonly<Record<string, KindWord>> = {
  tool: 'tool',
  retriever: 'retrieval',
  agent: 'agent',
  chain: 'chain',
  guardrail: 'guardrail',
  evaluator: 'evaluation',
  prompt: 'prompt',
}

/** The first whose value is listed tells. */
export const KIND_ATTRIBUTES: readonly KindAttribute[] = [
  // Ahead of the operation: OpenLLMetry calls every runnable of LangChain an agent there.
  { key: 'traceloop.span.kind', kinds: { ...common, workflow: 'chain', retriever: 'retrieval', handoff: 'handoff' } },
  {
    key: 'gen_ai.operation.name',
    kinds: {
      execute_tool: 'tool',
      invoke_agent: 'agent',
      invoke_workflow: 'workflow',
      invoke_swarm: 'workflow',
      invoke_graph: 'workflow',
      workflow: 'chain',
      retrieval: 'retrieval',
      retrieve: 'retrieval',
      vector_db_retrieve: 'retrieval',
      vectordb_search: 'retrieval',
      search_vector_store: 'retrieval',
      handoff: 'handoff',
      guardrail: 'guardrail',
      apply_guardrail: 'guardrail',
      evaluate: 'evaluation',
      evaluation: 'evaluation',
    },
  },
  { key: 'openinference.span.kind', kinds: common },
  { key: 'langfuse.observation.type', kinds: common },
  { key: 'langsmith.span.kind', kinds: common },
  {
    key: 'mlflow.spanType',
    kinds: { ...common, workflow: 'workflow' },
  },
  {
    key: 'mastra.span.type',
    kinds: {
      tool_call: 'tool',
      mcp_tool_call: 'tool',
      agent_run: 'agent',
      workflow_run: 'workflow',
      scorer_run: 'evaluation',
    },
  },
  {
    key: 'genkit:metadata:subtype',
    kinds: { ...common, flow: 'workflow' },
  },
  { key: 'ai.operationId', kinds: { 'ai.toolcall': 'tool' } },
  { key: 'spring.ai.kind', kinds: { tool_call: 'tool', vector_store: 'retrieval' } },
  { key: 'mcp.method.name', kinds: { 'tools/call': 'tool' } },
  { key: 'lmnr.span.type', kinds: { tool: 'tool', evaluator: 'evaluation' } },
  { key: 'span.type', kinds: { tool: 'tool' } },
  {
    key: 'haystack.component.type',
    kinds: { toolinvoker: 'tool', agent: 'agent' },
  },
]

/** Kinds by the end of the value, where classes of a framework stand. */
export const KINDS_BY_ENDING: readonly { readonly key: string; readonly ending: RegExp; readonly kind: StepKind }[] = [
  { key: 'haystack.component.type', ending: /retriever$/i, kind: 'retrieval' },
]

/** Names of attributes that only a step of one kind has, where no other attribute tells the operation. */
export const KIND_BY_PRESENCE: readonly (readonly [string, StepKind])[] = [
  ['gen_ai.handoff.to_agent', 'handoff'],
  ['gen_ai.tool.call.id', 'tool'],
  ['gen_ai.tool.name', 'tool'],
  ['tool.name', 'tool'],
  ['tool_name', 'tool'],
  ['ai.toolCall.name', 'tool'],
  ['lk.function_tool.name', 'tool'],
  ['retriever.name', 'retrieval'],
  ['retrieval.doc_count', 'retrieval'],
  ['chain.name', 'workflow'],
  ['guardrail.name', 'guardrail'],
  ['guardrail_name', 'guardrail'],
  ['gen_ai.guardrail.name', 'guardrail'],
]

/** A search in one of these is a retrieval, whatever else is written of it. */
export const VECTOR_STORES = [
  ...['pinecone', 'chroma', 'chromadb', 'qdrant', 'weaviate', 'milvus', 'lancedb', 'marqo', 'pgvector', 'vespa'],
  ...[
    'vectara',
    'turbopuffer',
    'zilliz',
    'faiss',
    'vald',
    'astra',
    'azure_ai_search',
    'azure.ai.search',
    'azure_search',
  ],
]
/** Operations of a vector store that look for something. Others write, delete or list. */
export const SEARCHES = /(?:^|[._ -])(?:query|search|near|hybrid|retrieve|similarity|knn|ann|recommend|fetch)/i
export const DATABASE_KEYS = ['db.system', 'db.system.name'] as const
export const DATABASE_OPERATIONS = ['db.operation.name', 'db.operation'] as const
