/** Names of models as they are compared, in bytes. */

/**
 * Where the name in [start, end) ends without the date of its version: an alias is asked for, and the answer, or the next
 * instrumentation, names what stood behind it. `gpt-4o-2024-08-06` is `gpt-4o`, `claude-sonnet-4-5-20250929` is
 * `claude-sonnet-4-5`.
 */
export function endWithoutDate(bytes: Uint8Array, start: number, end: number): number {
  for (const pattern of DATES) {
    const begin = end - pattern.length
    if (begin > start && isLike(pattern, bytes, begin)) return begin
  }
  return end
}

const DATES = ['-0000-00-00', '-00000000'].map((pattern) => Buffer.from(pattern))
const [ZERO, NINE] = [48, 57]

/** A zero stands for any digit. */
function isLike(pattern: Uint8Array, bytes: Uint8Array, begin: number): boolean {
  for (let at = 0; at < pattern.length; at++) {
    const [is, byte] = [pattern[at]!, bytes[begin + at]!]
    if (is === ZERO ? byte < ZERO || byte > NINE : byte !== is) return false
  }
  return true
}
