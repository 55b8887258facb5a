/** Traffic of an application whose truth is known: traces that end well, fail, or have a bad answer. */
import { traceBatch } from '../support/otlp.ts'

export type Outcome = 'good' | 'failed' | 'low quality'

export interface MadeTrace {
  /** 32 hexadecimal digits. */
  readonly id: string
  readonly outcome: Outcome
  /** Model and tokens of each of its calls. */
  readonly calls: readonly { readonly model: string; readonly input: number; readonly output: number }[]
}

/** Personal data that stands in prompts and answers, and nowhere may come out. */
export const PLANTED = ['ada.byron@analytical.example.org', '4111 1111 1111 1111', 'DE89 3704 0044 0532 0130 00']

const MODELS = ['gpt-4o-mini', 'gpt-4o', 'claude-sonnet-4-5'] as const
const BAD = [
  { finish: 'stop', answer: "I'm sorry, but I can't help with that." },
  { finish: 'length', answer: 'The first of the three reasons is' },
  { finish: 'stop', answer: '' },
  { finish: 'content_filter', answer: 'I' },
] as const

/** Numbers in [0, 1) (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/**
 * Two requests for so many traces that end about now: the model calls, and then the spans above them, as children end
 * before their parents.
 */
export function makeTraffic(count: number, random: () => number): { traces: MadeTrace[]; bodies: [Buffer, Buffer] } {
  const traces = Array.from({ length: count }, () => makeTrace(random))
  const now_ms = Date.now()
  const inner = traces.flatMap((trace) => callSpans(trace, now_ms, random))
  const outer = traces.map(({ id, outcome }) => ({
    trace: id,
    id: id.slice(16),
    name: 'POST /chat',
    kind: 2,
    start_ms: now_ms - 1200,
    end_ms: now_ms,
    attributes: { 'http.request.method': 'POST', 'url.path': '/chat', 'enduser.email': PLANTED[0]! },
    ...(outcome === 'failed' ? { status: { code: 2, message: `no answer for ${PLANTED[0]}` } } : {}),
  }))
  const group = { resource: { 'service.name': 'shop' }, scope: { name: 'app' } }
  return { traces, bodies: [traceBatch(inner, group).bytes, traceBatch(outer, group).bytes] }
}

function makeTrace(random: () => number): MadeTrace {
  const luck = random()
  const outcome = luck < 0.03 ? 'failed' : luck < 0.06 ? 'low quality' : 'good'
  const calls = Array.from({ length: 1 + Math.floor(random() * 2) }, () => ({
    model: MODELS[Math.floor(random() * MODELS.length)]!,
    input: 50 + Math.floor(random() * 900),
    output: 5 + Math.floor(random() * 300),
  }))
  return { id: hex(random, 4), outcome, calls }
}

function callSpans({ id, outcome, calls }: MadeTrace, now_ms: number, random: () => number) {
  const bad = BAD[Math.floor(random() * BAD.length)]!
  return calls.map(({ model, input, output }, at) => {
    const isBad = outcome === 'low quality' && at === 0
    const answer = isBad ? bad.answer : `Noted, ${PLANTED[0]}. It will be there on Thursday.`
    const finish = isBad ? bad.finish : 'stop'
    return {
      trace: id,
      id: hex(random, 2),
      parent: id.slice(16),
      name: `chat ${model}`,
      kind: 3,
      start_ms: now_ms - 1000 + at * 400,
      end_ms: now_ms - 650 + at * 400,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': model.startsWith('gpt') ? 'openai' : 'anthropic',
        'gen_ai.request.model': model,
        'gen_ai.usage.input_tokens': input,
        'gen_ai.usage.output_tokens': output,
        'gen_ai.response.finish_reasons': [finish],
        'gen_ai.input.messages': messages('user', `Card ${PLANTED[1]}, account ${PLANTED[2]}. Where is my order?`),
        'gen_ai.output.messages': messages('assistant', answer, finish),
      },
    }
  })
}

function messages(role: string, content: string, finish_reason?: string): string {
  return JSON.stringify([{ role, parts: [{ type: 'text', content }], finish_reason }])
}

/** So many groups of eight hexadecimal digits; never all zeros. */
function hex(random: () => number, groups: number): string {
  const group = () => (1 + Math.floor(random() * 0xfffffffe)).toString(16).padStart(8, '0')
  return Array.from({ length: groups }, group).join('')
}
