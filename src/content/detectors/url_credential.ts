import { ALNUM, BACKSLASH, classes } from './bytes.ts'
import { type Detector, traits } from './detector.ts'
import { type Findings, kindIndex } from './findings.ts'

const URL_CREDENTIAL = kindIndex('URL_CREDENTIAL')
const AUTHORITY_MAX = 512

/** `://`, and the same in JSON text whose writer escapes slashes, once and twice. */
const anchors = ['://', ':\\/\\/', ':\\\\\\/\\\\\\/', '%3A%2F%2F'].map((anchor) => Buffer.from(anchor))

/** The `user:password` of `scheme://user:password@host`. */
export const urlCredential: Detector = {
  kinds: ['URL_CREDENTIAL'],
  needs: traits.colon,
  find(bytes, start, end, findings) {
    for (const anchor of anchors) {
      for (let p = bytes.indexOf(anchor, start); p !== -1; p = bytes.indexOf(anchor, p + anchor.length)) {
        if (p > start && classes[bytes[p - 1]!]! & ALNUM) check(bytes, p + anchor.length, end, findings)
      }
    }
  },
}

/**
 * A password may hold `@`, so its end is the last one in the authority. It may also hold `/`, `?` and `#` that should
 * have been encoded: these end the search only where no password can have begun.
 */
function check(bytes: Buffer, from: number, end: number, findings: Findings): void {
  const limit = Math.min(end, from + AUTHORITY_MAX)
  let colon = -1
  let at = -1
  let p = from
  for (; p < limit && !ends(bytes[p]!); p++) {
    const byte = bytes[p]!
    if (byte === 0x3a && colon === -1) colon = p
    else if (byte === 0x40) at = p
    else if (isPathStart(byte) && (at > colon || colon === -1 || isPort(bytes, colon + 1, p))) break
  }
  findings.spend(p - from + 4)
  if (colon > from && at > colon + 1) findings.add(from, at, URL_CREDENTIAL)
}

/** Space, control characters, quotes, `<`, `>` and the backslash of an escape. */
function ends(byte: number): boolean {
  return byte <= 0x20 || byte === 0x22 || byte === 0x27 || byte === 0x60 || byte === 0x3c || byte === 0x3e || byte === BACKSLASH
}

function isPathStart(byte: number): boolean {
  return byte === 0x2f || byte === 0x3f || byte === 0x23
}

function isPort(bytes: Buffer, from: number, to: number): boolean {
  let p = from
  while (p < to && bytes[p]! >= 0x30 && bytes[p]! <= 0x39) p++
  return p === to
}
