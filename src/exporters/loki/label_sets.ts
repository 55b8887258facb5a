/** Which label sets there are: the labels of a stream as Loki writes them, and a bound on how many are in use. */
import type { Clock } from '../../self/clock.ts'
import { KeySet } from '../../telemetry/key_set.ts'

export const SERVICE_NAME = 'service_name'
const SERVICE_KEY = 'service.name'
/** What Loki calls a stream without a service name, too. */
const UNKNOWN_SERVICE = 'unknown_service'

export interface LabelSettings {
  readonly resource: readonly string[]
  readonly attributes: readonly string[]
  readonly static: Readonly<Record<string, string>>
}

/**
 * The label that an attribute becomes: as Loki names it. It makes one underscore of several in a row, and answers a name
 * of nothing else with an error that looks worth a retry.
 */
export function labelNameOf(key: string): string {
  const name = key.replace(/[^a-zA-Z0-9]+/g, '_')
  if (name === '_' || name === '') return 'unnamed'
  return /^[0-9]/.test(name) ? `key_${name}` : name
}

/** The labels that a config names. A set of values is an array in the order of `names`. */
export class LabelSets {
  /** Sorted: so Loki has them. */
  readonly names: readonly string[]
  readonly resourceKeys: KeySet
  readonly attributeKeys: KeySet
  /** Slot in `names` of each key of `resourceKeys` and `attributeKeys`. */
  readonly resourceSlots: readonly number[]
  readonly attributeSlots: readonly number[]
  readonly #statics: readonly (readonly [slot: number, value: string])[]
  readonly #service: number

  constructor(settings: LabelSettings) {
    const resource = [...new Set([SERVICE_KEY, ...settings.resource])]
    const names = [
      ...resource.map(labelNameOf),
      ...settings.attributes.map(labelNameOf),
      ...Object.keys(settings.static),
    ]
    this.names = [...new Set(names)].sort()
    const slotOf = (key: string) => this.names.indexOf(labelNameOf(key))
    this.resourceKeys = new KeySet(resource)
    this.attributeKeys = new KeySet(settings.attributes)
    this.resourceSlots = resource.map(slotOf)
    this.attributeSlots = settings.attributes.map(slotOf)
    this.#statics = Object.entries(settings.static).map(([name, value]) => [this.names.indexOf(name), value])
    this.#service = this.names.indexOf(SERVICE_NAME)
  }

  /** Values with the static ones and an unknown service. */
  blank(): string[] {
    const values = this.names.map(() => '')
    for (const [slot, value] of this.#statics) values[slot] = value
    values[this.#service] = UNKNOWN_SERVICE
    return values
  }

  /** The values of a stream for what finds no place: only the service, or not even that, and the static ones. */
  reduced(values: readonly string[], keepsService: boolean): string[] {
    const blank = this.blank()
    if (keepsService) blank[this.#service] = values[this.#service]!
    return blank
  }

  /** `{name="value", …}`; a label without a value is no label. */
  text(values: readonly string[]): string {
    const pairs = values.map((value, slot) => (value === '' ? '' : `${this.names[slot]}=${quote(value)}`))
    return `{${pairs.filter((pair) => pair !== '').join(', ')}}`
  }
}

/** A Go string literal: JSON's escapes are some of Go's. */
function quote(value: string): string {
  return JSON.stringify(value)
}

/** Bounds how many label sets are in use: those that had a line within `idle_ms`. */
export class StreamsInUse {
  readonly #max: number
  readonly #idle_ms: number
  readonly #clock: Clock
  /** Monotonic time of the last use, the longest unused first. */
  readonly #used = new Map<string, number>()

  constructor(max: number, idle_ms: number, clock: Clock) {
    this.#max = max
    this.#idle_ms = idle_ms
    this.#clock = clock
  }

  get size(): number {
    return this.#used.size
  }

  /** True if the label set may be used; `share` is how many times the bound holds for it. */
  admit(labels: string, share = 1): boolean {
    const now_ms = this.#clock.monotonic_ms()
    if (!this.#used.delete(labels)) {
      if (this.#used.size >= this.#max * share) this.#forgetIdle(now_ms)
      if (this.#used.size >= this.#max * share) return false
    }
    this.#used.set(labels, now_ms)
    return true
  }

  #forgetIdle(now_ms: number): void {
    for (const [labels, used_ms] of this.#used) {
      if (now_ms - used_ms < this.#idle_ms) return
      this.#used.delete(labels)
    }
  }
}
