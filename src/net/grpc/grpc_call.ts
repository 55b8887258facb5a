import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { Share } from '../budget.ts'
import { EMPTY } from '../incoming.ts'

/** A call whose message has not been read. */
export interface GrpcHead {
  /** `/package.Service/Method`. */
  readonly path: string
  /** Lower-case names, pseudo-headers included. */
  readonly metadata: IncomingHttpHeaders
  /** Address and port of the other side. */
  readonly peer: string
  /** From `grpc-timeout`: monotonic milliseconds after which the client waits no longer. */
  readonly deadline_ms: number | undefined
  /** Aborted when the client cancels or goes away, the deadline passes (to the second) or the server is forced to close. */
  readonly signal: AbortSignal
}

export interface GrpcRequest extends GrpcHead {
  /** The message without compression. The handler may keep it. */
  readonly body: Buffer
}

/** One call. What not every handler wants is made when it is asked for. */
export class Call implements GrpcRequest {
  readonly path: string
  readonly metadata: IncomingHttpHeaders
  readonly peer: string
  readonly deadline_ms: number | undefined
  body: Buffer = EMPTY
  readonly stream: ServerHttp2Stream
  readonly began_ms: number
  /** Of the bytes that may be under way. */
  readonly share: Share
  /** Bytes that have come. */
  received_bytes = 0
  /** The whole message is here. */
  received = false
  answered = false
  #aborter: AbortController | undefined
  #gone = false

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, peer: string, began_ms: number, share: Share) {
    this.share = share
    this.stream = stream
    this.metadata = headers
    this.peer = peer
    this.path = headers[':path'] ?? ''
    this.began_ms = began_ms
    const timeout_ms = parseTimeout(headers['grpc-timeout'] as string | undefined)
    this.deadline_ms = timeout_ms === undefined ? undefined : began_ms + timeout_ms
  }

  get signal(): AbortSignal {
    this.#aborter ??= new AbortController()
    if (this.#gone) this.#aborter.abort()
    return this.#aborter.signal
  }

  abort(): void {
    this.#gone = true
    this.#aborter?.abort()
  }
}

const UNITS_MS: Record<string, number> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 }

/** `grpc-timeout`: up to eight digits and a unit. Milliseconds; undefined if absent or not to be read. */
export function parseTimeout(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const match = /^(\d{1,8})([HMSmun])$/.exec(header)
  return match === null ? undefined : Number(match[1]) * UNITS_MS[match[2]!]!
}
