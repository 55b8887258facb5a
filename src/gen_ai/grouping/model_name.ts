/**
 * A model by whatever name it is called: gateways put a provider before it, clouds a region and a vendor, and answers have a
 * date. `us.anthropic.claude-sonnet-4-5-20250929-v1:0` and `anthropic/claude-sonnet-4-5` are one. Only to find reports of one
 * call, of which more must agree; what is counted keeps its name.
 */
import { textId } from '../../telemetry/hash.ts'

const DOT = 46
const SLASH = 47
const AT = 64
const COLON = 58
/** `us`, `us-gov`, `global`; `anthropic`, `amazon`. */
const PREFIXES_MAX = 2
const VERSION = /-v\d+:\d+$/
const DATE = /-(\d{8}|\d{4}-\d{2}-\d{2})$/
/** The longest of what may stand behind a name. */
const ENDING_MAX = 24

/** A number to compare names in [start, end) by: equal for names of one model, 0 without one. */
export function modelId(bytes: Buffer, start: number, end: number): number {
  if (start >= end) return 0
  const from = plainStart(bytes, start, end)
  const to = plainEnd(bytes, from, end)
  return to > from ? textId(bytes, from, to) : textId(bytes, start, end)
}

function plainStart(bytes: Buffer, start: number, end: number): number {
  let from = start
  for (let at = start; at < end; at++) if (bytes[at] === SLASH) from = at + 1
  for (let prefixes = 0; prefixes < PREFIXES_MAX; prefixes++) {
    const dot = behindLetters(bytes, from, end)
    if (bytes[dot] !== DOT || dot + 1 >= end || !isLetter(bytes[dot + 1]!)) break
    from = dot + 1
  }
  return from
}

/** Digits are of the name itself: `gpt-4.1`, `llama3.2`. */
function behindLetters(bytes: Buffer, start: number, end: number): number {
  let at = start
  while (at < end && (isLetter(bytes[at]!) || (bytes[at] === 45 && at > start))) at++
  return at
}

function plainEnd(bytes: Buffer, start: number, end: number): number {
  let to = end
  for (let at = start + 1; at < to; at++) if (bytes[at] === AT) to = at
  // Most names end with a letter, or a digit or two.
  if (bytes[to - 1]! < 48 || bytes[to - 1]! > 57 + 1) return to
  const from = Math.max(start, to - ENDING_MAX)
  let ending = bytes.toString('latin1', from, to)
  if (ending.charCodeAt(ending.length - 2) === COLON) ending = ending.replace(VERSION, '')
  return from + ending.replace(DATE, '').length
}

function isLetter(byte: number): boolean {
  return (byte | 32) >= 97 && (byte | 32) <= 122
}
