/** Messages in a structured attribute or body: lists and maps of AnyValue (opentelemetry/proto/common/v1/common.proto). */
import { next, readLength, readUint32, skipValue } from '../../otlp/cursor.ts'
import { ARRAY, BOOL, boolOf, contentStart, EMPTY, KVLIST, STRING, valueKind } from '../../telemetry/any_value.ts'
import type { MessageReader } from './message_reader.ts'
import { keyWords, ROOT } from './vocabulary.ts'

/** Tells a reader of structures of AnyValues, one after the other, and says meanwhile where what it tells stands. */
export class ValueMessages {
  /** What is being told stands in this field, tag included, whose content (an AnyValue, or a key) is [contentFrom, contentTo). */
  fieldFrom = 0
  contentFrom = 0
  contentTo = 0
  /** False: a key stood behind its value, so that what is told is not in the order of the bytes. */
  inOrder = true

  /** Tells the reader of the AnyValue in [start, end). Texts and keys are told by their content. */
  read(bytes: Buffer, start: number, end: number, reader: MessageReader): void {
    this.inOrder = true
    this.#value(ROOT, bytes, start, start, end, reader)
  }

  /** Nesting is bounded where the bytes came in. */
  #value(key: number, bytes: Buffer, field: number, start: number, end: number, reader: MessageReader): void {
    const kind = valueKind(bytes, start, end)
    const content = contentStart(bytes, start, end)
    this.fieldFrom = field
    this.contentFrom = start
    this.contentTo = end
    if (kind === STRING) reader.take(key, content, end, 0)
    else if (kind === ARRAY && content >= end) reader.takeEmptyList(key)
    else if (kind === EMPTY || (kind === KVLIST && content >= end)) reader.takeNothing(key)
    else if (kind === BOOL) reader.takeBool(key, boolOf(bytes, start, end) === true)
    else if (kind === ARRAY || kind === KVLIST) this.#container(key, bytes, kind === KVLIST, content, end, reader)
    else reader.takeOther(key, content, end)
  }

  #container(key: number, bytes: Buffer, isObject: boolean, start: number, end: number, reader: MessageReader): void {
    if (!reader.enter(key, isObject, start, false)) return reader.pass(end)
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const field = at
      const value = next
      at = skipValue(tag & 7, bytes, value, end)
      if (tag !== FIRST) continue
      readLength(bytes, value, end)
      if (isObject) this.#pair(bytes, next, at, reader)
      else this.#value(key, bytes, field, next, at, reader)
    }
    reader.leave(key, isObject, end)
  }

  #pair(bytes: Buffer, start: number, end: number, reader: MessageReader): void {
    let keyField = -1
    let keyStart = start
    let keyEnd = start
    let valueField = -1
    let valueStart = -1
    let valueEnd = -1
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const field = at
      const content = next
      at = skipValue(tag & 7, bytes, content, end)
      if (tag !== FIRST && tag !== SECOND) continue
      readLength(bytes, content, end)
      if (tag === FIRST) {
        keyField = field
        keyStart = next
        keyEnd = at
      } else {
        valueField = field
        valueStart = next
        valueEnd = at
      }
    }
    if (keyField > valueField && valueField >= 0) this.inOrder = false
    const key = keyWords.find(bytes, keyStart, keyEnd)
    this.fieldFrom = keyField
    this.contentFrom = keyStart
    this.contentTo = keyEnd
    reader.name(key, keyStart, keyEnd, 0)
    if (valueStart < 0) reader.takeNothing(key)
    else this.#value(key, bytes, valueField, valueStart, valueEnd, reader)
  }
}

const FIRST = 0x0a
const SECOND = 0x12
