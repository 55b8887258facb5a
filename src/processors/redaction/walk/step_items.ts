/** Which items are of steps: by what they carry, by their scope's name, or by what else their scope says in the batch. */
import type { Effort } from '../../../content/detectors/effort.ts'
import { next, readUint32, skipValue } from '../../../otlp/cursor.ts'
import type { MessageName } from '../../../otlp/schema.ts'
import { contentStart, KVLIST, valueKind } from '../../../telemetry/any_value.ts'
import { fieldEnd, fieldStart, findField } from '../../../telemetry/find_field.ts'
import { ITEM } from '../../../telemetry/layout.ts'
import type { ViewedBytes } from '../texts/byte_cache.ts'
import { findEventName } from './event_name.ts'
import { EVENT, KEY, type Keys } from './keys.ts'
import { tagOf } from './walk_steps.ts'

/** Tags of the fields of an item that may tell. */
interface TellingFields {
  readonly attributes: number
  readonly events: number
  readonly body: number
  readonly name: number
}

const NONE = 0
const KEY_TAG = tagOf('KeyValue', 'key')
const EVENT_NAME_TAG = tagOf('Event', 'name')
const EVENT_ATTRIBUTES_TAG = tagOf('Event', 'attributes')

const telling: Partial<Record<MessageName, TellingFields>> = {
  Span: { attributes: tagOf('Span', 'attributes'), events: tagOf('Span', 'events'), body: NONE, name: NONE },
  LogRecord: {
    attributes: tagOf('LogRecord', 'attributes'),
    events: NONE,
    body: tagOf('LogRecord', 'body'),
    name: NONE,
  },
  // Attributes of its points are like those of the calls that it counts, so that its name is enough.
  Metric: { attributes: NONE, events: NONE, body: NONE, name: tagOf('Metric', 'name') },
}

const UNREAD = -1
/** What looking for marks takes, in steps for a byte. */
const BYTE_STEPS = 1 / 16

/** Looks for marks when somebody asks: once for an item, and once for its scope in a batch. */
export class StepItems {
  readonly #keys: Keys
  readonly #effort: Effort
  #message: MessageName = 'Span'
  #start = 0
  #end = 0
  #event = -1
  /** 1: the item is of a step, 0: it is not, or UNREAD. Of the scope, the same of any of its items. */
  #item = 0
  #scope = 0
  /** What the scope's name says, as EVENT has it. */
  #scopeClass = 0
  /** Of the keys of the item, the bit that makes it one of a step. */
  #mark: number = KEY.ofStep
  #rows: Int32Array = new Int32Array(0)
  #first = 0
  #count = 0

  constructor(keys: Keys, effort: Effort) {
    this.#keys = keys
    this.#effort = effort
  }

  /** The items to come are `count` rows of `rows` (`ITEM`) from `first` on. `scopeClass`: what their scope's name says. */
  enterScope(scopeClass: number, rows: Int32Array, first: number, count: number): void {
    this.#scopeClass = scopeClass
    this.#scope = UNREAD
    this.#rows = rows
    this.#first = first
    this.#count = count
  }

  /**
   * The item [start, end) is walked next; `event`: the field of a log record's event name, -1 without one. Resources and
   * scopes are of no step.
   */
  begin(message: MessageName, start: number, end: number, event: number): void {
    this.#message = message
    this.#start = start
    this.#end = end
    this.#event = event
    // A line of a log is one of a program that may speak of anything, in any words.
    const isLine = message === 'LogRecord' && event < 0
    this.#mark = isLine ? KEY.surelyOfStep : KEY.ofStep
    const isNamed = (this.#scopeClass & (isLine ? EVENT.surelyOfStep : EVENT.ofStep)) !== 0
    this.#item = telling[message] === undefined ? 0 : isNamed ? 1 : UNREAD
  }

  /** Whether `isStep` looks at no other item of the scope. */
  get isCheap(): boolean {
    return this.#item !== UNREAD || this.#scope !== UNREAD || !this.#followsScope
  }

  isStep(source: ViewedBytes): boolean {
    if (this.#item === UNREAD) this.#item = this.#find(source) ? 1 : 0
    return this.#item === 1
  }

  #find(source: ViewedBytes): boolean {
    // The item is one of its scope's.
    if (this.#scope === 0) return false
    if (this.#scope === 1 && this.#followsScope) return true
    if (this.#isEventOfStep(source, this.#event) || this.#hasMark(source, this.#start, this.#end)) return true
    return this.#followsScope && this.#scopeHasSteps(source)
  }

  /** Log records without an event's name are lines of a program that may log anything under one scope. */
  get #followsScope(): boolean {
    return this.#message === 'Span' || this.#event >= 0
  }

  #scopeHasSteps(source: ViewedBytes): boolean {
    if (this.#scope === UNREAD) {
      this.#scope = 0
      for (let item = this.#first; item < this.#first + this.#count && this.#scope === 0; item++) {
        const row = item * ITEM.width
        const start = this.#rows[row + ITEM.start]!
        const end = this.#rows[row + ITEM.end]!
        const event = this.#message === 'LogRecord' ? findEventName(source.bytes, start, end) : -1
        if (this.#isEventOfStep(source, event) || this.#hasMark(source, start, end)) this.#scope = 1
      }
    }
    return this.#scope === 1
  }

  #hasMark(source: ViewedBytes, start: number, end: number): boolean {
    const { bytes } = source
    const fields = telling[this.#message]!
    this.#effort.spend((end - start) * BYTE_STEPS)
    for (let at = start; at < end; ) {
      // Most attributes are short: tag, length, and the key as the first field.
      if (bytes[at] === fields.attributes && bytes[at + 1]! < 128) {
        const content = at + 2
        at = content + bytes[at + 1]!
        if (this.#isKeyOfStep(source, content, at)) return true
        continue
      }
      const tag = readUint32(bytes, at, end)
      const value = next
      at = skipValue(tag & 7, bytes, value, end)
      if (tag === fields.attributes) {
        if (this.#isKeyOfStep(source, fieldStart(bytes, value), at)) return true
      } else if (tag === fields.events) {
        if (this.#isMarkedEvent(source, fieldStart(bytes, value), at)) return true
      } else if (tag === fields.body) {
        if (this.#isMarkedMap(source, fieldStart(bytes, value), at)) return true
      } else if (tag === fields.name) return this.#marks(source, fieldStart(bytes, value), at)
    }
    return false
  }

  #isMarkedEvent(source: ViewedBytes, start: number, end: number): boolean {
    const { bytes } = source
    if (this.#isEventOfStep(source, findField(bytes, start, end, EVENT_NAME_TAG))) return true
    return this.#isAnyMarked(source, start, end, EVENT_ATTRIBUTES_TAG)
  }

  /** A body that is a map has attributes of its own. */
  #isMarkedMap(source: ViewedBytes, start: number, end: number): boolean {
    const { bytes } = source
    if (valueKind(bytes, start, end) !== KVLIST) return false
    return this.#isAnyMarked(source, contentStart(bytes, start, end), end, tagOf('KeyValueList', 'values'))
  }

  #isAnyMarked(source: ViewedBytes, start: number, end: number, pairs: number): boolean {
    const { bytes } = source
    for (let at = start; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const value = next
      at = skipValue(tag & 7, bytes, value, end)
      if (tag === pairs && this.#isKeyOfStep(source, fieldStart(bytes, value), at)) return true
    }
    return false
  }

  /** Of the KeyValue in [start, end). */
  #isKeyOfStep(source: ViewedBytes, start: number, end: number): boolean {
    const { bytes } = source
    if (bytes[start] === KEY_TAG && bytes[start + 1]! < 128)
      return this.#marks(source, start + 2, start + 2 + bytes[start + 1]!)
    const key = findField(bytes, start, end, KEY_TAG)
    return key >= 0 && this.#marks(source, fieldStart(bytes, key), fieldEnd(bytes, key))
  }

  #marks(source: ViewedBytes, start: number, end: number): boolean {
    return (this.#keys.classOf(source, start, end) & this.#mark) !== 0
  }

  #isEventOfStep(source: ViewedBytes, name: number): boolean {
    return name >= 0 && (this.#keys.eventOf(source, name) & EVENT.ofStep) !== 0
  }
}
