import { ALNUM, afterEscape, byteSet, classes, DIGIT, JOINER, TOKEN, UPPER } from './bytes.ts'
import type { Detector } from './detector.ts'
import { Findings } from './findings.ts'
import { scan } from './scan.ts'
import { ENCODED, type TokenRule } from './secrets/tokens.ts'

/** Nine bytes of text. */
const LENGTH_MIN = 12
/** Characters that are decoded to see whether text comes out: six bytes of it. */
const PROBE = 8
/** How far left of a run its beginning is looked for: `+` and `/` end runs. */
const LOOK_BACK = 128
/** Of runs further on in the same row of base64 characters no more is decoded: the first one stood for all of it. */
const LATER_MAX = 1024
const RUN_MIN = 12
/** Steps that decoding takes, however short. */
const DECODING = 64

const alphabet = byteSet(ALNUM | JOINER, '+/')
const values = new Int8Array(256).fill(-1)
for (const [value, character] of [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'].entries())
  values[character.charCodeAt(0)] = value
values[0x2d] = 62
values[0x5f] = 63

/**
 * Base64 (RFC 4648, both alphabets) of text in which the `inner` detectors find something: all of it goes, as the kind
 * that was found first. What does not decode to text, such as an id or an image, is told by its first bytes.
 */
export function encoded(inner: readonly Detector[]): TokenRule {
  const findings = new Findings()
  return {
    kind: ENCODED,
    find(bytes, start, end, low, limit, outer) {
      findings.effort = outer.effort
      const row = rowStart(bytes, start, low)
      const first = row === start || (row > Math.max(low, start - LOOK_BACK) && !hasRun(bytes, row, start))
      outer.spend(start - row + PROBE)
      for (let from = first ? row : start; ; from = start) {
        const at = afterEscape(bytes, from, end, low)
        if (looksLikeText(bytes, at)) {
          const to = encodedEnd(bytes, end, first ? limit : Math.min(limit, at + LATER_MAX))
          outer.spend(to - at + DECODING)
          if (to - at >= LENGTH_MIN && holds(inner, bytes, at, to, findings)) {
            outer.add(at, paddingEnd(bytes, to, limit), findings.kind(0))
            return true
          }
        }
        if (from === start) return false
      }
    },
  }
}

/** Whether something is found in what [from, to) decodes to. */
function holds(inner: readonly Detector[], bytes: Buffer, from: number, to: number, findings: Findings): boolean {
  const text = Buffer.from(bytes.toString('latin1', from, to), 'base64')
  return scan(inner, text, 0, text.length, findings) > 0
}

/** Where the row of base64 characters begins that the run at `start` is in. */
function rowStart(bytes: Buffer, start: number, low: number): number {
  const floor = Math.max(low, start - LOOK_BACK)
  let p = start
  while (p > floor && alphabet[bytes[p - 1]!]) p--
  return p
}

/** Whether there is a run before, which was looked at already. */
function hasRun(bytes: Buffer, from: number, to: number): boolean {
  let run = 0
  let found = 0
  for (let p = from; p < to; p++) {
    const kind = classes[bytes[p]!]!
    if (kind & TOKEN) {
      run++
      found |= kind
    } else run = found = 0
    if (run >= RUN_MIN && found & (DIGIT | UPPER)) return true
  }
  return false
}

function encodedEnd(bytes: Buffer, end: number, limit: number): number {
  let p = end
  while (p < limit && alphabet[bytes[p]!]) p++
  return p
}

function paddingEnd(bytes: Buffer, to: number, limit: number): number {
  let p = to
  while (p < limit && p - to < 2 && bytes[p] === 0x3d) p++
  return p
}

/** Whether the first characters decode to printable ASCII, blanks, or characters beyond it in UTF-8. */
function looksLikeText(bytes: Buffer, from: number): boolean {
  let expected = 0
  let word = 0
  for (let p = from; p < from + PROBE; p++) {
    const value = values[bytes[p]!]!
    if (value < 0) return false
    word = (word << 6) | value
    if (((p - from) & 3) !== 3) continue
    for (let shift = 16; shift >= 0; shift -= 8) {
      const byte = (word >> shift) & 255
      if (expected > 0 ? (byte & 0xc0) !== 0x80 : !isFirst[byte]) return false
      expected = expected > 0 ? expected - 1 : followers(byte)
    }
    word = 0
  }
  return true
}

/** How many bytes of a character follow its first one. */
function followers(byte: number): number {
  return byte < 0x80 ? 0 : byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
}

/** First bytes of printable characters and blanks. */
const isFirst = Uint8Array.from({ length: 256 }, (_, byte) =>
  (byte >= 0x20 && byte < 0x7f) || byte === 9 || byte === 10 || byte === 13 || (byte >= 0xc2 && byte < 0xf5) ? 1 : 0,
)
