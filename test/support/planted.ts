/** Invented content under keys that nobody has listed, in all forms, on the items of steps of a request. */
import { tellsStep } from '../../src/content/step_words.ts'
import type { Message } from '../../src/otlp/codec.ts'
import type { Batches, Signal } from '../../src/telemetry/batch.ts'
import { anyValue, batchOf, type Plain, requestOf } from './otlp.ts'

/** Of no emitter that is known, in the styles that emitters have. */
export const inventedKeys: readonly string[] = `note remark transcription narrative utterance userSaid modelSaid
  lastTurn fullReply finalWords acme.note acme.turn.said acme.turn.0.said acme.agent.thoughts acme.dialogue_text
  acme.session.recap acme.case.details acme.input_text acme.output_text acme.page acme:turn:said acme/turn/said
  acme-turn-said acme_turn_said acmeTurnSaid AcmeTurnSaid ACME_TURN_SAID x.acme.llm.reply_text gen_ai.acme.said
  gen_ai.future.words llm.acme.words ai.acme.words tool.acme.words mcp.acme.words agent.memo agent_memo planner.scratchpad
  crawler.page_text rag.chunk.0.passage evaluator.rationale judge.rationale guard.quote task.brief workflow.step.3.memo
  chain.link.handover message_text messageText bodyText body.text.0 t event.words observation.words`.split(/\s+/)

/** In every planted text, with a number behind it. */
export const MARKER = 'quillfeather'

/** 80 characters or more, with eight blanks or more, in one of the ways in which texts are written. */
const texts: readonly ((mark: string) => string)[] = [
  (mark) => `Please tell ${mark} that the merger with Zebra closes on Friday; nobody may know of ${mark} before.`,
  (mark) =>
    `- tell ${mark}:\n\t- the merger\n\t- closes on\n\t- Friday\n\nand nothing of ${mark} to anybody outside of the board`,
  (mark) =>
    `Ann Smith, 12 Main Street, "${mark}"; wants: a refund (of 12.50), a call, and a new ${mark} by Monday at noon.`,
  (mark) =>
    `¿Por qué ${mark} no llegó a tiempo? – Lo siento mucho, señora, ${mark} llegará mañana por la tarde, seguro.`,
]

/** How a value holds a text. */
const forms: readonly (readonly [name: string, form: (text: string) => Plain])[] = [
  ['text', (text) => text],
  ['JSON', (text) => JSON.stringify({ kind: 'said', words: [{ text }] })],
  ['JSON in JSON', (text) => JSON.stringify({ raw: JSON.stringify({ text }) }, null, 2)],
  ['cut JSON', (text) => JSON.stringify({ text, more: 1 }).slice(0, -3)],
  ['list', (text) => ['said', text]],
  ['pieces', (text) => text.split(/(?<=\s)/)],
  ['map', (text) => ({ said: { words: text, n: 1 } })],
  ['bytes', (text) => Buffer.from(text)],
  ['Python', (text) => `{'said': '${text.replaceAll("'", '’')}', 'n': 1}`],
]

/** What was planted: the number behind MARKER is the position here. */
export type Planted = readonly string[]

const lists = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
} as const

/** The request with texts planted on every item of a step; each key and each form has its turn, from `first` on. */
export function planted<S extends Signal>(batch: Batches[S], first: number): { batch: Batches[S]; planted: Planted } {
  const request = requestOf(batch)
  const done: string[] = []
  const plant = (place: string, count: number): Message[] =>
    Array.from({ length: count }, () => {
      const turn = first + done.length
      const key = inventedKeys[turn % inventedKeys.length]!
      const [form, make] = forms[turn % forms.length]!
      const text = texts[turn % texts.length]!(`${MARKER}${done.length}x`)
      done.push(`${place}: ${key}, ${form}`)
      return { key, value: anyValue(make(text)) }
    })
  const [groups, scopes, items] = lists[batch.signal]
  for (const group of listOf(request, groups))
    for (const scope of listOf(group, scopes)) {
      const all = listOf(scope, items)
      // Of one instrumentation, all spans are steps if one is.
      const steps = batch.signal === 'traces' && all.some(isStep) ? all : all.filter(isStep)
      for (const item of steps) plantOn(batch.signal, item, plant)
    }
  return { batch: batchOf(batch.signal as S, request), planted: done }
}

function plantOn(signal: Signal, item: Message, plant: (place: string, count: number) => Message[]): void {
  if (signal === 'metrics') {
    for (const point of pointsOf(item)) add(point, 'attributes', plant('label', 1))
    return
  }
  add(item, 'attributes', plant('attribute', 3), plant('attribute', 1))
  if (signal === 'traces') add(item, 'events', [{ name: 'said', attributes: plant('event', 2) }])
  else if (item['body'] === undefined || listOf(item, 'attributes').length % 2 === 0)
    item['body'] = bodyOf(plant('body', 1)[0]!)
}

/** A text, or a map with it under its key. */
function bodyOf(pair: Message): Message {
  return (pair['key'] as string).length % 2 === 0 ? (pair['value'] as Message) : { kvlistValue: { values: [pair] } }
}

/** Some before what is there, some behind it. */
function add(item: Message, name: string, behind: Message[], before: Message[] = []): void {
  item[name] = [...before, ...listOf(item, name), ...behind]
}

/** By keys and names that say so, of whatever emitter. */
function isStep(item: Message): boolean {
  const keys = listOf(item, 'attributes').map(({ key }) => String(key))
  const event = String(item['eventName'] ?? '')
  return (
    /^(?:gen_ai|claude_code|codex|gemini_cli)\./.test(event) ||
    /^gen_ai\./.test(String(item['name'] ?? '')) ||
    keys.some(
      (key) =>
        tellsStep(key) ||
        /^(?:gen_ai|llm|ai|openinference|traceloop|langfuse|mlflow|pydantic_ai|mastra|lk)\./.test(key),
    )
  )
}

function pointsOf(metric: Message): Message[] {
  const data = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']
  return data.flatMap((kind) => (metric[kind] === undefined ? [] : listOf(metric[kind] as Message, 'dataPoints')))
}

function listOf(message: Message, name: string): Message[] {
  return (message[name] ?? []) as Message[]
}
