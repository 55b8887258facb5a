/** Equal arguments of a tool have equal fingerprints, from which nobody can tell them without the key. */
import { createHmac, randomBytes } from 'node:crypto'

/** Longer arguments are hashed as they are: reading them as JSON would cost more than it tells. */
const JSON_BYTES_MAX = 16 << 10
const DEPTH_MAX = 32

/** A key for one run of the process. */
export function keyOfProcess(): Buffer {
  return key
}

const key = randomBytes(32)

/** 16 hex digits of the text in [start, end). JSON counts as equal in another spacing or order of keys. */
export function argumentsFingerprint(secret: Buffer, bytes: Buffer, start: number, end: number): string {
  const hash = createHmac('sha256', secret)
  const first = bytes[start]
  const plain = end - start <= JSON_BYTES_MAX && (first === 0x7b || first === 0x5b) ? inOrder(bytes, start, end) : ''
  hash.update(plain === '' ? bytes.subarray(start, end) : plain)
  return hash.digest('hex').slice(0, 16)
}

/** The JSON without spacing, keys in order; empty if it is none, or too deep. */
function inOrder(bytes: Buffer, start: number, end: number): string {
  try {
    return JSON.stringify(sorted(JSON.parse(bytes.toString('utf8', start, end)), 0))
  } catch {
    return ''
  }
}

function sorted(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth === DEPTH_MAX) throw new RangeError('too deep')
  if (Array.isArray(value)) return value.map((one) => sorted(one, depth + 1))
  // Pairs, not an object: keys that are numbers would stand first, and `__proto__` would be lost.
  const pairs = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return { pairs: pairs.map(([name, one]) => [name, sorted(one, depth + 1)]) }
}
