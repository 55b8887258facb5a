import type { Attributes } from './protobuf.ts'
import type { Random } from './random.ts'
import { writeCustomers, writeSecret, writeText } from './text.ts'

/** One kind of load: how many spans a request has, how many different requests are made, and what a span looks like. */
export interface Shape {
  readonly name: string
  readonly spans: number
  /** Different requests in rotation; ids and times are new on every send all the same. */
  readonly bodies: number
  /** Share of spans that are model calls. */
  readonly modelCalls: number
  /** Spans to hold in the `memory` work. */
  readonly heldSpans: number
  describe(random: Random, isModelCall: boolean): SpanText
}

/** What a span says; ids, times, kind and status are added by the encoder. */
export interface SpanText {
  readonly name: string
  readonly attributes: Attributes
}

export const SHAPES: readonly Shape[] = [
  { name: '250B', spans: 512, bodies: 256, modelCalls: 1 / 3, heldSpans: 1_600_000, describe: describeSmall },
  { name: '680B', spans: 1000, bodies: 64, modelCalls: 1 / 3, heldSpans: 600_000, describe: describeMedium },
  { name: 'prompts', spans: 100, bodies: 64, modelCalls: 1, heldSpans: 60_000, describe: describePrompt },
  { name: 'dense', spans: 100, bodies: 64, modelCalls: 1, heldSpans: 60_000, describe: describeDensePrompt },
]

const MODELS = [
  { provider: 'openai', request: 'gpt-4o', response: 'gpt-4o-2024-08-06', host: 'api.openai.com' },
  { provider: 'openai', request: 'gpt-4o-mini', response: 'gpt-4o-mini-2024-07-18', host: 'api.openai.com' },
  {
    provider: 'anthropic',
    request: 'claude-sonnet-4-5',
    response: 'claude-sonnet-4-5-20250929',
    host: 'api.anthropic.com',
  },
  {
    provider: 'gcp.gemini',
    request: 'gemini-2.5-flash',
    response: 'gemini-2.5-flash',
    host: 'generativelanguage.googleapis.com',
  },
]
const ROUTES = ['/v1/orders/{id}', '/v1/search', '/api/chat', '/api/documents/{id}/chunks', '/v1/accounts/{id}/limits']
const TABLES = ['orders', 'documents', 'sessions', 'chunks', 'accounts']

function describeSmall(random: Random, isModelCall: boolean): SpanText {
  if (isModelCall) return describeModelCall(random)
  if (random.unit() < 0.5) {
    const table = random.pick(TABLES)
    return {
      name: `SELECT ${table}`,
      attributes: [
        ['db.system.name', 'postgresql'],
        ['db.collection.name', table],
        ['server.address', `db-${random.whole(1, 4)}.internal`],
      ],
    }
  }
  const route = random.pick(ROUTES)
  return {
    name: `GET ${route}`,
    attributes: [
      ['http.request.method', 'GET'],
      ['http.route', route],
      ['http.response.status_code', random.unit() < 0.97 ? 200 : 404],
      ['server.port', 8080],
    ],
  }
}

/** The seven attributes that a metric of model calls needs. */
function describeModelCall(random: Random): SpanText {
  const model = random.pick(MODELS)
  return {
    name: `chat ${model.request}`,
    attributes: [
      ['gen_ai.operation.name', 'chat'],
      ['gen_ai.provider.name', model.provider],
      ['gen_ai.request.model', model.request],
      ['gen_ai.response.model', model.response],
      ['gen_ai.usage.input_tokens', random.whole(40, 9000)],
      ['gen_ai.usage.output_tokens', random.whole(5, 1500)],
      ['gen_ai.response.finish_reasons', [random.unit() < 0.95 ? 'stop' : 'length']],
    ],
  }
}

/** Fourteen attributes a span, as the instrumentations of clients and servers write them. */
function describeMedium(random: Random, isModelCall: boolean): SpanText {
  if (!isModelCall) return describeHttpCall(random)
  const call = describeModelCall(random)
  const host = MODELS.find((model) => call.name.endsWith(` ${model.request}`))!.host
  return {
    name: call.name,
    attributes: [
      ...call.attributes,
      ['gen_ai.response.id', `chatcmpl-${random.token(29)}`],
      ['gen_ai.conversation.id', `conv_${random.hex(32)}`],
      ['gen_ai.request.temperature', { double: random.whole(0, 10) / 10 }],
      ['gen_ai.request.max_tokens', random.whole(256, 8192)],
      ['server.address', host],
      ['server.port', 443],
      ['app.prompt.version', `support-answer@${random.hex(12)}`],
    ],
  }
}

function describeHttpCall(random: Random): SpanText {
  const route = random.pick(ROUTES)
  const path = route.replace('{id}', random.digits(8))
  const host = `${random.pick(['orders', 'search', 'accounts'])}.prod.svc.cluster.local`
  return {
    name: `GET ${route}`,
    attributes: [
      ['http.request.method', 'GET'],
      ['http.route', route],
      ['http.response.status_code', random.unit() < 0.97 ? 200 : 404],
      ['url.full', `http://${host}:8080${path}?page=${random.whole(1, 40)}&sort=created_at&cursor=${random.token(22)}`],
      ['url.scheme', 'http'],
      ['server.address', host],
      ['server.port', 8080],
      ['client.address', `10.${random.whole(0, 255)}.${random.whole(0, 255)}.${random.whole(1, 254)}`],
      ['network.peer.address', `10.${random.whole(0, 255)}.${random.whole(0, 255)}.${random.whole(1, 254)}`],
      ['network.protocol.version', '1.1'],
      [
        'user_agent.original',
        `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/1${random.digits(2)}.0.0.0 Safari/537.36`,
      ],
      ['thread.id', random.whole(1, 64)],
      ['thread.name', `http-worker-${random.whole(1, 64)}`],
      ['app.request.id', random.hex(16)],
    ],
  }
}

/** A model call with its conversation, log-normal in size; one in thirty has something to redact. */
function describePrompt(random: Random): SpanText {
  const call = describeModelCall(random)
  const size = Math.min(60_000, 5150 * Math.exp(0.5 * random.normal() - 0.125))
  const secret = random.unit() < 1 / 30 ? ` Contact: ${writeSecret(random)}. ` : ''
  const question = writeText(random, size * 0.2)
  const input = [
    message('system', { type: 'text', content: `You are a careful assistant. ${writeText(random, size * 0.1)}` }),
    message('user', { type: 'text', content: question.slice(0, 40) + secret + question.slice(40) }),
    message('assistant', {
      type: 'tool_call',
      id: `call_${random.token(24)}`,
      name: 'search',
      arguments: { query: writeText(random, 60) },
    }),
    message('tool', {
      type: 'tool_call_response',
      id: `call_${random.token(24)}`,
      response: writeText(random, size * 0.45),
    }),
  ]
  const output = [
    { ...message('assistant', { type: 'text', content: writeText(random, size * 0.25) }), finish_reason: 'stop' },
  ]
  return {
    name: call.name,
    attributes: [
      ...call.attributes,
      ['gen_ai.conversation.id', `conv_${random.hex(32)}`],
      ['gen_ai.input.messages', JSON.stringify(input)],
      ['gen_ai.output.messages', JSON.stringify(output)],
    ],
  }
}

/** A question of the same sizes about a list of customers: an e-mail address and a card number every thirty words. */
function describeDensePrompt(random: Random): SpanText {
  const call = describeModelCall(random)
  const size = Math.min(60_000, 5150 * Math.exp(0.5 * random.normal() - 0.125))
  const input = [
    message('system', { type: 'text', content: `You are a careful assistant. ${writeText(random, size * 0.1)}` }),
    message('user', { type: 'text', content: writeCustomers(random, size * 0.65) }),
  ]
  const output = [
    { ...message('assistant', { type: 'text', content: writeCustomers(random, size * 0.25) }), finish_reason: 'stop' },
  ]
  return {
    name: call.name,
    attributes: [
      ...call.attributes,
      ['gen_ai.conversation.id', `conv_${random.hex(32)}`],
      ['gen_ai.input.messages', JSON.stringify(input)],
      ['gen_ai.output.messages', JSON.stringify(output)],
    ],
  }
}

function message(role: string, part: object): { role: string; parts: object[] } {
  return { role, parts: [part] }
}
