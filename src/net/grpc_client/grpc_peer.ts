import type { Socket } from 'node:net'
import type { Clock, Timer } from '../../self/clock.ts'
import { networkErrorName } from '../network_error.ts'
import { BackOff } from './back_off.ts'
import { ClientConnection, type KeepAlive } from './client_connection.ts'
import { AlpnError, type DialOptions, dial } from './dial.ts'
import type { PeerAddress } from './peer_address.ts'
import { TunnelError } from './tunnel.ts'

export interface GrpcPeerOptions extends DialOptions {
  readonly clock: Clock
  readonly random: () => number
  keepalive(): KeepAlive | undefined
  onTooManyPings(): void
  /** Its connection lets more calls run than before. */
  onRoom(): void
  /** The state is another one, or an attempt to connect is slow. */
  onChange(peer: GrpcPeer): void
}

/** A connection that is not there after so long will not come. */
const CONNECT_MS = 20_000
/** After so long another address is worth a try as well. */
const SLOW_MS = 250

/**
 * One address, and the connection to it. `idle`: none, and nothing stands in the way of one. `resting`: the last attempt
 * failed a short time ago.
 */
export class GrpcPeer {
  readonly #address: PeerAddress
  readonly #options: GrpcPeerOptions
  readonly #backOff: BackOff
  #state: 'idle' | 'connecting' | 'ready' | 'resting' | 'closed' = 'idle'
  #connection: ClientConnection | undefined
  /** Connections that end with their last call. */
  readonly #leaving = new Set<ClientConnection>()
  #attempt: AbortController | undefined
  #timer: Timer | undefined
  #slowTimer: Timer | undefined
  #isSlow = false
  /** One reconnection is for free after each connection that has worked. */
  #isTrusted = true
  #reason = ''

  constructor(address: PeerAddress, options: GrpcPeerOptions) {
    this.#address = address
    this.#options = options
    this.#backOff = new BackOff(options.random)
  }

  get state(): 'idle' | 'connecting' | 'ready' | 'resting' | 'closed' {
    return this.#state
  }

  /** An attempt to connect takes long. */
  get isSlow(): boolean {
    return this.#state === 'connecting' && this.#isSlow
  }

  /** Why the last attempt failed, or the last connection ended; fit for a log. */
  get reason(): string {
    return this.#reason
  }

  /** Where a call may begin now. */
  get connection(): ClientConnection | undefined {
    const connection = this.#state === 'ready' ? this.#connection : undefined
    return connection?.isOpen && connection.hasRoom ? connection : undefined
  }

  /** Begins to connect if it is idle. */
  connect(): void {
    if (this.#state !== 'idle') return
    this.#state = 'connecting'
    const attempt = new AbortController()
    this.#attempt = attempt
    this.#timer = this.#options.clock.after(CONNECT_MS, () => this.#failed(attempt, 'ETIMEDOUT'))
    this.#isSlow = false
    this.#slowTimer = this.#options.clock.after(SLOW_MS, () => {
      this.#isSlow = true
      this.#options.onChange(this)
    })
    dial(this.#address, this.#options, attempt.signal).then(
      (socket) => this.#dialled(attempt, socket),
      (error: unknown) => this.#failed(attempt, reasonOf(error)),
    )
  }

  /** Calls under way end; no new ones begin. */
  leave(): void {
    const connection = this.#connection
    this.#stop()
    connection?.leave()
  }

  /** Calls under way end with UNAVAILABLE. */
  close(): void {
    this.#stop()
    for (const connection of this.#leaving) connection.destroy('the client is closed')
  }

  #stop(): void {
    this.#state = 'closed'
    this.#timer?.cancel()
    this.#slowTimer?.cancel()
    const attempt = this.#attempt
    this.#attempt = undefined
    attempt?.abort()
    if (this.#connection !== undefined) this.#leaving.add(this.#connection)
    this.#connection = undefined
  }

  #dialled(attempt: AbortController, socket: Socket): void {
    if (attempt !== this.#attempt) return void socket.destroy()
    const { clock, tls, keepalive, onTooManyPings, onRoom } = this.#options
    const connection: ClientConnection = new ClientConnection(socket, {
      isTls: tls !== undefined,
      clock,
      keepalive: keepalive(),
      onReady: () => this.#ready(attempt, connection),
      onLeaving: () => this.#lost(attempt, connection),
      onTooManyPings,
      onRoom,
    })
    this.#connection = connection
    connection.session.once('close', () => this.#leaving.delete(connection))
  }

  #ready(attempt: AbortController, connection: ClientConnection): void {
    if (attempt !== this.#attempt || connection !== this.#connection) return
    this.#timer?.cancel()
    this.#slowTimer?.cancel()
    this.#change('ready')
  }

  /** The connection takes no more calls. One that never worked is a failed attempt. */
  #lost(attempt: AbortController, connection: ClientConnection): void {
    if (attempt !== this.#attempt || connection !== this.#connection) return
    if (this.#state !== 'ready') return this.#failed(attempt, connection.reason)
    this.#connection = undefined
    this.#attempt = undefined
    this.#reason = connection.reason
    if (!connection.session.destroyed) this.#leaving.add(connection)
    if (connection.isProven) {
      this.#backOff.reset()
      this.#isTrusted = true
    }
    if (!this.#isTrusted) return this.#rest()
    this.#isTrusted = false
    this.#change('idle')
  }

  #failed(attempt: AbortController, reason: string): void {
    if (attempt !== this.#attempt) return
    const connection = this.#connection
    this.#attempt = undefined
    this.#connection = undefined
    this.#reason = reason
    attempt.abort()
    connection?.destroy(reason)
    this.#rest()
  }

  #rest(): void {
    this.#timer?.cancel()
    this.#slowTimer?.cancel()
    this.#timer = this.#options.clock.after(this.#backOff.next(), () => this.#change('idle'))
    this.#change('resting')
  }

  #change(state: 'idle' | 'ready' | 'resting'): void {
    this.#state = state
    this.#options.onChange(this)
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof TunnelError || error instanceof AlpnError) return error.message
  return networkErrorName(error) ?? 'network error'
}
