/** Messages in a structured attribute or body: lists and maps of AnyValue (opentelemetry/proto/common/v1/common.proto). */
import { next, readLength, readUint32, skipValue } from '../../otlp/cursor.ts'
import { ARRAY, BOOL, boolOf, contentStart, EMPTY, KVLIST, STRING, valueKind } from '../../telemetry/any_value.ts'
import type { Answer } from './answer.ts'
import { MEANING, type Meaning, meaningOf } from './message_keys.ts'

/** Reads the AnyValue in [start, end) into the answer. */
export function readValueMessages(bytes: Buffer, start: number, end: number, answer: Answer): void {
  readValue(MEANING.words, bytes, start, end, answer)
}

/** Nesting is bounded where the bytes came in. */
function readValue(meaning: Meaning, bytes: Buffer, start: number, end: number, answer: Answer): void {
  const kind = valueKind(bytes, start, end)
  const content = contentStart
  if (kind === STRING) answer.take(meaning, content, end, 0)
  else if (kind === ARRAY && content >= end) answer.takeEmptyList(meaning)
  else if (kind === EMPTY || (kind === KVLIST && content >= end)) answer.takeNothing(meaning)
  else if (kind === BOOL) {
    if (boolOf(bytes, start, end) === true) answer.takeTrue(meaning)
  } else if (kind === ARRAY) {
    if (meaning !== MEANING.none && answer.enter(meaning)) readList(meaning, bytes, content, end, answer)
  } else if (kind === KVLIST && meaning !== MEANING.none && answer.enter(meaning) && answer.open()) {
    readMap(bytes, content, end, answer)
    answer.close()
  }
}

const FIRST = 0x0a
const SECOND = 0x12

function readList(meaning: Meaning, bytes: Buffer, start: number, end: number, answer: Answer): void {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    at = skipValue(tag & 7, bytes, value, end)
    if (tag !== FIRST) continue
    readLength(bytes, value, end)
    readValue(meaning, bytes, next, at, answer)
  }
}

function readMap(bytes: Buffer, start: number, end: number, answer: Answer): void {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const value = next
    at = skipValue(tag & 7, bytes, value, end)
    if (tag !== FIRST) continue
    readLength(bytes, value, end)
    readPair(bytes, next, at, answer)
  }
}

function readPair(bytes: Buffer, start: number, end: number, answer: Answer): void {
  let meaning: Meaning = MEANING.none
  let valueStart = -1
  let valueEnd = -1
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const field = next
    at = skipValue(tag & 7, bytes, field, end)
    if (tag !== FIRST && tag !== SECOND) continue
    readLength(bytes, field, end)
    if (tag === FIRST) meaning = meaningOf(bytes, next, at)
    else {
      valueStart = next
      valueEnd = at
    }
  }
  if (meaning === MEANING.none) return
  if (valueStart < 0) answer.takeNothing(meaning)
  else readValue(meaning, bytes, valueStart, valueEnd, answer)
}
