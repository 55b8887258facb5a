import { type Clock, systemClock } from '../../self/clock.ts'
import { GrpcCode } from '../grpc/grpc_status.ts'
import type { ProxyServer } from '../proxy.ts'
import type { ClientConnection, KeepAlive } from './client_connection.ts'
import type { DialTls } from './dial.ts'
import { BROKEN_OFF, Flight, type GrpcChannelCall } from './flight.ts'
import { failed, type GrpcOutcome } from './grpc_outcome.ts'
import { GrpcPeer, type GrpcPeerOptions } from './grpc_peer.ts'
import { type AddressLookup, keyOf, lookupAll, type PeerAddress } from './peer_address.ts'
import { Resolver } from './resolver.ts'

export interface GrpcChannelOptions {
  /** A host is looked up, unless `isOne` or a proxy does it. */
  readonly address: PeerAddress
  /** One connection to whichever address of the host answers first. */
  readonly isOne?: boolean
  readonly tls?: DialTls | undefined
  readonly proxy?: ProxyServer | undefined
  /** `round_robin`: calls go to all addresses by turns. `pick_first`: to the first that can be reached. */
  readonly balancer: 'round_robin' | 'pick_first'
  /** True: a call waits for a connection as long as it may last. False: it fails while there is no hope for one. */
  readonly wait_for_ready?: boolean
  readonly keepalive?: KeepAlive | undefined
  readonly clock?: Clock
  readonly lookup?: AddressLookup
  /** Numbers from 0 up to 1. */
  readonly random?: () => number
}

/** More addresses of one host than this get no connection. */
const ADDRESSES_MAX = 100

/**
 * Unary calls to a server that may have several addresses. Connects when the first call comes.
 *
 * A call waits while there is an attempt to connect, or while all servers have as many calls as they let run; it fails with UNAVAILABLE while there is none (all addresses rest
 * after a failure, 1 to 10 s). A call that the server has certainly not looked at (GOAWAY, REFUSED_STREAM) is sent once
 * more, on another connection if there is one.
 */
export class GrpcChannel {
  readonly #options: GrpcChannelOptions
  readonly #clock: Clock
  readonly #resolver: Resolver
  readonly #peers = new Map<string, GrpcPeer>()
  readonly #peerOptions: GrpcPeerOptions
  /** In the order of the lookup. */
  #order: GrpcPeer[] = []
  #turn = 0
  readonly #waiting = new Set<Flight>()
  #reason = 'not connected'
  /** Servers say when they are probed too often; then it is done half as often. */
  #keepaliveFactor = 1
  #isClosed = false

  constructor(options: GrpcChannelOptions) {
    const {
      address,
      isOne = false,
      proxy,
      tls,
      lookup = lookupAll,
      clock = systemClock,
      random = Math.random,
    } = options
    this.#options = options
    this.#clock = clock
    this.#resolver = new Resolver({
      address,
      lookup: isOne || proxy !== undefined ? undefined : lookup,
      clock,
      random,
      onFound: (addresses) => this.#found(addresses),
      onFailed: (reason) => this.#lost(reason),
    })
    this.#peerOptions = {
      tls,
      proxy,
      clock,
      random,
      keepalive: () => this.#keepalive(),
      onTooManyPings: () => void (this.#keepaliveFactor *= 2),
      onRoom: () => this.#settle(),
      onChange: (peer) => this.#changed(peer),
    }
  }

  /** Resolves with what became of the call, whatever it is. */
  call(call: GrpcChannelCall): Promise<GrpcOutcome> {
    if (call.signal.aborted) return Promise.resolve(BROKEN_OFF)
    return new Promise((resolve) => {
      const flight = new Flight(call, this.#clock.monotonic_ms(), (outcome) => {
        this.#waiting.delete(flight)
        resolve(outcome)
      })
      this.#begin(flight)
    })
  }

  /** Calls under way end as they may; no new ones begin. */
  leave(): void {
    this.#stop()
    for (const peer of this.#peers.values()) peer.leave()
  }

  /** Calls under way end with UNAVAILABLE. */
  close(): void {
    this.#stop()
    for (const peer of this.#peers.values()) peer.close()
  }

  #stop(): void {
    this.#isClosed = true
    this.#resolver.close()
    this.#reason = 'the client is closed'
    this.#failWaiting(this.#reason)
  }

  #begin(flight: Flight): void {
    const connection = this.#pick()
    if (connection !== undefined) return this.#send(flight, connection)
    this.#wake()
    this.#waiting.add(flight)
    if (this.#isHopeless) this.#failWaiting(this.#reason)
  }

  #send(flight: Flight, connection: ClientConnection): void {
    this.#waiting.delete(flight)
    flight.send(connection, this.#clock.monotonic_ms(), (returned) => this.#begin(returned))
  }

  /** By turns, or the first there is; undefined if none can take a call now. */
  #pick(): ClientConnection | undefined {
    const count = this.#order.length
    const first = this.#options.balancer === 'pick_first' ? 0 : this.#turn
    for (let step = 0; step < count; step++) {
      const at = (first + step) % count
      const { connection } = this.#order[at]!
      if (connection === undefined) continue
      this.#turn = at + 1
      return connection
    }
    return undefined
  }

  /** Nothing is under way that could lead to a connection. */
  get #isHopeless(): boolean {
    if (this.#isClosed) return true
    if (this.#options.wait_for_ready === true || this.#resolver.isRunning) return false
    return this.#order.every(({ state }) => state === 'resting')
  }

  #wake(): void {
    if (this.#isClosed) return
    this.#resolver.begin()
    if (this.#options.balancer === 'round_robin') for (const peer of this.#order) peer.connect()
    else if (!this.#order.some(({ state, isSlow }) => state === 'ready' || (state === 'connecting' && !isSlow))) {
      this.#order.find(({ state }) => state === 'idle')?.connect()
    }
  }

  /** A peer that is not among them takes no more calls. */
  #found(addresses: readonly PeerAddress[]): void {
    const wanted = new Map(addresses.slice(0, ADDRESSES_MAX).map((address) => [keyOf(address), address]))
    for (const [key, peer] of this.#peers) {
      if (wanted.has(key)) continue
      this.#peers.delete(key)
      peer.leave()
    }
    for (const [key, address] of wanted) {
      if (!this.#peers.has(key)) this.#peers.set(key, new GrpcPeer(address, this.#peerOptions))
    }
    this.#order = [...wanted.keys()].map((key) => this.#peers.get(key)!)
    this.#settle()
  }

  #changed(peer: GrpcPeer): void {
    if (this.#isClosed) return
    if (peer.state === 'idle' || peer.state === 'resting') this.#resolver.again()
    if (peer.state === 'resting') this.#lost(peer.reason)
    else this.#settle()
  }

  #lost(reason: string): void {
    this.#reason = reason
    this.#settle()
  }

  /** Something has changed: connects what may connect, sends or fails what waits. */
  #settle(): void {
    if (this.#isClosed) return
    this.#wake()
    for (const flight of this.#waiting) {
      const connection = this.#pick()
      if (connection === undefined) break
      this.#send(flight, connection)
    }
    if (this.#isHopeless) this.#failWaiting(this.#reason)
  }

  #failWaiting(reason: string): void {
    const outcome = failed(GrpcCode.UNAVAILABLE, reason)
    for (const flight of this.#waiting) flight.end(outcome)
  }

  #keepalive(): KeepAlive | undefined {
    const { keepalive } = this.#options
    return keepalive && { ...keepalive, time_ms: keepalive.time_ms * this.#keepaliveFactor }
  }
}
