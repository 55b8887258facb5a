/** Servers that run models themselves: vLLM and SGLang, TGI. Their spans stand within the caller's trace. */

import { NEWEST } from '../call_fields.ts'
import { legacyFields } from './conventions.ts'
import type { Dialect } from './dialect.ts'

/** Source: vllm (tracing, v1/engine/output_processor.py). The model's name is the one that it answers with. */
const vllm: Dialect = {
  id: 'vllm',
  marks: [
    { scope: 'vllm.', key: 'gen_ai.usage.prompt_tokens' },
    { key: 'gen_ai.latency.e2e' },
    { key: 'gen_ai.latency.time_to_first_token' },
    { key: 'gen_ai.latency.time_in_queue' },
  ],
  fields: {
    ...legacyFields,
    requestModel: [NEWEST.requestModel, NEWEST.responseModel],
    cacheReadTokens: [NEWEST.cacheReadTokens, 'gen_ai.usage.cached_tokens'],
    timeToFirstChunk: [NEWEST.timeToFirstChunk, 'gen_ai.latency.time_to_first_token'],
    queueTime: ['gen_ai.latency.time_in_queue'],
  },
  operationOptional: true,
  ofOwnServer: true,
  firstChunkOfAll: true,
  spanNames: { llm_request: 'chat' },
}

/**
 * Source: text-generation-inference (router/src/server.rs). A span tells neither model nor tokens; `compat_generate` stands
 * around one of these.
 */
const tgi: Dialect = {
  id: 'tgi',
  marks: [{ scope: 'text-generation-inference' }],
  fields: { operation: [NEWEST.operation], queueTime: ['queue_time'], timePerChunk: ['time_per_token'] },
  ofOwnServer: true,
  spanNames: {
    generate: 'text_completion',
    generate_stream: 'text_completion',
    completions: 'text_completion',
    chat_completions: 'chat',
  },
}

export const servers: readonly Dialect[] = [vllm, tgi]
