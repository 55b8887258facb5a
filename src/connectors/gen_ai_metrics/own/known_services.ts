/** What is known of the services that send calls or metrics: who of the two may tell of a family of metrics. */
import { ResourceTexts } from '../../../items/resource_texts.ts'
import type { Clock } from '../../../self/clock.ts'
import type { AnyBatch } from '../../../telemetry/batch.ts'
import { fieldEnd, fieldStart } from '../../../telemetry/find_field.ts'
import { RESOURCE } from '../../../telemetry/layout.ts'

/**
 * How long the metrics of a service that nobody knows are held until its first spans come. An SDK sends both within moments
 * when it ends, and gives a request ten seconds.
 */
export const UNKNOWN_WAIT_MS = 2000
/** The least lately seen go first. */
export const SERVICES_MAX = 4096
const NAME_BYTES_MAX = 256
const NAME_LENGTH_MAX = 100

/** A service: `service.name`, within its `service.namespace`. */
export class ServiceTold {
  /** As labels and the log name it: cut, `unknown` without a name. */
  readonly name: string
  /** Of its calls, spans tell `nothing`, of `all`, or of `some` because it samples at the head. */
  spans: 'nothing' | 'all' | 'some' = 'nothing'
  /** Families (bits) of its own metrics that have been let through: they stay the ones that tell of it. */
  passed = 0
  #isAlone = false
  #waiting: PromiseWithResolvers<void> | undefined

  /** `name`: empty if it has none. */
  constructor(name: string) {
    this.name = name.slice(0, NAME_LENGTH_MAX) || 'unknown'
  }

  /** Not yet known whether spans will tell of its calls. */
  get isUnknown(): boolean {
    return this.spans === 'nothing' && !this.#isAlone
  }

  noteCall(isSampled: boolean): void {
    // What has been counted as all there is stays counted: its own metrics cannot tell of it any more.
    if (this.spans === 'nothing') this.spans = isSampled ? 'some' : 'all'
    this.#decide()
  }

  /** Do its own metrics of the family tell of it, and not what is derived of its spans? */
  ownTell(family: number): boolean {
    return this.spans !== 'all' || (this.passed & (1 << family)) !== 0
  }

  /** Resolves when a call has come, or none for a while. */
  decided(clock: Clock): Promise<void> {
    if (!this.isUnknown) return Promise.resolve()
    if (this.#waiting === undefined) {
      this.#waiting = Promise.withResolvers<void>()
      clock.after(UNKNOWN_WAIT_MS, () => this.stopWaiting())
    }
    return this.#waiting.promise
  }

  /** Its metrics have waited long enough. */
  stopWaiting(): void {
    this.#isAlone = true
    this.#decide()
  }

  #decide(): void {
    this.#waiting?.resolve()
    this.#waiting = undefined
  }
}

const KEYS = ['service.name', 'service.namespace'] as const

export class KnownServices {
  /** True: of no service have own metrics passed, and none samples at the head. So it is nearly everywhere. */
  areAlike = true
  /** By namespace and name, the least lately seen first. */
  readonly #services = new Map<string, ServiceTold>()
  readonly #texts = new ResourceTexts(...KEYS)

  get count(): number {
    return this.#services.size
  }

  /** The service of a resource group. */
  of({ bytes, layout }: AnyBatch, resource: number): ServiceTold {
    const at = resource * RESOURCE.width
    this.#texts.read(bytes, layout.resources[at + RESOURCE.headStart]!, layout.resources[at + RESOURCE.headEnd]!)
    const key = `${this.#text(bytes, 'service.namespace', 'latin1')}\n${this.#text(bytes, 'service.name', 'latin1')}`
    const service = this.#services.get(key) ?? new ServiceTold(this.#text(bytes, 'service.name', 'utf8'))
    this.#services.delete(key)
    this.#services.set(key, service)
    if (this.#services.size > SERVICES_MAX) this.#forgetOldest()
    return service
  }

  /** Nobody waits any more. */
  stopWaiting(): void {
    for (const service of this.#services.values()) if (service.isUnknown) service.stopWaiting()
  }

  #text(bytes: Buffer, key: (typeof KEYS)[number], encoding: 'latin1' | 'utf8'): string {
    const field = this.#texts.field(bytes, KEYS.indexOf(key))
    if (field < 0) return ''
    const start = fieldStart(bytes, field)
    return bytes.toString(encoding, start, Math.min(fieldEnd(bytes, field), start + NAME_BYTES_MAX))
  }

  #forgetOldest(): void {
    const [oldest] = this.#services
    oldest![1].stopWaiting()
    this.#services.delete(oldest![0])
  }
}
