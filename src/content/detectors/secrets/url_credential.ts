import { BACKSLASH } from '../bytes.ts'
import { type Detector, traits } from '../detector.ts'
import { type Findings, kindIndex } from '../findings.ts'

const URL_CREDENTIAL = kindIndex('URL_CREDENTIAL')
const AUTHORITY_MAX = 512
const AT = 0x40
const SLASH = 0x2f

/**
 * The `user:password` of `scheme://user:password@host`. The search goes by `@`, which is rare, and looks left for `//`
 * (in JSON also `\\/\\/`), no byte twice.
 */
export const urlCredential: Detector = {
  kinds: ['URL_CREDENTIAL'],
  needs: traits.at | traits.colon,
  find(bytes, start, end, findings) {
    let floor = start
    for (let at = bytes.indexOf(AT, start); at !== -1; at = bytes.indexOf(AT, at + 1)) {
      findings.spend(2)
      if (at < floor) continue
      const from = authorityStart(bytes, Math.max(floor, at - AUTHORITY_MAX), at)
      findings.spend(at - Math.max(floor, at - AUTHORITY_MAX))
      floor = from === -1 ? at + 1 : check(bytes, from, end, findings)
    }
  },
}

/** Behind the `//` that is nearest to `at` on the left, with nothing between that ends a URL; -1 if there is none. */
function authorityStart(bytes: Buffer, low: number, at: number): number {
  for (let p = at - 1; p > low; p--) {
    const byte = bytes[p]!
    if (byte === SLASH) {
      let q = p - 1
      while (q > low && bytes[q] === BACKSLASH) q--
      if (bytes[q] === SLASH) return p + 1
    } else if (ends(byte) && !(byte === BACKSLASH && bytes[p + 1] === SLASH)) return -1
  }
  return -1
}

/**
 * A password may hold `@`, so its end is the last one in the authority. It may also hold `/`, `?` and `#` that should
 * have been encoded: these end the search only where no password can have begun. Returns where the search ended.
 */
function check(bytes: Buffer, from: number, end: number, findings: Findings): number {
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
  if (colon >= from && at > colon + 1) findings.add(from, at, URL_CREDENTIAL)
  return p
}

/** Space, control characters, quotes, `<`, `>` and the backslash of an escape. */
function ends(byte: number): boolean {
  return (
    byte <= 0x20 ||
    byte === 0x22 ||
    byte === 0x27 ||
    byte === 0x60 ||
    byte === 0x3c ||
    byte === 0x3e ||
    byte === BACKSLASH
  )
}

function isPathStart(byte: number): boolean {
  return byte === 0x2f || byte === 0x3f || byte === 0x23
}

function isPort(bytes: Buffer, from: number, to: number): boolean {
  let p = from
  while (p < to && bytes[p]! >= 0x30 && bytes[p]! <= 0x39) p++
  return p === to
}
