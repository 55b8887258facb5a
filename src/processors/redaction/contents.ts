import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { Output } from '../../otlp/output.ts'
import { ARRAY, contentStart, STRING, valueKind } from '../../telemetry/any_value.ts'

const HASHED = /^\[HASHED hmac-sha256=[\da-f]{64}\]$/
const HASHED_LENGTH = '[HASHED hmac-sha256=]'.length + 64
const TRUNCATED = / \[TRUNCATED length=\d+\]$/
const TRUNCATED_MAX = 40
const LENGTH_MAX = 256

/** What the policies `hash` and `truncate` leave of content. */
export class Contents {
  readonly #key: KeyObject | undefined
  readonly #length_max: number

  constructor(key: string | undefined, length_max = LENGTH_MAX) {
    this.#key = key === undefined ? undefined : createSecretKey(Buffer.from(key))
    this.#length_max = length_max
  }

  /** Whether there is a key to hash with. */
  get hashes(): boolean {
    return this.#key !== undefined
  }

  /**
   * `[HASHED hmac-sha256=…]`: HMAC-SHA-256 (RFC 2104) of the text, or of the encoded value of a list, a map or bytes.
   * Undefined if there is nothing to hash: a number, an empty text, what was hashed before.
   */
  hashedText(bytes: Buffer, start: number, end: number): string | undefined {
    const kind = valueKind(bytes, start, end)
    if (kind < ARRAY && kind !== STRING) return undefined
    const from = contentStart
    if (from === end || this.#key === undefined) return undefined
    if (end - from === HASHED_LENGTH && HASHED.test(bytes.toString('latin1', from, end))) return undefined
    return `[HASHED hmac-sha256=${createHmac('sha256', this.#key).update(bytes.subarray(from, end)).digest('hex')}]`
  }

  /** Whether the text [start, end) has more characters than may be left, and was not truncated before. */
  isLong(bytes: Buffer, start: number, end: number): boolean {
    const note = bytes.toString('latin1', Math.max(start, end - TRUNCATED_MAX), end).match(TRUNCATED)
    const text = note === null ? end : end - note[0].length
    return this.#cut(bytes, start, text) < text
  }

  /** Leaves the beginning of what was written to `out` from `start` on, and notes how long the text was, in bytes: ` [TRUNCATED length=6210]`. */
  truncate(out: Output, start: number, length_bytes: number): void {
    const cut = this.#cut(out.bytes, start, out.end)
    if (cut === out.end) return
    out.end = cut
    const note = Buffer.from(` [TRUNCATED length=${length_bytes}]`)
    out.copy(note, 0, note.length)
  }

  /** The end of the characters that may be left. */
  #cut(bytes: Buffer, start: number, end: number): number {
    let characters = 0
    let p = start
    for (; p < end; p++) if ((bytes[p]! & 0xc0) !== 0x80 && ++characters > this.#length_max) break
    return p
  }
}
