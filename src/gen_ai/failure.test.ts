import { describe, expect, test } from 'vitest'
import { FIELD } from './call_fields.ts'
import { type AttributeList, callOf, type SpanFixture } from './span.fixture.ts'

describe('failures', () => {
  const chat = { 'gen_ai.provider.name': 'x', 'gen_ai.operation.name': 'chat' }
  const error = { code: 2 }
  const said = (text: string) => ({
    'langfuse.observation.level': 'ERROR',
    'langfuse.observation.status_message': text,
  })
  const exception = (type: string, message: string) => [
    { name: 'exception', attributes: { 'exception.message': message, 'exception.type': type } },
  ]
  type Case = [string, Omit<SpanFixture, 'attributes'> & { attributes?: AttributeList }, boolean, boolean, string]
  /** A library's own error around the provider's. */
  const wrapped = (
    [
      ['the status in the message', 'ChatClientException("failed: Error code: 429 - {}")', true],
      ['another status in it', 'ChatClientException("failed: Error code: 400 - you asked for 429 tokens")', false],
      ['the class in the message', 'ServiceException: ("failed", RateLimitError("slow down"))', true],
      ['another class inside', 'failed: RateLimitGuardError(BadRequestError("no 429 here"))', false],
      ['the status alone', 'API error occurred: Status 429. Body: {}', true],
      ['the status first', '429 RESOURCE_EXHAUSTED. {}', true],
      ['another status first', '503 UNAVAILABLE. The rate limit service is down', false],
      ['a status as a field', "status_code: 429, model_name: m, body: {'error': 1}", true],
      ['the status of HTTP', 'HTTP/1.1 429 Too Many Requests', true],
      ['an echo behind the status', "Error code: 400 - Invalid prompt: 'the page says 429 Too Many Requests'", false],
      ['words alone', 'Rate limit reached for requests per min', true],
      ['words of Bedrock', 'Too many tokens, please wait before trying again.', true],
      ['words of Gemini', 'Resource has been exhausted (e.g. check quota).', true],
      ['words of a quota', 'You exceeded your current quota, please check your plan', true],
      ['too many tokens for the model', 'Too many tokens in the prompt: 9000 > 8192', false],
      ['a number that is no status', 'maximum is 1024 tokens, you asked for 429 tokens', false],
      ['a count first', '429 tokens in the prompt exceed the maximum of 400', false],
      ['a count first, and words', '450 requests per minute exceeded: rate limit reached', true],
      ['nothing', 'call failed', false],
    ] as const
  ).map(([name, message, limited]): Case => {
    const attributes = { 'error.type': 'ClientException' }
    return [`wrapped: ${name}`, { status: { code: 2, message }, attributes }, true, limited, 'ClientException']
  })
  test.each<Case>([
    ['nothing', {}, false, false, ''],
    [
      'a wrapper’s type, the provider’s in the exception',
      {
        status: { code: 2, message: 'call failed' },
        attributes: { 'error.type': 'Exception' },
        events: exception('openai.RateLimitError', 'Error code: 429'),
      },
      true,
      true,
      'Exception',
    ],
    [
      'a class as Python prints it',
      { attributes: { 'error.type': "<class 'openai.RateLimitError'>" } },
      true,
      true,
      "<class 'openai.RateLimitError'>",
    ],
    [
      'a status as the type, with the words',
      { status: { code: 2, message: 'upstream rate limit service down' }, attributes: { 'error.type': '500' } },
      true,
      false,
      '500',
    ],
    ['status', { status: error }, true, false, ''],
    ['status OK', { status: { code: 1 } }, false, false, ''],
    ['error type alone', { attributes: { 'error.type': 'timeout' } }, true, false, 'timeout'],
    ...[
      '429',
      'RateLimitError',
      'openai.RateLimitError',
      'rate_limit_error',
      'rate_limit_exceeded',
      'ThrottlingException',
      'ModelThrottledException',
      'TooManyRequests',
      'RESOURCE_EXHAUSTED',
    ].map((type): [string, { attributes: AttributeList }, boolean, boolean, string] => [
      type,
      { attributes: { 'error.type': type } },
      true,
      true,
      type,
    ]),
    [
      'InternalServerError',
      { attributes: { 'error.type': 'InternalServerError' } },
      true,
      false,
      'InternalServerError',
    ],
    ['HTTP 429', { attributes: { 'http.response.status_code': 429 } }, true, true, ''],
    ['HTTP 429, older name', { status: error, attributes: { 'http.status_code': 429 } }, true, true, ''],
    [
      'HTTP 500 that mentions 429',
      { status: { code: 2, message: '429' }, attributes: { 'http.status_code': 500 } },
      true,
      false,
      '',
    ],
    [
      'an error type beats the text',
      { status: { code: 2, message: 'rate limit' }, attributes: { 'error.type': 'timeout' } },
      true,
      false,
      'timeout',
    ],
    ['text of the status', { status: { code: 2, message: '429 Rate limit reached' } }, true, true, ''],
    ['a number that only contains 429', { status: { code: 2, message: 'request 14290 failed' } }, true, false, ''],
    ['text of the exception', { status: error, events: exception('E', 'got 429: slow down') }, true, true, 'E'],
    [
      'type of the exception',
      { status: error, events: exception('a.RateLimitException', '') },
      true,
      true,
      'a.RateLimitException',
    ],
    [
      'a text of the emitter’s own',
      { attributes: { 'langfuse.observation.type': 'generation', ...said('Error: 429 slow down') } },
      true,
      true,
      '',
    ],
    [
      'another of them',
      { attributes: { 'langfuse.observation.type': 'generation', ...said('Error: 500') } },
      true,
      false,
      '',
    ],
    ['an exception of a good call', { events: exception('E', '429') }, false, false, ''],
    ...wrapped,
  ])('%s', (_, span, failed, rateLimited, type) => {
    const call = callOf({ ...span, attributes: { ...chat, ...(span.attributes as object) } })!
    expect([call.failed, call.rateLimited, call.text(FIELD.errorType)]).toEqual([failed, rateLimited, type])
  })
  const langSmith = { 'langsmith.span.kind': 'llm' }
  test.each([
    ['is all it says', {}, { code: 1 }, true],
    ['with no status', {}, undefined, true],
    ['comes before an answer', { 'gen_ai.usage.output_tokens': 5 }, { code: 1 }, false],
    ['comes before a finish', { 'gen_ai.response.finish_reasons': ['stop'] }, { code: 1 }, false],
  ])('where an exception beside a good status is how calls fail, and it %s', (_, more, status, failed) => {
    const span = { attributes: { ...langSmith, ...more }, events: exception('Error', '429 Rate limit reached') }
    const call = callOf(status === undefined ? span : { ...span, status })!
    expect([call.failed, call.rateLimited, call.text(FIELD.errorType)]).toEqual([failed, failed, failed ? 'Error' : ''])
  })
})
