import { ALNUM, afterEscape, classes, DIGIT, DOT, HEX } from './bytes.ts'
import { type Detector, traits } from './detector.ts'
import { type Findings, kindIndex } from './findings.ts'

const IP = kindIndex('IP')
const COLON = 0x3a
const ADDRESS_MAX = 45
const GROUPS = 8
/** Up to this size a loop is cheaper than a native search. */
const SHORT_MAX = 256
/** Eight groups, the first one of four digits, and seven colons are 18 bytes: one window of four in fifteen lies inside of them. */
const STEP = 15
const DOUBLE = Buffer.from('::')

/**
 * IPv6 addresses (RFC 4291), full, compressed, or with an IPv4 tail. Not `::` and `::1`, which name no machine of
 * anybody, nor what code and hardware write with colons: `a::b`, times, MAC addresses and fingerprints.
 */
export const ipv6: Detector = {
  kinds: ['IP'],
  needs: traits.colon | traits.digits,
  find(bytes, start, end, findings) {
    findCompressed(bytes, start, end, findings)
    findFull(bytes, start, end, findings)
  },
}

function findCompressed(bytes: Buffer, start: number, end: number, findings: Findings): void {
  if (end - start > SHORT_MAX) {
    for (let at = bytes.indexOf(DOUBLE, start); at !== -1; at = bytes.indexOf(DOUBLE, at + 2))
      check(bytes, at, start, end, findings)
    return
  }
  for (let p = start + 1; p < end; p += 2) {
    if (bytes[p] !== COLON) continue
    if (bytes[p - 1] === COLON) check(bytes, p - 1, start, end, findings)
    else if (p + 1 < end && bytes[p + 1] === COLON) check(bytes, p, start, end, findings)
  }
}

function findFull(bytes: Buffer, start: number, end: number, findings: Findings): void {
  const table = inside
  for (let p = start; p + 3 < end; p += STEP) {
    if (!(table[bytes[p]!]! & table[bytes[p + 3]!]!) || !(table[bytes[p + 1]!]! & table[bytes[p + 2]!]!)) continue
    // Groups have at most four digits: a colon is near.
    for (let q = p; q < p + 5 && q < end; q++) {
      if (bytes[q] !== COLON) continue
      check(bytes, q, start, end, findings)
      break
    }
  }
}

/** Bytes of an address. */
const inside = classes.map((each, byte) => (each & HEX || byte === COLON ? 1 : 0))

/** Looks at what surrounds the colon at `at`. */
function check(bytes: Buffer, at: number, low: number, limit: number, findings: Findings): void {
  const floor = Math.max(low, at - ADDRESS_MAX)
  let start = at
  while (start > floor && inside[bytes[start - 1]!]) start--
  findings.spend(at - start + 4)
  // In `\nfe80::1` and `\u003dfe80::1` the escape's letters go.
  start = Math.min(at, afterEscape(bytes, start, at, low))
  if (start > low && start === floor) return
  if (start > low && isWord(bytes, start, low)) return
  const end = addressEnd(bytes, start, Math.min(limit, start + ADDRESS_MAX + 1), findings)
  if (end <= at) return
  if (end < limit && (classes[bytes[end]!]! & ALNUM || bytes[end] === 0x5f || bytes[end] === COLON)) return
  if (bytes[end] === DOT && end + 1 < limit && classes[bytes[end + 1]!]! & DIGIT) return
  findings.add(start, end, IP)
}

function isWord(bytes: Buffer, start: number, low: number): boolean {
  const before = bytes[start - 1]!
  if (before === 0x5f || before === DOT) return true
  if (!(classes[before]! & ALNUM)) return false
  let word = start
  while (word > low && start - word < 6 && classes[bytes[word - 1]!]! & ALNUM) word--
  return afterEscape(bytes, word, start, low) !== start
}

/** The end of the address at `start`, or -1. */
function addressEnd(bytes: Buffer, start: number, limit: number, findings: Findings): number {
  let groups = 0
  let longest = 0
  let digits = 0
  let headDigits = 0
  let double = false
  let p = start
  if (bytes[p] === COLON) {
    if (bytes[p + 1] !== COLON) return -1
    double = true
    p += 2
  }
  while (p < limit && groups < GROUPS) {
    const from = p
    while (p < limit && classes[bytes[p]!]! & HEX) {
      if (classes[bytes[p]!]! & DIGIT) digits++
      p++
    }
    if (p > from && bytes[p] === DOT && p + 1 < limit && classes[bytes[p + 1]!]! & DIGIT) {
      const tail = quadEnd(bytes, from, limit)
      if (tail !== -1 && groups <= GROUPS - 2 && (double || groups === GROUPS - 2))
        return groups + digits > 0 ? tail : -1
      return -1
    }
    if (p - from > 4) return -1
    if (p > from) groups++
    longest = Math.max(longest, p - from)
    if (groups === 1 && !double) headDigits = p - from === 4 || isLocal(bytes, from) ? digits : 0
    if (p + 1 >= limit || bytes[p] !== COLON) break
    if (bytes[p + 1] === COLON) {
      if (double) return -1
      double = true
      p += 2
    } else if (classes[bytes[p + 1]!]! & HEX) p++
    else break
  }
  findings.spend(p - start)
  if (!double) return groups === GROUPS && longest > 2 && bytes[p] !== COLON ? p : -1
  return digits > 0 && (groups > 2 || headDigits > 0) && groups < GROUPS ? p : -1
}

/** `fe80` and the like. */
function isLocal(bytes: Buffer, p: number): boolean {
  const head = bytes.toString('latin1', p, p + 2).toLowerCase()
  return head === 'fe' || head === 'fc' || head === 'fd' || head === 'ff'
}

/** The end of four decimal octets at `p`, or -1. */
function quadEnd(bytes: Buffer, from: number, limit: number): number {
  let p = from
  for (let i = 0; i < 4; i++) {
    const start = p
    let value = 0
    while (p < limit && p - start < 3 && classes[bytes[p]!]! & DIGIT) value = value * 10 + bytes[p++]! - 0x30
    if (p === start || value > 255) return -1
    if (i === 3) return p
    if (bytes[p++] !== DOT) return -1
  }
  return -1
}
