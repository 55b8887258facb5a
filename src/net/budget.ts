import { type Refusal, retryLater } from '../refusal.ts'

/**
 * How many bytes of requests may be in memory at once, over all connections of all servers that share the budget.
 * Bytes are taken before they are there, and as they arrive, not as a header promises them: a sender that announces
 * much and sends little takes nothing away from the others.
 */
export class ByteBudget {
  readonly #size: () => number
  readonly #onTake: (bytes: number) => void
  #taken_bytes = 0

  /** A function where the size may change while the process runs. `onTake` is told of bytes before they are taken. */
  constructor(size: number | (() => number), onTake: (bytes: number) => void = () => undefined) {
    this.#size = typeof size === 'number' ? () => size : size
    this.#onTake = onTake
  }

  get size_bytes(): number {
    return this.#size()
  }

  get taken_bytes(): number {
    return this.#taken_bytes
  }

  /** Is it more than half taken? Then who sends too slowly has to go. */
  get isShort(): boolean {
    return this.#taken_bytes > this.size_bytes / 2
  }

  /** Would this many bytes more fit just now? */
  fits(bytes: number): boolean {
    return this.#taken_bytes + bytes <= this.size_bytes
  }

  /** Takes the bytes and returns true, or takes nothing and returns false. */
  take(bytes: number): boolean {
    this.#onTake(bytes)
    if (!this.fits(bytes)) return false
    this.#taken_bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#taken_bytes -= bytes
  }
}

/** Where bytes are taken from before they are made. */
export interface BytesRoom {
  take(bytes: number): boolean
  give(bytes: number): void
}

/**
 * One request's share of a budget. It is given back when the request is over and nobody works on it any more: a client
 * that goes away does not make the bytes go that are being unpacked or handled.
 */
export class Share implements BytesRoom {
  readonly #budget: ByteBudget
  #taken_bytes = 0
  #workers = 0
  #isOver = false

  constructor(budget: ByteBudget) {
    this.#budget = budget
  }

  get taken_bytes(): number {
    return this.#taken_bytes
  }

  /** Of the whole budget. */
  get size_bytes(): number {
    return this.#budget.size_bytes
  }

  /** Would this many bytes more fit just now? */
  fits(bytes: number): boolean {
    return this.#budget.fits(bytes)
  }

  /** False: there is no room, or nobody is left who wants the bytes. */
  take(bytes: number): boolean {
    if (this.#isOver && this.#workers === 0) return false
    if (!this.#budget.take(bytes)) return false
    this.#taken_bytes += bytes
    return true
  }

  give(bytes: number): void {
    const given = Math.min(bytes, this.#taken_bytes)
    this.#taken_bytes -= given
    this.#budget.give(given)
  }

  /** Somebody works on the bytes from now on, until `leave`. */
  enter(): void {
    this.#workers++
  }

  leave(): void {
    this.#workers--
    this.#settle()
  }

  /** The request has been answered, or its client has gone. */
  end(): void {
    this.#isOver = true
    this.#settle()
  }

  #settle(): void {
    if (this.#isOver && this.#workers === 0) this.give(this.#taken_bytes)
  }
}

/** What a sender is told for whose bytes there is no room now. One for all: a new one would note its stack each time. */
export const OVERLOAD: Refusal = retryLater('in_flight', 'too many bytes are in flight, send it again later', 1_000)
