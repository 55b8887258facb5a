/** Finding what a model answered: on a span (its attributes, else its events) or in a log record of the GenAI events. */
import { next, readLength, readUint32, skipValue } from '../../otlp/cursor.ts'
import { ARRAY, contentStart, KVLIST, STRING, textStart, valueKind } from '../../telemetry/any_value.ts'
import { ATTRIBUTE, Attributes } from '../../telemetry/attributes.ts'
import { fieldEnd, fieldStart, findField } from '../../telemetry/find_field.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { looksLikeJson, readJsonMessages } from '../messages/json_messages.ts'
import { CUT } from '../messages/message_reader.ts'
import { ValueMessages } from '../messages/value_messages.ts'
import { type Answer, REFUSED } from './answer.ts'
import {
  ANSWER_EVENT,
  type AnswerKeys,
  EVALUATION_EVENT,
  eventAnswerKeys,
  eventKind,
  FORM,
  type Form,
  messageOf,
  NO_EVENT,
  RANKS,
  spanAnswerKeys,
} from './answer_keys.ts'
import { readBesideAnswer } from './beside_answer.ts'

/** As much of one attribute as is looked at: more than any model's longest answer. */
const VALUE_MAX_BYTES = 1 << 20
/** More attributes that tell of the answer are not read. */
const ROWS_MAX = 256

/** Fills the answer from the span that the view is on. */
export function findAnswer(view: SpanView, answer: Answer): void {
  answer.reset(view.bytes)
  readAttributes(spanAnswerKeys, view.bytes, view.attributes, answer)
  if (view.firstEvent >= 0) readEvents(view, answer)
}

/** Fills the answer from a log record of a GenAI event; its body is the AnyValue in [bodyStart, bodyEnd), -1: none. */
export function findAnswerInLog(
  bytes: Buffer,
  attributes: Attributes,
  bodyStart: number,
  bodyEnd: number,
  answer: Answer,
): void {
  answer.reset(bytes)
  readAttributes(eventAnswerKeys, bytes, attributes, answer)
  if (answer.isThere || bodyStart < 0) return
  const text = textStart(bytes, bodyStart, bodyEnd)
  const isStructured = text < 0 ? valueKind(bytes, bodyStart, bodyEnd) === KVLIST : looksLikeJson(bytes, text, bodyEnd)
  if (isStructured) readAs(FORM.events, bytes, bodyStart, bodyEnd, answer)
}

/** Fills the answer from JSON of a provider's response. */
export function findAnswerInJson(bytes: Buffer, start: number, end: number, answer: Answer): void {
  answer.reset(bytes)
  readString(FORM.events, bytes, start, Math.min(end, start + VALUE_MAX_BYTES), end, answer)
}

const structures = new ValueMessages()

/** Rows of attributes that were found, rank by rank. */
const rows = new Int32Array(ROWS_MAX)
const keysOfRows = new Uint8Array(ROWS_MAX)
const messages = new Uint16Array(ROWS_MAX)

function readAttributes(keys: AnswerKeys, bytes: Buffer, attributes: Attributes, answer: Answer): void {
  let count = 0
  const columns = attributes.rows
  for (let row = 0; row < attributes.count && count < ROWS_MAX; row++) {
    const at = row * ATTRIBUTE.width
    const keyStart = columns[at + ATTRIBUTE.keyStart]!
    const keyEnd = columns[at + ATTRIBUTE.keyEnd]!
    const key = keys.find(bytes, keyStart, keyEnd)
    if (key < 0) continue
    const message = messageOf(bytes, keyStart, keyEnd)
    if (keys.forms[key]! >= FORM.jsonType) {
      readBesideAnswer(
        keys.forms[key] as Form,
        message,
        bytes,
        attributes.valueStart(row),
        attributes.valueEnd(row),
        answer,
      )
      continue
    }
    rows[count] = row
    messages[count] = message
    keysOfRows[count++] = key
  }
  for (let rank = 0; rank < RANKS && count > 0 && !answer.isThere; rank++)
    for (let at = 0; at < count; at++) {
      const key = keysOfRows[at]!
      if (keys.ranks[key] !== rank) continue
      answer.message = messages[at]!
      const row = rows[at]!
      readAs(keys.forms[key] as Form, bytes, attributes.valueStart(row), attributes.valueEnd(row), answer)
    }
}

function readAs(form: Form, bytes: Buffer, start: number, end: number, answer: Answer): void {
  const kind = valueKind(bytes, start, end)
  const content = contentStart(bytes, start, end)
  if (kind === STRING) {
    readString(form, bytes, content, Math.min(end, content + VALUE_MAX_BYTES), end, answer)
    return
  }
  if ((kind !== ARRAY && kind !== KVLIST) || content >= end) return
  if (form === FORM.toolCall) answer.addToolCall()
  else if (form === FORM.finish) readFinishReasons(bytes, content, end, answer)
  else structures.read(bytes, start, end, answer)
}

/** The text goes to `textEnd`; what is looked at of it, to `end`. */
function readString(form: Form, bytes: Buffer, start: number, end: number, textEnd: number, answer: Answer): void {
  const cut = end < textEnd ? CUT : 0
  if (form === FORM.text) answer.addText(start, end, cut)
  else if (form === FORM.refusal) answer.addText(start, end, cut | REFUSED)
  else if (form === FORM.finish) answer.addFinishReason(start, end)
  else if (form !== FORM.toolCall) readMessages(form, bytes, start, end, cut, answer)
  else if (end - start > (looksLikeJson(bytes, start, end) ? 2 : 0)) answer.addToolCall()
}

/** Text that is JSON of messages; what has no messages in it is itself the answer, where that can be. */
function readMessages(form: Form, bytes: Buffer, start: number, end: number, cut: number, answer: Answer): void {
  const canBeAll = form !== FORM.events
  if (!looksLikeJson(bytes, start, end)) {
    if (!canBeAll || isNothing(bytes, start, end)) return
    if (bytes[start] === QUOTE && bytes[end - 1] === QUOTE) readJsonMessages(bytes, start, end, answer)
    else answer.addText(start, end, cut)
    return
  }
  const before = answer.count
  answer.beginStructure()
  readJsonMessages(bytes, start, end, answer)
  if (answer.isMessage || (form === FORM.parts && answer.count > before)) return
  answer.count = before
  if (canBeAll && end - start > 2) answer.addText(start, end, cut)
}

const QUOTE = 34

/** What emitters write where there is no answer to be written down. */
function isNothing(bytes: Buffer, start: number, end: number): boolean {
  const length = end - start
  if (length === 0) return true
  if (length > 4) return false
  const text = bytes.toString('latin1', start, end)
  return text === 'null' || text === 'None' || text === 'N/A' || text === '""'
}

function readFinishReasons(bytes: Buffer, start: number, end: number, answer: Answer): void {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    at = skipValue(tag & 7, bytes, value, end)
    if (tag !== 0x0a) continue
    readLength(bytes, value, end)
    const text = textStart(bytes, next, at)
    if (text >= 0) answer.addFinishReason(text, at)
  }
}

/** Source of the tags and the number: opentelemetry/proto/trace/v1/trace.proto, Span.events = 11, Event.name = 2, .attributes = 3. */
const EVENT = 0x5a
const EVENT_NAME = 0x12
const EVENT_ATTRIBUTES = 3
const eventAttributes = new Attributes()

/** Events that tell of an answer are read until there is one, those that tell of evaluations all. */
function readEvents(view: SpanView, answer: Answer): void {
  const { bytes, end } = view
  for (let at = view.firstEvent; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    at = skipValue(tag & 7, bytes, value, end)
    if (tag !== EVENT) continue
    readLength(bytes, value, end)
    const start = next
    const name = findField(bytes, start, at, EVENT_NAME)
    const kind = name < 0 ? NO_EVENT : eventKind(bytes, fieldStart(bytes, name), fieldEnd(bytes, name))
    if (kind === EVALUATION_EVENT) readEvaluation(bytes, start, at, answer)
    else if (kind === ANSWER_EVENT && !answer.isThere) readAnswerEvent(bytes, start, at, answer)
  }
}

function readAnswerEvent(bytes: Buffer, start: number, end: number, answer: Answer): void {
  eventAttributes.read(bytes, start, end, EVENT_ATTRIBUTES)
  readAttributes(eventAnswerKeys, bytes, eventAttributes, answer)
}

function readEvaluation(bytes: Buffer, start: number, end: number, answer: Answer): void {
  eventAttributes.read(bytes, start, end, EVENT_ATTRIBUTES)
  const number = answer.evaluations.count
  for (let row = 0; row < eventAttributes.count; row++) {
    const key = spanAnswerKeys.find(bytes, eventAttributes.keyStart(row), eventAttributes.keyEnd(row))
    if (key < 0 || spanAnswerKeys.forms[key]! < FORM.evaluationName) continue
    const form = spanAnswerKeys.forms[key] as Form
    readBesideAnswer(form, number, bytes, eventAttributes.valueStart(row), eventAttributes.valueEnd(row), answer)
  }
}
