import { ALNUM, afterEscape, classes, DOT, JOINER, TOKEN } from '../bytes.ts'
import { type Findings, kindIndex } from '../findings.ts'
import { familiesByByte, familyBeginnings, type KeyFamily } from './key_families.ts'
import { looksRandom } from './randomness.ts'
import type { TokenRule } from './tokens.ts'

const API_KEY = kindIndex('API_KEY')
const DOTTED_PREFIX_MAX = 12

/** Keys and tokens whose issuer gives them a prefix, such as `sk-ant-…`, `AKIA…`, `ghp_…`. */
export const apiKey: TokenRule = {
  kind: 'API_KEY',
  find(bytes, start, end, low, limit, findings) {
    let from = afterEscape(bytes, start, end, low)
    while (from < end && classes[bytes[from]!]! & JOINER) from++
    const dotted = dottedStart(bytes, from, low)
    return (dotted !== from && matchAt(bytes, dotted, limit, findings)) || matchAt(bytes, from, limit, findings)
  },
}

/** Where a prefix with a dot or a tilde in it (`SG.`, `ya29.`, `sha256~`) begins that ends at `from`; `from` if there is none. */
function dottedStart(bytes: Buffer, from: number, low: number): number {
  if (from === low || (bytes[from - 1] !== DOT && bytes[from - 1] !== 0x7e)) return from
  let p = from - 1
  while (p > low && from - p < DOTTED_PREFIX_MAX && (classes[bytes[p - 1]!]! & TOKEN || bytes[p - 1] === DOT)) p--
  return afterEscape(bytes, p, from, low)
}

function matchAt(bytes: Buffer, from: number, limit: number, findings: Findings): boolean {
  if (from + 1 >= limit || familyBeginnings[(bytes[from]! << 8) | bytes[from + 1]!] === 0) return false
  for (const family of familiesByByte[bytes[from]!]!) {
    const stop = familyEnd(bytes, from, limit, family)
    findings.spend(4)
    if (stop === -1) continue
    findings.spend(stop - from)
    findings.add(from, stop, API_KEY)
    return true
  }
  return false
}

/** The end of a key of this family at `from`, or -1. */
function familyEnd(bytes: Buffer, from: number, limit: number, family: KeyFamily): number {
  const { prefix, alphabet, min, max } = family
  for (let i = 1; i < prefix.length; i++) if (bytes[from + i] !== prefix[i]) return -1
  const body = from + prefix.length
  const stop = Math.min(limit, body + max + 1)
  let p = body
  while (p < stop && alphabet[bytes[p]!]) p++
  if (p - body > max) return -1
  // A full stop after a key is the sentence's.
  while (p > body && bytes[p - 1] === DOT) p--
  if (p - body < min || (p < limit && classes[bytes[p]!]! & ALNUM)) return -1
  return family.weak && !looksRandom(bytes, body, p, 3) ? -1 : p
}
