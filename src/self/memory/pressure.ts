/**
 * Whether the process is short of something, so that receivers can refuse a request before they read it.
 */
import type { Refusal } from '../../refusal.ts'
import type { Service, Services } from '../services.ts'

export class Pressure {
  readonly #refusals = new Map<string, Refusal>()

  /** Says why `id` refuses, or (undefined) that it does not any more. */
  set(id: string, refusal: Refusal | undefined): void {
    if (refusal === undefined) this.#refusals.delete(id)
    else this.#refusals.set(id, refusal)
  }

  /** Why nothing is taken now; undefined if things are. */
  refusal(): Refusal | undefined {
    if (this.#refusals.size === 0) return undefined
    return this.#refusals.values().next().value
  }
}

const PRESSURE: Service<Pressure> = { make: () => new Pressure() }

/** The daemon's, by any host of its components. */
export function pressureOf(host: Pick<Services, 'service'>): Pressure {
  return host.service(PRESSURE)
}
