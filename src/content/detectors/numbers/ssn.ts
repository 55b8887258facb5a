import { classes, LETTER } from '../bytes.ts'
import { type Findings, kindIndex } from '../findings.ts'
import { isNamed, numberNames, standsApart, standsFree } from './number_context.ts'
import { GROUP, type NumberRegion, type NumberRule } from './numbers.ts'
import { separators } from './separators.ts'

const SSN = kindIndex('SSN')
const names = numberNames(
  /\bssn|ssn\b|_ssn|social[ _-]?sec|\bsoc\.? sec|tax[ _-]?(?:payer)?[ _-]?id|\bitin\b/,
  'ss so ta ti',
)

/**
 * US social security numbers: `ddd-dd-dddd` with the ranges that are given out, spaced or dotted if nothing else is
 * around; nine digits in one piece only behind a word that names them.
 */
export const ssn: NumberRule = {
  kind: 'SSN',
  digits_min: 9,
  find(region, findings) {
    for (let i = 0; i < region.count; i++) {
      const last = groupedEnd(region, i)
      if (last === i ? isBare(region, i) : last > i) {
        add(region, i, last, findings)
        i = last
      }
    }
  },
}

/** The last group of 3-2-4 that begins at group `i`, `i` itself if it has nine digits, -1 if there is no such thing. */
function groupedEnd(region: NumberRegion, i: number): number {
  const { groups, count } = region
  const length = lengthOf(region, i)
  if (length === 9) return i
  if (length !== 3 || i + 2 >= count || lengthOf(region, i + 1) !== 2 || lengthOf(region, i + 2) !== 4) return -1
  const kind = groups[(i + 1) * GROUP + 2]!
  if (groups[(i + 2) * GROUP + 2] !== kind || !standsApart(region, i, i + 2, kind)) return -1
  if (kind === separators.dash) return i + 2
  return (kind === separators.space || kind === separators.dot) && count === 3 && isLast(region) ? i + 2 : -1
}

/** Spaced numbers with a word behind them are mostly parts of an address. */
function isLast({ bytes, groups, end }: NumberRegion): boolean {
  const p = groups[2 * GROUP + 1]!
  return p + 1 >= end || bytes[p] !== 0x20 || !(classes[bytes[p + 1]!]! & LETTER)
}

function isBare(region: NumberRegion, i: number): boolean {
  return isNamed(region, region.groups[i * GROUP]!, names)
}

function add(region: NumberRegion, first: number, last: number, findings: Findings): void {
  const { bytes, groups } = region
  const start = groups[first * GROUP]!
  const end = groups[last * GROUP + 1]!
  findings.spend(end - start)
  if (!isIssued(bytes, start, first === last ? start + 3 : groups[(first + 1) * GROUP]!, end)) return
  if (standsFree(region, start, end)) findings.add(start, end, SSN)
}

/** Area not 000, 666 or from 900 on, group not 00, serial number not 0000. */
function isIssued(bytes: Buffer, area: number, group: number, end: number): boolean {
  const first = (bytes[area]! - 0x30) * 100 + (bytes[area + 1]! - 0x30) * 10 + bytes[area + 2]! - 0x30
  if (first === 0 || first === 666 || first >= 900) return false
  if (bytes[group] === 0x30 && bytes[group + 1] === 0x30) return false
  for (let p = end - 4; p < end; p++) if (bytes[p] !== 0x30) return true
  return false
}

function lengthOf(region: NumberRegion, i: number): number {
  return region.groups[i * GROUP + 1]! - region.groups[i * GROUP]!
}
