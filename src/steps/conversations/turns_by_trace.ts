const PLACES = 1 << 16
const SEVERAL = -1

/** To which conversation traces belong that came lately, and which turn of it they are: the latest of those that share a place. */
export class TurnsByTrace {
  readonly #traces = new Int32Array(PLACES)
  readonly #conversations = new Float64Array(PLACES)
  /** Of which conversation the turn is: a trace may be a turn of several. */
  readonly #turnOwners = new Float64Array(PLACES)
  readonly #turns = new Int32Array(PLACES)

  get size_bytes(): number {
    return PLACES * 24
  }

  /** The trace names that conversation. Trace 0 is none. */
  join(trace: number, conversation: number): void {
    if (trace === 0) return
    const place = this.#obtain(trace)
    const known = this.#conversations[place]!
    if (known === 0) this.#conversations[place] = conversation
    else if (known !== conversation) this.#conversations[place] = SEVERAL
  }

  /** 0 if none is known, or several are. */
  conversationOf(trace: number): number {
    const place = placeOf(trace)
    if (trace === 0 || this.#traces[place] !== trace) return 0
    return Math.max(0, this.#conversations[place]!)
  }

  note(trace: number, conversation: number, turn: number): void {
    if (trace === 0) return
    const place = this.#obtain(trace)
    this.#turnOwners[place] = conversation
    this.#turns[place] = turn
  }

  /** 0: it is not known to be one. */
  turnOf(trace: number, conversation: number): number {
    const place = placeOf(trace)
    if (trace === 0 || this.#traces[place] !== trace || this.#turnOwners[place] !== conversation) return 0
    return this.#turns[place]!
  }

  #obtain(trace: number): number {
    const place = placeOf(trace)
    if (this.#traces[place] === trace) return place
    this.#traces[place] = trace
    this.#conversations[place] = this.#turnOwners[place] = this.#turns[place] = 0
    return place
  }
}

function placeOf(trace: number): number {
  return (Math.imul(trace, 0x9e3779b1) >>> 16) & (PLACES - 1)
}
