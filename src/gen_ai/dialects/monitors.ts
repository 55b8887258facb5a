/** SDKs of services that watch applications: Laminar, Sentry. */

import { NEWEST } from '../call_fields.ts'
import { legacyFields } from './conventions.ts'
import type { Dialect } from './dialect.ts'

/** Source: lmnr (Python and TypeScript). Its instrumentations are OpenLLMetry's, with a kind of span. */
export const laminar: Dialect = {
  id: 'laminar',
  marks: [{ key: 'lmnr.span.type' }],
  fields: {
    ...legacyFields,
    operation: ['lmnr.span.type'],
    conversationId: [NEWEST.conversationId, 'lmnr.association.properties.session_id'],
    cost: ['gen_ai.usage.cost'],
  },
  zeroCostIsUnknown: true,
  namesAreFree: true,
}

/** Names of the details of the counts. */
const [CACHED, WRITTEN, REASONING] = [
  'gen_ai.usage.input_tokens.cached',
  'gen_ai.usage.input_tokens.cache_write',
  'gen_ai.usage.output_tokens.reasoning',
]

/** Source: Sentry's conventions for AI spans (attributes `gen_ai.*` and the span's `sentry.op`). */
export const sentry: Dialect = {
  id: 'sentry',
  marks: [
    ...[NEWEST.operation, NEWEST.provider, 'gen_ai.system', 'sentry.op'].map((key) => ({ scope: 'sentry', key })),
    ...[CACHED, WRITTEN, REASONING].map((key) => ({ key })),
  ],
  fields: {
    ...legacyFields,
    operation: [NEWEST.operation, 'sentry.op'],
    provider: ['gen_ai.system', NEWEST.provider],
    cacheReadTokens: [CACHED, NEWEST.cacheReadTokens],
    cacheWriteTokens: [WRITTEN, NEWEST.cacheWriteTokens],
    reasoningTokens: [REASONING, NEWEST.reasoningTokens],
  },
  operations: {
    'gen_ai.chat': 'chat',
    'gen_ai.chat_completions': 'chat',
    'gen_ai.responses': 'chat',
    'gen_ai.messages': 'chat',
    'gen_ai.generate_text': 'chat',
    'gen_ai.stream_text': 'chat',
    'gen_ai.generate_object': 'chat',
    'gen_ai.stream_object': 'chat',
    'gen_ai.generate_content': 'generate_content',
    'gen_ai.text_completion': 'text_completion',
    'gen_ai.embeddings': 'embeddings',
    'gen_ai.embed': 'embeddings',
  },
  operationOptional: 'with_usage',
}
