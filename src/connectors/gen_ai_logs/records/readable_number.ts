/** Writing numbers for people: without an exponent, and with at most six digits that matter behind the point. */
import type { Output } from '../../../otlp/output.ts'

const ZERO = 0x30
const POINT = 0x2e
/** What `toFixed` gives at most, nearly. */
const DIGITS_MAX = 20
const POWERS = Array.from({ length: DIGITS_MAX + 1 }, (_, digits) => Number(`1e${digits}`))
/** A product of a double and a power of ten is off by far less; nearer to the middle between two numbers, it may be rounded wrongly. */
const UNSURE = 1e-6

/** Writes the number's digits in ASCII. It is finite. */
export function writeNumber(out: Output, value: number): void {
  if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) return out.text(plainNumber(value))
  if (Number.isInteger(value)) return writeWhole(out, value)
  let digits = digitsOf(value)
  const scaled = value * POWERS[digits]!
  if (Math.abs(scaled - Math.floor(scaled) - 0.5) < UNSURE) return out.text(plainNumber(value))
  let whole = Math.round(scaled)
  for (; digits > 0 && whole % 10 === 0; digits--) whole /= 10
  const power = POWERS[digits]!
  writeWhole(out, Math.floor(whole / power))
  if (digits === 0) return
  out.byte(POINT)
  writeDigits(out, whole % power, digits)
}

/** Digits behind the point that matter. */
function digitsOf(value: number): number {
  return Math.max(0, Math.min(DIGITS_MAX, 5 - Math.floor(Math.log10(Math.abs(value)))))
}

function plainNumber(value: number): string {
  if (Number.isInteger(value)) return String(value)
  const text = value.toFixed(digitsOf(value))
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}

function writeWhole(out: Output, value: number): void {
  let digits = 1
  while (value >= POWERS[digits]!) digits++
  writeDigits(out, value, digits)
}

/** With zeros in front where it has fewer. */
function writeDigits(out: Output, value: number, digits: number): void {
  out.reserve(digits)
  const { bytes, end } = out
  let rest = value
  for (let at = end + digits - 1; at >= end; at--) {
    const tenth = Math.floor(rest / 10)
    bytes[at] = ZERO + (rest - tenth * 10)
    rest = tenth
  }
  out.end = end + digits
}
