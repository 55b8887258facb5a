/** What is read from single captured bodies of each dialect (`testdata/`): a line a call. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { jsonToProtobuf } from '../otlp/json_to_protobuf.ts'
import { receive } from '../telemetry/receive.ts'
import { SpanView } from '../telemetry/span_view.ts'
import { FIELD } from './call_fields.ts'
import { builtInLexicon, PROVIDERS } from './dialects/lexicon.ts'
import { FINISH_REASONS, OPERATIONS } from './known_values.ts'
import { ModelCall } from './model_call.ts'
import { foundKeys, readModelCall } from './reading/read.ts'
import { ScopeMarks } from './reading/recognise.ts'

const testdata = new URL('testdata/', import.meta.url)

/**
 * Dialect, operation, provider; request and response model; tokens (input, output, cached read and written, reasoning);
 * response id, conversation, agent; then what else there is.
 */
const expected: Readonly<Record<string, readonly string[]>> = {
  'ai_sdk_6.traces.pb': [
    'vercel-ai-sdk chat openai; gpt-4o gpt-4o-2024-08-06; 5431 1711 0 - 0; resp_mock0036 - summary; stop',
    'vercel-ai-sdk chat openai; gpt-4o-mini gpt-4o-mini-2024-07-18; 5687 1795 0 - 0; resp_mock0037 conv-A chat; stream 0.167 s, stop',
    'vercel-ai-sdk chat openai; gpt-4o-mini gpt-4o-mini-2024-07-18; 5949 1881 0 - 0; resp_mock0038 conv-A chat; stream 0.203 s, stop',
  ],
  'ai_sdk_7.traces.pb': [
    'vercel-ai-sdk-7 chat anthropic; claude-sonnet-4-5 claude-sonnet-4-5-20250929; 6771 2151 0 0 -; msg_mock0041 - -; stream 0.128 s, stop',
    'vercel-ai-sdk-7 chat anthropic; claude-sonnet-4-5 claude-sonnet-4-5-20250929; 7057 2245 0 0 -; msg_mock0042 - -; stream 0.164 s, stop',
  ],
  'google_adk.traces.pb': [
    'google-adk generate_content gcp.gemini; gemini-2.5-flash -; 223 43 - - -; - 95c4a476-1d01-4134-92d9-f61f6d9c4fa6 support; stop',
  ],
  'langfuse_js_conversation.traces.json': [
    'langfuse chat -; gpt-4.1 gpt-4.1; 5687 1795 0 - 0; - conv-B -; stream 0.166 s',
  ],
  'langfuse_rate_limited.traces.pb': ['langfuse chat -; gpt-4.1 gpt-4.1; - - - - -; - - -; failed, rate limited'],
  'langfuse_stream.traces.pb': [
    'langfuse chat -; gpt-4o-mini-2024-07-18 gpt-4o-mini-2024-07-18; - - - - -; - - -; stream 0.067 s',
  ],
  'litellm_stream.traces.pb': [
    'litellm chat openai; gpt-4o gpt-4o; 229 53 0 - 0; chatcmpl-0004Sl229x53 - -; stream, stop, 0.001103 USD',
  ],
  'mlflow_filtered.traces.pb': [
    'mlflow chat openai; gpt-4o-mini gpt-4o-mini-2024-07-18; 293 0 0 - 0; chatcmpl-0017Sl293x107 - -; content_filter',
  ],
  'openinference_gemini_filtered.traces.pb': [
    'openinference chat gcp.gemini; gemini-2.5-flash gemini-2.5-flash; 263 - - - -; - - -; content_filter',
  ],
  'openinference_langchain_two_traces.traces.pb': [
    'anthropic-sdk chat anthropic; claude-sonnet-4-5 claude-sonnet-4-5-20250929; 1064 137 733 0 -; msg_010022Sl331x137 - -; stream 0.092 s, stop',
    'openinference-langchain chat anthropic; claude-sonnet-4-5 claude-sonnet-4-5; 1064 137 733 0 -; - - -; stop',
  ],
  'openinference_stream.traces.pb': [
    'openinference-sdk chat openai; gpt-4o-mini gpt-4o-mini-2024-07-18; - - - - -; chatcmpl-0005Sl233x59 - -; stream 0.047 s',
  ],
  'openlit_responses.traces.pb': [
    'openlit chat openai; gpt-4.1 gpt-4.1-2025-04-14; 401 197 0 0 -; resp_0034Sl401x197 - -; stop',
  ],
  'pydantic_ai_truncated.traces.pb': [
    'pydantic-ai chat openai; gpt-4o-mini gpt-4o-mini-2024-07-18; 307 109 - - 0; chatcmpl-0017Sl307x109 01a1fd2f-8b94-7728-a36b-d7f93819ec00 support; length, 0.000111 USD',
  ],
  'strands_cached.traces.pb': ['strands chat -; claude-sonnet-4-5 -; 1573 79 1531 23 -; - - -; stream 0.400 s'],
  'traceloop_anthropic_two_traces.traces.pb': [
    'anthropic-sdk chat anthropic; claude-haiku-4-5 claude-haiku-4-5-20251001; 233 59 0 0 -; msg_010005Sl233x59 - -; stream 0.063 s, stop',
    'traceloop chat anthropic; claude-haiku-4-5 claude-haiku-4-5-20251001; 233 60 0 0 -; msg_010005Sl233x59 - -; stop',
  ],
  'traceloop_old.traces.pb': [
    'traceloop chat openai; o4-mini o4-mini-2025-04-16; 311 601 64 - -; chatcmpl-0015Sl281x101 - -; stop',
  ],
  'traceloop_stream.traces.pb': [
    'traceloop chat openai; gpt-5-mini gpt-5-mini-2025-08-07; 389 131 0 - 64; resp_0032Sl389x191 - -; stream, stop',
  ],
}

describe('captured bodies', () => {
  test.each(Object.entries(expected))('%s', (name, lines) => {
    expect(linesOf(name)).toEqual(lines)
  })

  test('every body of these dialects is read', () => {
    const elsewhere = ['anthropic_twice.traces.pb', 'bedrock_cached.traces.pb', 'java_rate_limited.traces.pb']
    const bodies = readdirSync(testdata).filter((name) => name.includes('.traces.'))
    expect(bodies.filter((name) => expected[name] === undefined)).toEqual(elsewhere)
  })
})

function linesOf(name: string): string[] {
  const body = readFileSync(new URL(name, testdata))
  const { batch } = receive('traces', name.endsWith('.json') ? jsonToProtobuf('TracesRequest', body) : body)
  const [view, call, found, scopes] = [new SpanView(), new ModelCall(), foundKeys(), new ScopeMarks()]
  const lines: string[] = []
  for (let item = 0; item < batch.items; item++) {
    view.read(batch, item)
    if (readModelCall(view, found, scopes.of(batch, view.scope), call)) lines.push(lineOf(call))
  }
  return lines
}

function lineOf(call: ModelCall): string {
  const text = (field: number) => call.text(field) || '-'
  const tokens = [
    call.inputTokens,
    call.outputTokens,
    call.cacheReadTokens,
    call.cacheWriteTokens,
    call.reasoningTokens,
  ]
  const time = call.timeToFirstChunk_s >= 0 ? ` ${call.timeToFirstChunk_s.toFixed(3)} s` : ''
  const more = [
    call.stream ? `stream${time}` : '',
    ...Array.from(call.finishReasons.subarray(0, call.finishReasonCount), (at) => FINISH_REASONS[at] ?? '?'),
    call.failed ? 'failed' : '',
    call.rateLimited ? 'rate limited' : '',
    call.cost_usd >= 0 ? `${call.cost_usd.toFixed(6)} USD` : '',
  ]
  return [
    `${builtInLexicon.ids[call.dialect]} ${OPERATIONS[call.operation]} ${PROVIDERS[call.provider] ?? text(FIELD.provider)}`,
    `${text(FIELD.requestModel)} ${text(FIELD.responseModel)}`,
    tokens.map((count) => (Number.isNaN(count) ? '-' : count)).join(' '),
    `${text(FIELD.responseId)} ${text(FIELD.conversationId)} ${text(FIELD.agentName)}`,
    more.filter((word) => word !== '').join(', '),
  ].join('; ')
}
