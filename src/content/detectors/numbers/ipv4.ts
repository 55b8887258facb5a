import { ALNUM, afterEscape, classes, DOT, JOINER, LETTER } from '../bytes.ts'
import { type Findings, kindIndex } from '../findings.ts'
import { GROUP, type NumberRegion, type NumberRule } from './numbers.ts'
import { separators } from './separators.ts'

const IP = kindIndex('IP')
const REACH = 24
/** `upgraded from 123.123.123.123 to ` */
const VERSION_REACH = 36
/** What stands before the number of a version, a chapter, a clause. */
const versions =
  /(?:\bv|versions?|\bver|release|build|revision|\brev|firmware|chapter|sections?|clause|figure|table|driver|(?:up|down)grad(?:e|ed|ing)(?: from)?(?: [\d.]{7,15})?(?: to)?|patch|hotfix|[<>=~]=|[~^])[.:=("'\\ ]{0,6}$/
/** Names of programs that nobody gives to a machine; behind a colon such a name may be that of a logger. */
const programs =
  /\b(?:cuda|cudnn|nccl|tensorrt|rocm|toolkit|runtime|sdk|jdk|jre|java|python|openssl|chrome|chromium|firefox|safari|webkit|android|macos|gcc|clang|plugin|extension|assembly)[ =-]?$/
const addresses = /\bip|addr|host|server|client|peer|\bdns|resolver|gateway|\bfrom|ping|connect|proxy|subnet|\/\/$/

/**
 * IPv4 addresses in dotted form. Not those that name no machine of anybody (0/8, 127/8, 255/8), versions, and four
 * single digits without a word that tells an address from a version or a chapter.
 */
export const ipv4: NumberRule = {
  kind: 'IP',
  digits_min: 4,
  find(region, findings) {
    const { groups, count } = region
    for (let i = 0; i + 3 < count; i++) {
      if (groups[(i + 1) * GROUP + 2] !== separators.dot) continue
      const last = dottedEnd(region, i)
      if (last === i + 3) check(region, i, findings)
      i = last
    }
  },
}

/** The last of the groups from `i` on that dots join. */
function dottedEnd({ groups, count }: NumberRegion, i: number): number {
  let last = i
  while (last + 1 < count && groups[(last + 1) * GROUP + 2] === separators.dot) last++
  return last
}

function check(region: NumberRegion, first: number, findings: Findings): void {
  const { bytes, groups, low, end: limit } = region
  const start = groups[first * GROUP]!
  const end = groups[(first + 3) * GROUP + 1]!
  findings.spend(8)
  // Separators are spelled in many ways, addresses are not.
  for (let i = 1; i < 4; i++) if (groups[(first + i) * GROUP]! - groups[(first + i - 1) * GROUP + 1]! !== 1) return
  const head = octet(bytes, groups[first * GROUP]!, groups[first * GROUP + 1]!)
  if (head <= 0 || head === 127 || head === 255) return
  for (let i = 1; i < 4; i++)
    if (octet(bytes, groups[(first + i) * GROUP]!, groups[(first + i) * GROUP + 1]!) < 0) return
  if (end < limit && (classes[bytes[end]!]! & ALNUM || bytes[end] === 0x5f)) return
  if (bytes[end] === 0x2d && end + 1 < limit && classes[bytes[end + 1]!]! & LETTER) return
  if (!begins(bytes, start, low)) return
  if (isAddress(region, start, end, findings)) findings.add(start, end, IP)
}

/** By what stands before it. */
function isAddress({ bytes, low }: NumberRegion, start: number, end: number, findings: Findings): boolean {
  const isShort = end - start === 7
  if (start === low) return !isShort
  findings.spend(VERSION_REACH)
  const before = bytes.toString('latin1', Math.max(low, start - VERSION_REACH), start).toLowerCase()
  if (versions.test(before) || programs.test(before)) return false
  return !isShort || addresses.test(before.slice(-REACH))
}

/** The value of a decimal octet without leading zeros, or -1. */
function octet(bytes: Buffer, start: number, end: number): number {
  if (end - start > 3 || (bytes[start] === 0x30 && end - start > 1)) return -1
  let value = 0
  for (let p = start; p < end; p++) value = value * 10 + bytes[p]! - 0x30
  return value > 255 ? -1 : value
}

/** Not in a word, a file's name or behind a product's (`Chrome/120.0.0.0`). */
function begins(bytes: Buffer, start: number, low: number): boolean {
  if (start === low) return true
  const before = bytes[start - 1]!
  if (before === DOT || before === 0x5f) return false
  if (before === 0x2d) return start - 2 < low || !(classes[bytes[start - 2]!]! & LETTER)
  if (before === 0x2f) return !isProduct(bytes, start - 1, low)
  if (!(classes[before]! & ALNUM)) return true
  let word = start
  while (word > low && start - word < 6 && classes[bytes[word - 1]!]! & ALNUM) word--
  return afterEscape(bytes, word, start, low) === start
}

/** Whether a name that is no part of a path ends at the slash `p`. */
function isProduct(bytes: Buffer, p: number, low: number): boolean {
  let from = p
  while (from > low && p - from < REACH && classes[bytes[from - 1]!]! & (ALNUM | JOINER)) from--
  if (from === p) return false
  if (from === low) return true
  const before = bytes[from - 1]!
  return before !== 0x2f && before !== DOT && before !== 0x3a && before !== 0x40 && before !== 0x3d
}
