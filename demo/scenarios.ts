/** What happens in the demo: requests to three applications, with what goes wrong in real ones. */
import type { Tracer } from '@opentelemetry/api'
import {
  type Call,
  type Message,
  type Writer,
  writeConventions,
  writeOpenInference,
  writeTraceloop,
} from './model_call.ts'
import type { Service, Step } from './services.ts'

/** A number from 0 up to 1. */
export type Random = () => number

export interface Application {
  readonly service: Service
  /** Its instrumentation, and how that writes calls. */
  readonly tracer: Tracer
  readonly write: Writer
}

interface Scenario {
  readonly name: string
  /** How often it happens, compared with the others. */
  readonly weight: number
  readonly run: (application: Application, random: Random, now_ms: number) => void
}

export const APPLICATIONS = [
  {
    name: 'shop-assistant',
    protocol: 'grpc',
    instrumentation: 'opentelemetry.instrumentation.genai.openai',
    write: writeConventions,
  },
  {
    name: 'help-center',
    protocol: 'http',
    instrumentation: 'openinference.instrumentation.openai',
    write: writeOpenInference,
  },
  {
    name: 'contract-reader',
    protocol: 'http',
    instrumentation: 'opentelemetry.instrumentation.openai.v1',
    write: writeTraceloop,
  },
] as const

/** Runs a scenario, chosen by weight, in one of the applications. Returns its name. */
export function runScenario(applications: readonly Application[], random: Random, now_ms: number): string {
  let left = random() * scenarios.reduce((sum, { weight }) => sum + weight, 0)
  const scenario = scenarios.find(({ weight }) => (left -= weight) < 0) ?? scenarios[0]!
  scenario.run(pick(random, applications), random, now_ms)
  return scenario.name
}

const scenarios: readonly Scenario[] = [
  { name: 'chat', weight: 40, run: (...given) => chat(...given, {}) },
  { name: 'streamed chat', weight: 20, run: (...given) => chat(...given, { firstChunk_s: 0.2 + given[1]() * 0.6 }) },
  { name: 'personal data in a prompt', weight: 8, run: personalData },
  { name: 'retrieval', weight: 12, run: retrieval },
  { name: 'agent with tools', weight: 8, run: agent },
  { name: 'request without a model', weight: 15, run: plainRequest },
  { name: 'refusal', weight: 2, run: (...given) => chat(...given, { answer: pick(given[1], REFUSALS) }) },
  {
    name: 'cut off',
    weight: 2,
    run: (...given) => chat(...given, { answer: 'The three options differ mainly in', finish: 'length' }),
  },
  { name: 'empty answer', weight: 1, run: (...given) => chat(...given, { answer: '', output: 0 }) },
  { name: 'broken JSON', weight: 1, run: brokenJson },
  {
    name: 'rate limited',
    weight: 2,
    run: (...given) => failure(...given, '429', 'Error code: 429 - rate limit reached for requests'),
  },
  { name: 'provider error', weight: 2, run: (...given) => failure(...given, 'APITimeoutError', 'Request timed out.') },
]

const MODELS = [
  { provider: 'openai', model: 'gpt-4o-mini', weight: 6 },
  { provider: 'openai', model: 'gpt-4o', weight: 3 },
  { provider: 'anthropic', model: 'claude-sonnet-4-5', weight: 2 },
  { provider: 'gcp.gemini', model: 'gemini-2.5-flash', weight: 2 },
]
const QUESTIONS = [
  ['Where is my order?', 'It left our warehouse this morning and should reach you on Thursday.'],
  ['Which of your tents fits three people?', 'The Ridge 3 does: two doors, 2.4 kg, and room for the bags.'],
  ['How do I reset my password?', 'Open Settings, choose Security, and follow “Reset password”.'],
  ['Can I pay by invoice?', 'Yes, from an order value of 20 euros, within 14 days.'],
  ['Summarise the warranty.', 'Two years on all parts; wear and water damage are not covered.'],
] as const
const REFUSALS = [
  "I'm sorry, but I can't help with that request.",
  'I cannot assist with that, as it would go against my guidelines.',
]
const PERSONAL = [
  'My name is in the order, write to maria.keller@kundenpost.example or call +44 20 7946 0958.',
  'Please refund it to IBAN DE89 3704 0044 0532 0130 00.',
  'The card was 4111 1111 1111 1111, can you check the payment?',
  'My social security number is 536-22-8134, do you need it?',
  'It fails with the key sk-proj-9fK2mQ7tXb4VwYz1Lr8cHs6JdNp3GaEu and nothing else.',
]
const SYSTEM: Message = { role: 'system', text: 'You answer customers of an outdoor shop. Be short and friendly.' }

function chat({ service, tracer, write }: Application, random: Random, now_ms: number, what: Partial<Call>): void {
  const [question, answer] = pick(random, QUESTIONS)
  const request = service.request('POST /chat', now_ms, 600 + random() * 2400)
  write(request, tracer, callOf(random, question, { answer, ...what }), [0.02, 0.97]).end()
  if (random() < 0.3) request.log('INFO', 'answered a customer')
  request.end()
}

function personalData({ service, tracer, write }: Application, random: Random, now_ms: number): void {
  const question = pick(random, PERSONAL)
  const request = service.request('POST /chat', now_ms, 500 + random() * 1500)
  const answer = `Thank you. I have noted: ${question}`
  write(request, tracer, callOf(random, question, { answer }), [0.02, 0.97]).end()
  request.log('INFO', `customer wrote: ${question}`)
  request.end()
}

function retrieval({ service, tracer, write }: Application, random: Random, now_ms: number): void {
  const [question, answer] = pick(random, QUESTIONS)
  const request = service.request('POST /ask', now_ms, 900 + random() * 2500)
  const embeddings = {
    'gen_ai.operation.name': 'embeddings',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'text-embedding-3-small',
    'gen_ai.usage.input_tokens': 12,
  }
  const conventions = service.tracer('opentelemetry.instrumentation.genai.openai')
  request
    .step(conventions, 'embeddings text-embedding-3-small', [0.01, 0.08], { kind: 2, attributes: embeddings })
    .end()
  const search = {
    'gen_ai.operation.name': 'retrieval',
    'gen_ai.data_source.id': 'handbook',
    'db.system.name': 'qdrant',
  }
  request.step(conventions, 'retrieval handbook', [0.08, 0.2], { kind: 2, attributes: search }).end()
  write(
    request,
    tracer,
    callOf(random, question, { answer, input: 2500 + random() * 3000, cached: 1024 }),
    [0.22, 0.98],
  ).end()
  request.end()
}

function agent(application: Application, random: Random, now_ms: number): void {
  const { service } = application
  const tracer = service.tracer('opentelemetry.instrumentation.genai.openai')
  const request = service.request('POST /agent', now_ms, 4000 + random() * 9000)
  const attributes = {
    'gen_ai.operation.name': 'invoke_agent',
    'gen_ai.provider.name': 'openai',
    'gen_ai.agent.name': 'returns',
  }
  const root = request.step(tracer, 'invoke_agent returns', [0.01, 0.99], { attributes })
  const steps = 2 + Math.floor(random() * 3)
  for (let at = 0; at < steps; at++) {
    const from = at / (steps + 1)
    const tool = { name: 'find_order', arguments: '{"order": 4711}' }
    writeConventions(root, tracer, callOf(random, 'Return my tent.', { tool, finish: 'tool_call' }), [
      from,
      from + 0.12,
    ]).end()
    toolStep(root, tracer, [from + 0.12, from + 0.2], random() < 0.15)
  }
  const answer = 'Your return label is on its way.'
  writeConventions(root, tracer, callOf(random, 'Return my tent.', { answer }), [steps / (steps + 1), 0.99]).end()
  root.end()
  request.end()
}

function toolStep(root: Step, tracer: Tracer, time: readonly [number, number], fails: boolean): void {
  const attributes = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': 'find_order',
    'gen_ai.tool.type': 'function',
  }
  const tool = root.step(tracer, 'execute_tool find_order', time, { attributes })
  if (fails) {
    tool.fail('OrderNotFound', 'no such order')
    tool.log('ERROR', 'the order service does not know the order')
  }
  tool.end()
}

function brokenJson({ service }: Application, random: Random, now_ms: number): void {
  const tracer = service.tracer('opentelemetry.instrumentation.genai.openai')
  const request = service.request('POST /extract', now_ms, 700 + random() * 900)
  const call = callOf(random, 'Extract the order as JSON.', { answer: '{"order": 4711, "items": [', json: true })
  writeConventions(request, tracer, call, [0.02, 0.97]).end()
  request.end()
}

function failure(
  { service, tracer, write }: Application,
  random: Random,
  now_ms: number,
  type: string,
  text: string,
): void {
  const [question] = pick(random, QUESTIONS)
  const request = service.request('POST /chat', now_ms, 200 + random() * 5000)
  const { answer: _, ...call } = callOf(random, question, {})
  const step = write(request, tracer, { ...call, input: Number.NaN, output: Number.NaN }, [0.02, 0.97])
  step.fail(type, text)
  step.end()
  request.log('ERROR', `the model did not answer: ${type}`)
  request.fail('502', 'no answer')
  request.end()
}

function plainRequest({ service }: Application, random: Random, now_ms: number): void {
  const request = service.request('GET /products', now_ms, 5 + random() * 40)
  const attributes = { 'db.system.name': 'postgresql', 'db.operation.name': 'SELECT' }
  request.step(service.tracer('pg'), 'SELECT products', [0.1, 0.8], { kind: 2, attributes }).end()
  request.end()
}

function callOf(random: Random, question: string, what: Partial<Call>): Call {
  const models = MODELS.flatMap((model) => Array.from({ length: model.weight }, () => model))
  const { provider, model } = pick(random, models)
  const call: Call = {
    provider,
    model,
    prompt: [SYSTEM, { role: 'user', text: question }],
    input: 80 + random() * 700,
    output: 20 + random() * 300,
    finish: 'stop',
    conversation: `conversation-${Math.floor(random() * 40)}`,
    ...what,
  }
  return { ...call, input: Math.round(call.input), output: Math.round(call.output) }
}

function pick<T>(random: Random, from: readonly T[]): T {
  return from[Math.floor(random() * from.length)]!
}
