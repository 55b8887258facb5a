/** Decimal texts as exact 64-bit integers and as doubles. */

/** A 64-bit integer as its two's complement halves, each 0 to 2^32 - 1: `readInteger` fills one that the caller has. */
export interface Int64 {
  high: number
  low: number
}

export type IntegerProblem = 'not an integer' | 'out of range'

/** Longest text that is looked at when it has a fraction or an exponent. */
const LONG_FORM_MAX = 64

/**
 * Reads an integer in decimal ASCII from [start, end), also as `1e3` or `2.50e1` if that is a whole number.
 * Fills `into`. Returns what is wrong, or undefined.
 */
export function readInteger(
  bytes: Buffer,
  start: number,
  end: number,
  signed: boolean,
  into: Int64,
): IntegerProblem | undefined {
  const negative = bytes[start] === 0x2d
  const problem = readDigits(bytes, negative ? start + 1 : start, end, into)
  if (problem !== undefined) {
    return problem === 'not an integer' ? readLongForm(bytes, start, end, signed, into) : problem
  }
  if (!negative) return signed && into.high > 0x7fffffff ? 'out of range' : undefined
  return negate(signed, into)
}

/** No double needs more digits to be written exactly; a number of megabytes is none that anybody measured. */
const DOUBLE_LENGTH_MAX = 1100

/** Reads a double as JSON writes it, or NaN, Infinity, -Infinity. Undefined if it is none, or too large to be finite. */
export function readDouble(bytes: Buffer, start: number, end: number, quoted: boolean): number | undefined {
  if (end - start > DOUBLE_LENGTH_MAX) return undefined
  const text = bytes.toString('latin1', start, end)
  if (quoted) {
    if (text === 'NaN') return Number.NaN
    if (text === 'Infinity') return Number.POSITIVE_INFINITY
    if (text === '-Infinity') return Number.NEGATIVE_INFINITY
    if (!/^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(text)) return undefined
  }
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}

function readDigits(bytes: Buffer, start: number, end: number, into: Int64): IntegerProblem | undefined {
  if (start >= end) return 'not an integer'
  let high = 0
  let low = 0
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30
    if (digit < 0 || digit > 9) return 'not an integer'
    const next = low * 10 + digit
    low = next >>> 0
    high = high * 10 + (next - low) / 4294967296
    if (high > 0xffffffff) return everyDigit(bytes, at, end) ? 'out of range' : 'not an integer'
  }
  into.high = high
  into.low = low
  return undefined
}

function everyDigit(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at]! < 0x30 || bytes[at]! > 0x39) return false
  return true
}

function negate(signed: boolean, into: Int64): IntegerProblem | undefined {
  const { high, low } = into
  if (high === 0 && low === 0) return undefined
  if (!signed || high > 0x80000000 || (high === 0x80000000 && low > 0)) return 'out of range'
  into.low = -low >>> 0
  into.high = (~high + (low === 0 ? 1 : 0)) >>> 0
  return undefined
}

/** Fraction and exponent, rare: written out as plain digits first. */
function readLongForm(
  bytes: Buffer,
  start: number,
  end: number,
  signed: boolean,
  into: Int64,
): IntegerProblem | undefined {
  if (end - start > LONG_FORM_MAX) return 'not an integer'
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(bytes.toString('latin1', start, end))
  if (match === null) return 'not an integer'
  const digits = (match[2]! + (match[3] ?? '')).replace(/^0+/, '')
  const shift = Number(match[4] ?? 0) - (match[3] ?? '').length
  if (digits === '') return readInteger(Buffer.from('0'), 0, 1, signed, into)
  if (shift > 20) return 'out of range'
  if (shift < 0 && !/^0*$/.test(digits.slice(shift))) return 'not an integer'
  if (-shift >= digits.length) return 'not an integer'
  const plain = Buffer.from(match[1] + (shift < 0 ? digits.slice(0, shift) : digits + '0'.repeat(shift)))
  return readInteger(plain, 0, plain.length, signed, into)
}
