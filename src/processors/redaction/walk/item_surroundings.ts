import { findField } from '../../../telemetry/find_field.ts'
import type { ViewedBytes } from '../texts/byte_cache.ts'
import { EVENT, type Keys } from './keys.ts'
import { tagOf } from './walk_steps.ts'

const SCOPE_NAME_TAG = tagOf('Scope', 'name')

/** What the scope, and the event that is walked in it, say of the attributes and the body inside. */
export class ItemSurroundings {
  /** Content group of the attributes of the event, 0 outside of such events. */
  attributesGroup = 0
  /** Content group of the body of a log record. */
  bodyGroup = 0
  readonly #keys: Keys
  /** In a scope or an event of LLM tools, where common names are content. */
  #inModelScope = false
  #inModelEvent = false
  /** For records whose event says nothing. */
  #scopeBodyGroup = 0

  constructor(keys: Keys) {
    this.#keys = keys
  }

  /** Whether names that are too common to say so elsewhere are content here. */
  get areOfModels(): boolean {
    return this.#inModelScope || this.#inModelEvent
  }

  /** The InstrumentationScope message [start, end), -1: none. Returns whether it is one of steps by its name. */
  enterScope(source: ViewedBytes, start: number, end: number): number {
    const name = start < 0 ? -1 : findField(source.bytes, start, end, SCOPE_NAME_TAG)
    const scope = this.#keys.scopeOf(source, name)
    this.#inModelScope = (scope & EVENT.scoped) !== 0
    this.#scopeBodyGroup = scope & EVENT.body
    return scope
  }

  /** `name`: the field in which the event's name stands, -1 for none. */
  enterEvent(source: ViewedBytes, name: number): void {
    const event = this.#keys.eventOf(source, name)
    this.bodyGroup = (event & EVENT.body) === 0 ? this.#scopeBodyGroup : event & EVENT.body
    this.attributesGroup = (event >> EVENT.attributesShift) & 0xff
    this.#inModelEvent = (event & EVENT.scoped) !== 0
  }

  leaveEvent(): void {
    this.bodyGroup = this.attributesGroup = 0
    this.#inModelEvent = false
  }
}
