/** Keyed fingerprints of texts that must not be told: equal texts have equal ones, and without the key nothing can be guessed. */
import { createHmac } from 'node:crypto'

/** Longer texts are compared by so many of their bytes, and their length. */
const TEXT_BYTES_MAX = 64 * 1024
/** JSON up to this size is brought into one form before. */
const JSON_BYTES_MAX = 8 * 1024
const DEPTH_MAX = 32

/** 16 hex digits for the bytes in [start, end). */
export function keyedFingerprint(key: Uint8Array, bytes: Buffer, start: number, end: number): string {
  const hash = createHmac('sha256', key)
  hash.update(bytes.subarray(start, Math.min(end, start + TEXT_BYTES_MAX)))
  if (end - start > TEXT_BYTES_MAX) hash.update(String(end - start))
  return hash.digest('hex').slice(0, 16)
}

/** The same, for which spaces and the order of keys in JSON make no difference. */
export function fingerprintOfJson(key: Uint8Array, bytes: Buffer, start: number, end: number): string {
  const text = end - start <= JSON_BYTES_MAX && isObject(bytes[start]!) ? oneForm(bytes, start, end) : undefined
  return text === undefined ? keyedFingerprint(key, bytes, start, end) : keyedFingerprint(key, text, 0, text.length)
}

function oneForm(bytes: Buffer, start: number, end: number): Buffer | undefined {
  try {
    return Buffer.from(JSON.stringify(inOrder(JSON.parse(bytes.toString('utf8', start, end)), 0)))
  } catch {
    return undefined
  }
}

function inOrder(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (depth > DEPTH_MAX) throw new RangeError('nested too deeply')
  if (Array.isArray(value)) return value.map((one) => inOrder(one, depth + 1))
  // As pairs, since an object would put keys that are numbers first.
  const pairs = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
  return { '': pairs.map(([name, one]) => [name, inOrder(one, depth + 1)]) }
}

function isObject(byte: number): boolean {
  return byte === 123 || byte === 91
}
