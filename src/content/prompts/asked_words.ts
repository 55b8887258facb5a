/**
 * What a model was asked anew: the last words of its user, and what tools and searches have found since it answered last. What stands
 * before that was asked in an earlier call. Read only where a first look finds it worth while, and then as text: few calls get so far.
 */
import { contentStart, STRING, textOf, valueKind } from '../../telemetry/any_value.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { looksLikeJson, readJsonMessages } from '../messages/json_messages.ts'
import { ValueMessages } from '../messages/value_messages.ts'
import { WHOSE, WHOSE_COUNT } from '../messages/vocabulary.ts'
import { placeInJson, placeInValues, TEXT, WhoseWords, WORDS } from '../messages/whose_words.ts'

/** Attributes that hold what a model is asked, the best first. */
const ASKED = [
  ...['gen_ai.input.messages', 'ai.prompt.messages', 'ai.prompt', 'langfuse.observation.input', 'gen_ai.prompt'],
  ...['pydantic_ai.all_messages', 'all_messages_events', 'request_data', 'mlflow.spanInputs', 'lmnr.span.input'],
  ...['genkit:input', 'gcp.vertex.agent.llm_request', 'traceloop.entity.input', 'input.value'],
]
const keys = new KeySet(ASKED)
/** A message under keys of its own: `gen_ai.prompt.3.content`, `llm.input_messages.3.message.role`. */
const numbered =
  /^(?:gen_ai\.prompt|llm\.input_messages)\.(\d{1,5})\.(?:message\.)?(role|content|contents\.\d+\.message_content\.text)$/
const beginnings = ['gen_ai.prompt.', 'llm.input_messages.'].map((name) => Buffer.from(name))
/** Of an attribute, from its end: what is new stands there. */
export const LOOK_BYTES_MAX = 16 * 1024
/** Larger ones are not taken apart. */
const VALUE_BYTES_MAX = 1 << 20
const TEXTS_MAX = 16 * 1024

export class AskedWords {
  /** What the user says. */
  user = ''
  /** What tools gave back, and documents. */
  found = ''
  readonly #words = new WhoseWords(
    Float64Array.from({ length: WHOSE_COUNT }, (_, whose) => (whose === WHOSE.unknown ? 1 : 0)),
  )
  readonly #values = new ValueMessages()
  readonly #inValues = placeInValues(this.#values)

  /** Reads what the span asks, if `isWorth` says so of the bytes of it; false: nothing is worth a look. */
  read(view: SpanView, isWorth: (bytes: Buffer, start: number, end: number) => boolean): boolean {
    this.user = this.found = ''
    const { bytes, attributes } = view
    let best = ASKED.length
    let chosen = -1
    let isNumbered = false
    let worth = false
    for (let row = 0; row < attributes.count; row++) {
      const [start, end] = [attributes.keyStart(row), attributes.keyEnd(row)]
      const key = keys.find(bytes, start, end)
      const ofList =
        key < 0 &&
        beginnings.some((one) => end - start > one.length && one.compare(bytes, start, start + one.length) === 0)
      if (key < 0 && !ofList) continue
      const [from, to] = [attributes.valueStart(row), attributes.valueEnd(row)]
      worth ||= isWorth(bytes, Math.max(from, to - LOOK_BYTES_MAX), to)
      if (ofList) isNumbered = true
      else if (key < best) {
        best = key
        chosen = row
      }
    }
    if (!worth) return false
    if (isNumbered) this.#readNumbered(view)
    else if (chosen >= 0) this.#readValue(bytes, attributes.valueStart(chosen), attributes.valueEnd(chosen))
    return this.user !== '' || this.found !== ''
  }

  #readNumbered({ bytes, attributes }: SpanView): void {
    const messages: { role: string; text: string }[] = []
    for (let row = 0; row < attributes.count; row++) {
      const key = bytes.toString('latin1', attributes.keyStart(row), attributes.keyEnd(row))
      const [, number, member] = numbered.exec(key) ?? []
      if (number === undefined) continue
      const message = (messages[Number(number)] ??= { role: '', text: '' })
      const text = textOf(bytes, attributes.valueStart(row), attributes.valueEnd(row)) ?? ''
      if (member === 'role') message.role = text.toLowerCase()
      else message.text += `${text.slice(-TEXTS_MAX)}\n`
    }
    this.#settle(
      messages.flatMap((message) =>
        message === undefined ? [] : [{ whose: whoseOf(message.role), text: message.text }],
      ),
    )
  }

  #readValue(bytes: Buffer, start: number, end: number): void {
    if (end - start > VALUE_BYTES_MAX) return
    const kind = valueKind(bytes, start, end)
    const content = contentStart(bytes, start, end)
    if (kind === STRING && !looksLikeJson(bytes, content, end)) {
      this.user = bytes.toString('utf8', Math.max(content, end - TEXTS_MAX), end)
      return
    }
    const words = this.#words
    if (kind === STRING) {
      words.begin(bytes, placeInJson)
      readJsonMessages(bytes, content, end, words)
    } else {
      words.begin(bytes, this.#inValues)
      this.#values.read(bytes, start, end, words)
    }
    words.finish(false)
    const texts: Said[] = []
    for (let row = 0, at = 0; row < words.count; row++, at += WORDS.width) {
      if ((words.rows[at + WORDS.bits]! & TEXT) === 0) continue
      const [from, to] = [words.rows[at + WORDS.start]!, words.rows[at + WORDS.end]!]
      const text = kind === STRING ? jsonText(bytes, from, to) : (textOf(bytes, from, to) ?? '')
      texts.push({ whose: words.rows[at + WORDS.whose]!, text })
    }
    this.#settle(texts)
  }

  /** From the last answer on; if that is the end, from the last words of the user. */
  #settle(texts: readonly Said[]): void {
    const answered = texts.findLastIndex(({ whose }) => whose === WHOSE.assistant)
    const asked = texts.findLastIndex(({ whose }) => whose === WHOSE.user)
    const anew = texts.slice(answered + 1)
    const isAnew = anew.some(({ whose }) => whose === WHOSE.user || isFound(whose))
    const words = isAnew ? anew : texts.slice(Math.max(0, asked))
    this.user = joined(words.filter(({ whose }) => whose === WHOSE.user))
    this.found = joined(words.filter(({ whose }) => isFound(whose)))
  }
}

interface Said {
  readonly whose: number
  readonly text: string
}

function isFound(whose: number): boolean {
  return whose === WHOSE.tool_result || whose === WHOSE.retrieved
}

function joined(texts: readonly Said[]): string {
  return texts
    .map(({ text }) => text)
    .join('\n')
    .slice(-TEXTS_MAX)
}

function whoseOf(role: string): number {
  if (/^(?:user|human)/.test(role)) return WHOSE.user
  if (/^(?:tool|function)/.test(role)) return WHOSE.tool_result
  return /^(?:assistant|ai|model)/.test(role) ? WHOSE.assistant : WHOSE.system
}

/** The text in a JSON string, with its quotes, or a part of it. */
function jsonText(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString('utf8', start, end)
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'string' ? value : text
  } catch {
    return text
  }
}
