import { BACKSLASH, classes, DIGIT, hexByte, hexUnit, PERCENT } from '../bytes.ts'

/** What stands between two groups of digits. */
export const separators = { none: 0, space: 1, dash: 2, dot: 3, slash: 4, open: 5, close: 6 } as const

/**
 * The separator at `p` as `length * 8 + kind` (one of `separators`), or 0 if there is none or nothing of `classesWanted`
 * follows it. One space, dash, dot or slash, in any spelling: beyond ASCII, escaped in JSON, percent-encoded; and
 * parentheses with a space or dash at them.
 */
export function separatorAt(bytes: Buffer, p: number, end: number, classesWanted: number = DIGIT): number {
  if (p + 1 >= end) return 0
  const byte = bytes[p]!
  let length = 1
  let kind: number = single[byte]!
  if (kind >= OTHERS) {
    const other = otherSeparator(bytes, p, end)
    kind = other & 7
    length = other >> 3
  } else if (kind === separators.close) {
    const next = bytes[p + 1]!
    if (next === 0x20 || next === 0x2d) length = 2
  } else if (kind === separators.space && bytes[p + 1] === 0x28) {
    kind = separators.open
    length = 2
  }
  if (kind === 0) return 0
  return p + length < end && classes[bytes[p + length]!]! & classesWanted ? length * 8 + kind : 0
}

/** Those that take more than one byte. */
function otherSeparator(bytes: Buffer, p: number, end: number): number {
  const byte = bytes[p]!
  if (byte === PERCENT) return encodedSeparator(bytes, p)
  if (byte === BACKSLASH) {
    const u = bytes[p + 1] === BACKSLASH ? p + 2 : p + 1
    if (bytes[u] === 0x2f) return (u + 1 - p) * 8 + separators.slash
    return bytes[u] === 0x75 ? (u + 5 - p) * 8 + wideSeparator(hexUnit(bytes, u + 1)) : 0
  }
  if (byte === 0xc2) return 2 * 8 + wideSeparator(bytes[p + 1]!)
  if (byte !== 0xe2 || p + 2 >= end) return 0
  return 3 * 8 + wideSeparator(0x2000 | ((bytes[p + 1]! & 0x3f) << 6) | (bytes[p + 2]! & 0x3f))
}

/** `%20`, `%2D` …, and `%C2%A0`. */
function encodedSeparator(bytes: Buffer, p: number): number {
  const value = hexByte(bytes, p + 1)
  if (value === 0xc2 && bytes[p + 3] === PERCENT) return 6 * 8 + wideSeparator(hexByte(bytes, p + 4))
  const kind = value < 0 ? 0 : single[value]!
  return kind < OTHERS ? 3 * 8 + kind : 0
}

/** The kind by code point: no-break, thin and other spaces; hyphens, dashes, minus; ASCII, which JSON may escape, too. */
function wideSeparator(unit: number): number {
  if (unit === 0xa0 || (unit >= 0x2000 && unit <= 0x200b) || unit === 0x202f || unit === 0x205f) return separators.space
  if (unit === 0xad || (unit >= 0x2010 && unit <= 0x2015) || unit === 0x2212) return separators.dash
  return unit >= 0 && unit < 0x80 && single[unit]! < OTHERS ? single[unit]! : 0
}

/** The separator is told by more bytes than the first. */
const OTHERS = 8
const single = new Uint8Array(256)
single[0x20] = single[0x09] = separators.space
// In forms and queries a plus is a space.
single[0x2b] = separators.space
single[0x2d] = separators.dash
single[0x2e] = separators.dot
single[0x2f] = separators.slash
single[0x28] = separators.open
single[0x29] = separators.close
for (const byte of [BACKSLASH, PERCENT, 0xc2, 0xe2]) single[byte] = OTHERS
