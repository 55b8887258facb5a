/** Frameworks for agents that talk: LiveKit, Pipecat. What listens and speaks is no model call. */

import { NEWEST } from '../call_fields.ts'
import { newestFields } from './conventions.ts'
import { type Dialect, inJson } from './dialect.ts'

const METRICS = 'lk.llm_metrics'

/** Source: livekit-agents 1 (telemetry/trace_types.py). `llm_node` stands around a call. */
const liveKit: Dialect = {
  id: 'livekit-agents',
  marks: [{ scope: 'livekit-agents' }],
  fields: {
    ...newestFields,
    conversationId: [NEWEST.conversationId, 'lk.session_id', 'session.id'],
    cacheReadTokens: [NEWEST.cacheReadTokens, inJson(METRICS, 'prompt_cached_tokens')],
    timeToFirstChunk: [NEWEST.timeToFirstChunk, 'lk.response.ttft', inJson(METRICS, 'ttft')],
  },
  operationOptional: 'with_usage',
  spanNames: { llm_request: 'chat' },
}

/** Source: pipecat (utils/tracing/service_attributes.py): spans `llm`, `stt`, `tts`, each with a system and a model. */
const pipecat: Dialect = {
  id: 'pipecat',
  marks: [{ scope: 'pipecat' }],
  fields: {
    ...newestFields,
    conversationId: [NEWEST.conversationId, 'conversation.id', 'session.id'],
    timeToFirstChunk: [NEWEST.timeToFirstChunk, 'metrics.ttfb'],
  },
  operationOptional: 'with_usage',
  spanNames: { llm: 'chat' },
}

export const voice: readonly Dialect[] = [liveKit, pipecat]
