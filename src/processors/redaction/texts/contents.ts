import { createHmac, createSecretKey, type KeyObject } from 'node:crypto'
import type { Output } from '../../../otlp/output.ts'
import { ARRAY, contentStart, STRING, valueKind } from '../../../telemetry/any_value.ts'
import type { ContentPolicy } from '../config.ts'
import { droppedPart, droppedText } from './dropped.ts'

const HASHED = /^\[HASHED hmac-sha256=[\da-f]{64}\]$/
const HASHED_LENGTH = '[HASHED hmac-sha256=]'.length + 64
const TRUNCATED = / \[TRUNCATED length=\d+(?: key=\d+)?\]$/
const TRUNCATED_MAX = 60
const LENGTH_MAX = 256
const BACKSLASH = 92
const LETTER_U = 117
/** And the beginning of the low one. */
const HIGH_SURROGATE = /^\\u[dD][89abAB][\da-fA-F]{2}\\u[dD]/

/** What the policies `hash` and `truncate` leave of content. */
export class Contents {
  readonly #key: KeyObject | undefined
  readonly #length_max: number

  constructor(key: string | undefined, length_max = LENGTH_MAX) {
    this.#key = key === undefined ? undefined : createSecretKey(Buffer.from(key))
    this.#length_max = length_max
  }

  /**
   * What stands in place of the AnyValue [start, end) under `drop` or `hash`; without a key, what should be hashed is
   * dropped. Undefined under other policies, and if there is nothing to take out: a number, an empty text, what was taken
   * out before.
   */
  insteadOf(policy: ContentPolicy, bytes: Buffer, start: number, end: number): string | undefined {
    if (policy === 'hash' && this.#key !== undefined) {
      const kind = valueKind(bytes, start, end)
      return kind < ARRAY && kind !== STRING
        ? undefined
        : this.#hashed(this.#key, bytes, contentStart(bytes, start, end), end, false)
    }
    return takesOut(policy) ? droppedText(bytes, start, end) : undefined
  }

  /**
   * As `insteadOf`, for a part of content whose text, or whatever it is, is [start, end), in a JSON string if `inString`.
   * `key`: from 1 on, it is a key, whose placeholder has to differ from others.
   */
  insteadOfPart(policy: ContentPolicy, bytes: Buffer, start: number, end: number, inString: boolean, key: number) {
    if (policy === 'hash' && this.#key !== undefined) return this.#hashed(this.#key, bytes, start, end, inString)
    return takesOut(policy) ? droppedPart(bytes, start, end, key) : undefined
  }

  /**
   * `[HASHED hmac-sha256=…]`: HMAC-SHA-256 (RFC 2104) of the text, also of one in a JSON string, or of the encoded value of
   * a list, a map or bytes.
   */
  #hashed(key: KeyObject, bytes: Buffer, start: number, end: number, inString: boolean): string | undefined {
    if (start === end) return undefined
    if (end - start === HASHED_LENGTH && HASHED.test(bytes.toString('latin1', start, end))) return undefined
    const part = bytes.subarray(start, end)
    const text = inString && part.includes(BACKSLASH) ? (JSON.parse(`"${part.toString()}"`) as string) : part
    return `[HASHED hmac-sha256=${createHmac('sha256', key).update(text).digest('hex')}]`
  }

  /** Whether the text [start, end) has more characters than may be left, and was not truncated before. */
  isLong(bytes: Buffer, start: number, end: number, inJson = false): boolean {
    const note = bytes.toString('latin1', Math.max(start, end - TRUNCATED_MAX), end).match(TRUNCATED)
    const text = note === null ? end : end - note[0].length
    return this.#cut(bytes, start, text, inJson) < text
  }

  /**
   * Leaves the beginning of what was written to `out` from `start` on, and notes how long the text was, in bytes:
   * ` [TRUNCATED length=6210]`. `key`: from 1 on, it is a key, which has to differ from others: ` [TRUNCATED length=621 key=1]`.
   */
  truncate(out: Output, start: number, length_bytes: number, inJson: boolean, key: number): void {
    const cut = this.#cut(out.bytes, start, out.end, inJson)
    if (cut === out.end) return
    out.end = cut
    const note = Buffer.from(` [TRUNCATED length=${length_bytes}${key > 0 ? ` key=${key}` : ''}]`)
    out.copy(note, 0, note.length)
  }

  /** The end of the characters that may be left; in a JSON string an escape is one, and so are the two of a surrogate pair. */
  #cut(bytes: Buffer, start: number, end: number, inJson: boolean): number {
    let characters = 0
    let p = start
    while (p < end) {
      const byte = bytes[p]!
      if ((byte & 0xc0) !== 0x80 && ++characters > this.#length_max) return p
      p += inJson && byte === BACKSLASH ? escapeLength(bytes, p, end) : 1
    }
    return end
  }
}

/** Whether nothing of a text is left under the policy. */
export function takesOut(policy: ContentPolicy): policy is 'drop' | 'hash' {
  return policy === 'drop' || policy === 'hash'
}

/** How many bytes the escape at `at` has. */
function escapeLength(bytes: Buffer, at: number, end: number): number {
  if (bytes[at + 1] !== LETTER_U) return 2
  return HIGH_SURROGATE.test(bytes.toString('latin1', at, Math.min(end, at + 9))) ? 12 : 6
}
