/** Bytes that are no valid OTLP. The message says where and what, never what the content was. */
export class WireError extends Error {
  override readonly name = 'WireError'
  /** Byte offset in the body at which it was noticed. */
  readonly offset: number

  constructor(problem: string, offset: number) {
    super(`${problem} at byte ${offset}`)
    this.offset = offset
  }
}
