/** OpenLIT. Sources: openlit 1.30 to 1.45 (Python, semcov) and 1.15 (TypeScript). */

import { NEWEST } from '../call_fields.ts'
import { newestFields } from './conventions.ts'
import { apart, type Dialect, EXCLUSIVE } from './dialect.ts'

/** Where the provider sends no usage, the tokens are its own estimate, and nothing on the span says so. */
export const openLit: Dialect = {
  id: 'openlit',
  marks: ['openlit', '@openlit/'].flatMap((scope) => [
    { scope, key: NEWEST.provider },
    { scope, key: 'gen_ai.system' },
    { scope, key: 'gen_ai.operation.type' },
  ]),
  fields: {
    ...newestFields,
    operation: [NEWEST.operation, 'gen_ai.operation.type'],
    provider: [NEWEST.provider, 'gen_ai.system', 'gen_ai.llm.provider'],
    requestModel: [NEWEST.requestModel, 'gen_ai.llm.model'],
    conversationId: [NEWEST.conversationId, 'gen_ai.session.id', 'gen_ai.agent.session_id'],
    inputTokens: [NEWEST.inputTokens, 'gen_ai.usage.prompt_tokens', 'gen_ai.token.usage.input'],
    outputTokens: [NEWEST.outputTokens, 'gen_ai.usage.completion_tokens', 'gen_ai.token.usage.output'],
    // The providers' own counts: what these two call input leaves out what was cached.
    cacheReadTokens: [apart(NEWEST.cacheReadTokens, ...EXCLUSIVE), 'gen_ai.usage.prompt_tokens_details.cached_tokens'],
    cacheWriteTokens: [
      apart('gen_ai.usage.cache_creation.input_tokens', ...EXCLUSIVE),
      'gen_ai.usage.prompt_tokens_details.cache_creation_tokens',
      apart(NEWEST.cacheWriteTokens, ...EXCLUSIVE),
    ],
    reasoningTokens: [
      NEWEST.reasoningTokens,
      'gen_ai.usage.reasoning_tokens',
      'gen_ai.usage.completion_tokens_details.reasoning_tokens',
    ],
    // A metric's name, and seconds here (Strands has milliseconds); also on calls that did not stream.
    timeToFirstChunk: [NEWEST.timeToFirstChunk, 'gen_ai.server.time_to_first_token'],
    cost: ['gen_ai.usage.cost', 'gen_ai.token.cost.total'],
    stream: [NEWEST.stream, 'gen_ai.request.is_stream'],
  },
  operations: { audio: 'speech' },
  zeroCostIsUnknown: true,
  firstChunkOfAll: true,
}
