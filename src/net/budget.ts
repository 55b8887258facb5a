/**
 * How many bytes of requests may be in memory at once, over all connections of all servers that share the budget.
 * Bytes are taken as they arrive, not as a header promises them: a sender that announces much and sends little
 * takes nothing away from the others.
 */
export class ByteBudget {
  readonly size_bytes: number
  #taken_bytes = 0

  constructor(size_bytes: number) {
    this.size_bytes = size_bytes
  }

  get taken_bytes(): number {
    return this.#taken_bytes
  }

  /** Would this many bytes more fit just now? */
  fits(bytes: number): boolean {
    return this.#taken_bytes + bytes <= this.size_bytes
  }

  /** Takes the bytes and returns true, or takes nothing and returns false. */
  take(bytes: number): boolean {
    if (!this.fits(bytes)) return false
    this.#taken_bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#taken_bytes -= bytes
  }
}
