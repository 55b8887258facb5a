/**
 * Steps that are no model calls, as the `gen_ai` processor writes them on their spans, and everything behind it reads them: the
 * newest names of the OpenTelemetry GenAI conventions, and `sluice.*` for what these have no name for.
 */

/** What a step can be, beside a model call. The values of `sluice.step`. */
export const STEP_KINDS = [
  ...(['tool', 'retrieval', 'agent', 'workflow', 'guardrail', 'evaluation', 'handoff', 'prompt'] as const),
] as const
export type StepKind = (typeof STEP_KINDS)[number]

/** Names in the newest convention, of the facts that such a step has. */
export const STEP_NEWEST = {
  operation: 'gen_ai.operation.name',
  toolName: 'gen_ai.tool.name',
  toolType: 'gen_ai.tool.type',
  toolCallId: 'gen_ai.tool.call.id',
  agentName: 'gen_ai.agent.name',
  agentId: 'gen_ai.agent.id',
  workflowName: 'gen_ai.workflow.name',
  conversationId: 'gen_ai.conversation.id',
  dataSourceId: 'gen_ai.data_source.id',
  errorType: 'error.type',
} as const

/** What this program adds to such a step. */
export const STEP = {
  /** One of STEP_KINDS: the first attribute of the span, as `sluice.dialect` is of a model call. */
  kind: 'sluice.step',
  /** True: it failed, whatever the span's status says. */
  failed: 'sluice.failed',
  /** Keyed fingerprint (16 hex digits) of a tool's arguments: equal arguments, equal fingerprints. */
  arguments: 'sluice.tool.arguments',
  /** How many times in a row, within five minutes, this tool has failed with this agent, this time included; from 2 on. */
  consecutiveFailures: 'sluice.tool.consecutive_failures',
  /** How many documents a retrieval found; 0 is told too. */
  documents: 'sluice.retrieval.documents',
  /** Ids (texts) and scores (doubles) of the documents, in their order, as far as they are told; bounded. */
  documentIds: 'sluice.retrieval.ids',
  scores: 'sluice.retrieval.scores',
  /** For a guardrail: `passed` or `blocked`, where that is told. */
  verdict: 'sluice.guardrail.verdict',
  /** Who is handed over to. */
  handoffTo: 'sluice.handoff.to',
  /** Texts of STEP_SIGNALS: what an operator is woken for. */
  signals: 'sluice.step.signals',
} as const

/**
 * `tool_loop`: the same tool with the same arguments again and again in one trace; `agent_loop`: agents that call each other in
 * turns; `tool_failures`: three failures in a row within five minutes. Written on the step by which the bound is reached.
 */
export const STEP_SIGNALS = ['tool_loop', 'agent_loop', 'tool_failures'] as const
export type StepSignal = (typeof STEP_SIGNALS)[number]

/** Which prompt it was, on a model call or a `prompt` step: name and version as told, or a keyed fingerprint of what the system says. */
export const PROMPT = {
  name: 'gen_ai.prompt.name',
  version: 'gen_ai.prompt.version',
  fingerprint: 'sluice.prompt.fingerprint',
} as const
