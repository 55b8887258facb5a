import type { Clock } from './clock.ts'
import type { Meter } from './metrics/meter.ts'

/** Something of which the daemon has one, for all its components. Each stands, exported, in the file of what it gives. */
export interface Service<T> {
  /** Called when somebody first asks for it. What has a `close` is closed when the daemon ends. */
  make(services: Services): T
}

/** What services are made of, and how they are asked for: every `Host` is one. */
export interface Services {
  readonly clock: Clock
  readonly meter: Meter
  /** Into how many shards state by trace is cut (`service.shards`). */
  readonly shards: number
  service<T>(service: Service<T>): T
}

/** All services of a daemon. */
export class MadeServices implements Services {
  readonly clock: Clock
  readonly meter: Meter
  readonly shards: number
  readonly #made = new Map<unknown, unknown>()

  constructor({ clock, meter, shards }: Omit<Services, 'service'>) {
    this.clock = clock
    this.meter = meter
    this.shards = shards
  }

  service<T>(service: Service<T>): T {
    return this.once(service, () => service.make(this))
  }

  /** What stands under that key; made if there is nothing yet. */
  once<T>(key: unknown, make: () => T): T {
    if (!this.#made.has(key)) this.#made.set(key, make())
    return this.#made.get(key) as T
  }

  async close(): Promise<void> {
    for (const value of this.#made.values()) await (value as { close?(): unknown } | undefined)?.close?.()
  }
}
