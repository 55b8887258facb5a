/**
 * Under which attributes instrumentations write what a model answered, and how it is to be read there. Rows of data, from
 * the OpenTelemetry GenAI conventions (1.26 to the newest) and the dialects; a new dialect is a few more names here.
 */
import { KeySet } from '../../telemetry/key_set.ts'

/** How the value of an attribute is read. */
export const FORM = {
  none: 0,
  /** The answer's text as it is. */
  text: 1,
  /** Messages: structured, as JSON, or else a plain text. A structure without messages is itself the answer. */
  messages: 2,
  /** A list of events of which some are messages; never a plain text. */
  events: 3,
  /** A refusal's text. */
  refusal: 4,
  /** Not empty: tools were called. */
  toolCall: 5,
  finish: 6,
  /** Messages or parts of one, under a key that holds nothing else. */
  parts: 7,
  /** Of these on, what is no answer. The request asks for JSON: by saying `json`, … */
  jsonType: 8,
  /** … by a response format among the request's parameters, … */
  jsonParameters: 9,
  /** … by its mere presence. */
  jsonSchema: 10,
  evaluationName: 11,
  evaluationScore: 12,
  evaluationLabel: 13,
} as const
export type Form = (typeof FORM)[keyof typeof FORM]

/** Ranks: what stands first is read first, and the next only if nothing but emptiness was found. */
export const RANKS = 4

type Row = readonly [rank: number, form: Form, names: string]

const evaluationRows: readonly Row[] = [
  [0, FORM.evaluationName, 'gen_ai.evaluation.name evaluations.#.evaluation.name annotations.#.annotation.name'],
  [
    0,
    FORM.evaluationScore,
    'gen_ai.evaluation.score.value evaluations.#.evaluation.score annotations.#.annotation.score',
  ],
  [
    0,
    FORM.evaluationLabel,
    'gen_ai.evaluation.score.label evaluations.#.evaluation.label annotations.#.annotation.label',
  ],
]

/** `#` is a number. */
const spanRows: readonly Row[] = [
  [0, FORM.messages, 'gen_ai.output.messages'],
  [0, FORM.text, 'ai.response.text ai.result.text ai.response.object ai.result.object'],
  [0, FORM.toolCall, 'ai.response.toolCalls ai.result.toolCalls'],
  [
    1,
    FORM.text,
    `gen_ai.completion.#.content llm.output_messages.#.message.content
    llm.output_messages.#.message.contents.#.message_content.text llm.choices.#.completion.text gen_ai.response.text
    response_text lk.response.text`,
  ],
  [1, FORM.refusal, 'gen_ai.completion.#.refusal llm.output_messages.#.message.refusal'],
  [
    1,
    FORM.toolCall,
    `gen_ai.completion.#.tool_calls.#.name gen_ai.completion.#.function_call.name gen_ai.response.tool_calls
    llm.output_messages.#.message.tool_calls.#.tool_call.function.name
    llm.output_messages.#.message.function_call_name lk.response.function_calls`,
  ],
  [1, FORM.finish, 'gen_ai.completion.#.finish_reason llm.output_messages.#.message.finish_reason'],
  [
    2,
    FORM.messages,
    `langfuse.observation.output gen_ai.completion llm.output_messages mlflow.spanOutputs genkit:output response_data
    gcp.vertex.agent.llm_response lmnr.span.output flue.turn.output mastra.model_step.output
    mastra.model_generation.output haystack.component.output traceloop.entity.output`,
  ],
  [3, FORM.messages, 'output.value'],
  [3, FORM.events, 'events'],
  [
    0,
    FORM.jsonType,
    `gen_ai.output.type gen_ai.request.response_format gen_ai.openai.request.response_format ai.operationId
    llm.response_format`,
  ],
  [0, FORM.jsonParameters, 'llm.invocation_parameters langfuse.observation.model.parameters model_request_parameters'],
  [0, FORM.jsonSchema, 'gen_ai.request.structured_output_schema'],
  ...evaluationRows,
]

/** Events, of spans and as log records, that tell of an answer: every attribute beside those of spans that matters there. */
const eventRows: readonly Row[] = [
  ...spanRows.filter(([rank]) => rank === 0),
  [0, FORM.finish, 'finish_reason gen_ai.response.finish_reasons'],
  [1, FORM.parts, 'message content gen_ai.event.content gen_ai.completion message.content body mlflow.chunk.value'],
  [1, FORM.refusal, 'refusal message.refusal'],
  [1, FORM.toolCall, 'tool_calls message.tool_calls'],
]

/** Names of those events; the first ones tell of answers, the last of evaluations. */
const events = new KeySet([
  'gen_ai.choice',
  'gen_ai.content.completion',
  'gen_ai.client.inference.operation.details',
  'gen_ai.evaluation.result',
])

/** Beginning of the names of events of which each holds a piece of a streamed answer. */
const chunk = Buffer.from('mlflow.chunk.item.')

export const NO_EVENT = 0
export const ANSWER_EVENT = 1
export const EVALUATION_EVENT = 2

/** What the event with the name in [start, end) tells. */
export function eventKind(bytes: Uint8Array, start: number, end: number): 0 | 1 | 2 {
  if (end - start > chunk.length && startsWith(bytes, start, chunk)) return ANSWER_EVENT
  const at = events.find(bytes, start, end)
  return at < 0 ? NO_EVENT : at === events.names.length - 1 ? EVALUATION_EVENT : ANSWER_EVENT
}

export class AnswerKeys {
  readonly keys: KeySet
  /** By position among the keys. */
  readonly forms: Uint8Array
  readonly ranks: Uint8Array

  constructor(rows: readonly Row[]) {
    const named = rows.flatMap(([rank, form, names]) => names.split(/\s+/).map((name) => ({ rank, form, name })))
    this.keys = new KeySet(named.map(({ name }) => name))
    this.forms = Uint8Array.from(named, ({ form }) => form)
    this.ranks = Uint8Array.from(named, ({ rank }) => rank)
  }

  /** Position of the key in [start, end), -1 if it tells nothing of an answer. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return isNumbered(bytes, start, end) ? this.#findNumbered(bytes, start, end) : this.keys.find(bytes, start, end)
  }

  #findNumbered(bytes: Uint8Array, start: number, end: number): number {
    if (end - start > unnumbered.length) return -1
    let length = 0
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!
      if (!isDigit(byte) || bytes[at - 1] !== DOT) {
        unnumbered[length++] = byte
        continue
      }
      while (at + 1 < end && isDigit(bytes[at + 1]!)) at++
      unnumbered[length++] = HASH
    }
    return this.keys.find(unnumbered, 0, length)
  }
}

/** Which message the value under that key belongs to: the first number of a numbered key, 0 of others. */
export function messageOf(bytes: Uint8Array, start: number, end: number): number {
  if (!isNumbered(bytes, start, end)) return 0
  let at = start
  while (!isDigit(bytes[at]!) || bytes[at - 1] !== DOT) at++
  let number = 0
  for (; at < end && isDigit(bytes[at]!); at++) number = (number * 10 + bytes[at]! - 48) & 0xffff
  return number
}

export const spanAnswerKeys = new AnswerKeys(spanRows)
export const eventAnswerKeys = new AnswerKeys(eventRows)

const DOT = 46
const HASH = 35
const unnumbered = Buffer.alloc(100)
/** Beginnings of numbered keys; inputs have hundreds of them beside these, which differ in the byte that is looked at. */
const prefixes = ['gen_ai.completion.', 'llm.output_messages.', 'llm.choices.', 'evaluations.', 'annotations.'].map(
  (prefix) => ({
    length: prefix.length,
    bytes: Buffer.from(prefix),
  }),
)

const fifthLetters = new Uint8Array(256)
for (const { bytes } of prefixes) fifthLetters[bytes[4]!] = 1

function isNumbered(bytes: Uint8Array, start: number, end: number): boolean {
  if (fifthLetters[bytes[start + 4]!] === 0) return false
  for (let at = 0; at < prefixes.length; at++) {
    const prefix = prefixes[at]!
    if (end - start > prefix.length && isDigit(bytes[start + prefix.length]!) && startsWith(bytes, start, prefix.bytes))
      return true
  }
  return false
}

function startsWith(bytes: Uint8Array, start: number, prefix: Uint8Array): boolean {
  for (let at = prefix.length - 1; at >= 0; at--) if (bytes[start + at] !== prefix[at]) return false
  return true
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57
}
