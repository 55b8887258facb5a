import { GrpcCode } from '../grpc/grpc_status.ts'
import type { ClientConnection } from './client_connection.ts'
import { failed, type GrpcOutcome } from './grpc_outcome.ts'
import type { UnaryCall, UnaryRequest } from './unary_call.ts'

export interface GrpcChannelCall extends UnaryRequest {
  /** Ends the call with CANCELLED. */
  readonly signal: AbortSignal
  /** The head for a call that has waited so long for a connection. */
  headAfter(waited_ms: number): readonly string[]
}

/** A call from when it was asked for until its outcome, over all its attempts. Its signal has not aborted yet. */
export class Flight {
  readonly #call: GrpcChannelCall
  readonly #asked_ms: number
  readonly #resolve: (outcome: GrpcOutcome) => void
  #connection: ClientConnection | undefined
  #sent: UnaryCall | undefined
  #sent_ms = 0
  #isReturned = false
  #isDone = false
  readonly #abort = () => this.#aborted()

  constructor(call: GrpcChannelCall, now_ms: number, resolve: (outcome: GrpcOutcome) => void) {
    this.#call = call
    this.#asked_ms = now_ms
    this.#resolve = resolve
    call.signal.addEventListener('abort', this.#abort)
  }

  /** `onReturned`: the peer has not looked at it, and it may go again; that happens once. */
  send(connection: ClientConnection, now_ms: number, onReturned: (flight: Flight) => void): void {
    const waited_ms = now_ms - this.#asked_ms
    const request = waited_ms < 1 ? this.#call : { ...this.#call, head: this.#call.headAfter(waited_ms) }
    this.#connection = connection
    this.#sent_ms = now_ms
    try {
      this.#sent = connection.call(request, (outcome) => this.#answered(outcome, onReturned))
    } catch (error) {
      this.end(failed(GrpcCode.INTERNAL, `the call cannot be made: ${(error as NodeJS.ErrnoException).code}`))
    }
  }

  end(outcome: GrpcOutcome): void {
    if (this.#isDone) return
    this.#isDone = true
    this.#call.signal.removeEventListener('abort', this.#abort)
    this.#resolve(outcome)
  }

  #answered(outcome: GrpcOutcome, onReturned: (flight: Flight) => void): void {
    this.#sent = undefined
    if (!outcome.isUnseen || this.#isReturned || this.#isDone) return this.end(outcome)
    this.#isReturned = true
    onReturned(this)
  }

  #aborted(): void {
    if (this.#sent === undefined) return this.end(BROKEN_OFF)
    this.#connection!.doubt(this.#sent_ms)
    this.#sent.cancel()
  }
}

export const BROKEN_OFF = failed(GrpcCode.CANCELLED, 'broken off')
