import { afterEscape, classes, DOT, TOKEN } from '../bytes.ts'
import { kindIndex } from '../findings.ts'
import type { TokenRule } from './tokens.ts'

const JWT = kindIndex('JWT')
const SEGMENTS_MAX = 5

/**
 * JSON Web Tokens: three segments (signed, RFC 7515) or five (encrypted, RFC 7516) of base64url. The header begins with
 * `{"`, hence `eyJ`; so does the payload of a signed one, which is told even if cut off or unsigned.
 */
export const jwt: TokenRule = {
  kind: 'JWT',
  find(bytes, start, end, low, limit, findings) {
    const from = afterEscape(bytes, start, end, low)
    if (!isObject(bytes, from) || (from > low && bytes[from - 1] === DOT)) return false
    let segments = 1
    let p = end
    while (segments < SEGMENTS_MAX && p + 1 < limit && bytes[p] === DOT) {
      let q = p + 1
      while (q < limit && classes[bytes[q]!]! & TOKEN) q++
      // An empty segment is a part of the token only if another one follows.
      if (q === p + 1 && bytes[q] !== DOT) break
      p = q
      segments++
    }
    findings.spend(p - end)
    if (segments === 1) return false
    if (!isObject(bytes, end + 1) && segments < 3) return false
    if (p - from < 32) return false
    findings.add(from, p, JWT)
    return true
  },
}

/** `eyJ` or `ewo`, `ewog`: a brace and a quote, or a brace and a line feed, in base64. */
function isObject(bytes: Buffer, p: number): boolean {
  return (
    bytes[p] === 0x65 &&
    ((bytes[p + 1] === 0x79 && (bytes[p + 2] === 0x4a || bytes[p + 2] === 0x49)) ||
      (bytes[p + 1] === 0x77 && bytes[p + 2] === 0x6f))
  )
}
