import type { Clock, Timer } from '../../self/clock.ts'
import { networkErrorName } from '../network_error.ts'
import { BackOff } from './back_off.ts'
import type { AddressLookup, PeerAddress } from './peer_address.ts'

export interface ResolverOptions {
  readonly address: PeerAddress
  /** Undefined: the address stands for itself, because somebody else looks its host up. */
  readonly lookup: AddressLookup | undefined
  readonly clock: Clock
  readonly random: () => number
  onFound(addresses: readonly PeerAddress[]): void
  /** Nothing was found, and nothing is known from before. */
  onFailed(reason: string): void
}

/** A name is looked up again after each loss of a connection, but not more often. */
const EVERY_MS = 5_000

/** The addresses of a server. A lookup that fails is repeated; what was found before stays in use until then. */
export class Resolver {
  readonly #options: ResolverOptions
  readonly #backOff: BackOff
  #isRunning = false
  #isKnown = false
  #began_ms = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined
  #isClosed = false

  constructor(options: ResolverOptions) {
    this.#options = options
    this.#backOff = new BackOff(options.random)
  }

  /** A lookup is under way. */
  get isRunning(): boolean {
    return this.#isRunning
  }

  /** Looks the name up if nothing is known and nothing is under way. */
  begin(): void {
    if (!this.#isKnown && !this.#isRunning && this.#timer === undefined) this.#look()
  }

  /** Looks it up again, now or as soon as it may be. */
  again(): void {
    if (this.#options.lookup === undefined || this.#isRunning || this.#timer !== undefined) return
    this.#after(this.#began_ms + EVERY_MS - this.#options.clock.monotonic_ms())
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #look(): void {
    const { address, lookup, clock } = this.#options
    if (lookup === undefined || 'path' in address) return this.#found([address])
    this.#isRunning = true
    this.#began_ms = clock.monotonic_ms()
    lookup(address.host).then(
      (hosts) => {
        if (hosts.length > 0) this.#found(hosts.map((host) => ({ host, port: address.port })))
        else this.#failed('the name has no addresses')
      },
      (error: unknown) => this.#failed(networkErrorName(error) ?? 'the name does not resolve'),
    )
  }

  #found(addresses: readonly PeerAddress[]): void {
    if (this.#isClosed) return
    this.#isRunning = false
    this.#isKnown = true
    this.#backOff.reset()
    this.#options.onFound(addresses)
  }

  #failed(reason: string): void {
    if (this.#isClosed) return
    this.#isRunning = false
    this.#after(this.#backOff.next())
    if (!this.#isKnown) this.#options.onFailed(reason)
  }

  #after(wait_ms: number): void {
    this.#timer = this.#options.clock.after(Math.max(0, wait_ms), () => {
      this.#timer = undefined
      this.#look()
    })
  }
}
