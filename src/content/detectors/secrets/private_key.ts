import { ALNUM, BACKSLASH, byteSet, classes, SPACE } from '../bytes.ts'
import { type Detector, traits } from '../detector.ts'
import { type Findings, kindIndex } from '../findings.ts'

const PRIVATE_KEY = kindIndex('PRIVATE_KEY')
const LABEL_MAX = 64
/** A 16 kbit RSA key is about 13 KB of PEM. */
const BODY_MAX = 32_768
const WORD_MIN = 16
/** Searched without its dashes, which are frequent in lists and tables. */
const BEGIN = Buffer.from('BEGIN ')
const DASHES = '-----'
const END = Buffer.from('-----END ')
const base64 = byteSet(ALNUM, '+/=')

/** PEM private keys, BEGIN to END; without END, as far as the body goes. */
export const privateKey: Detector = {
  kinds: ['PRIVATE_KEY'],
  needs: traits.dashes,
  find(bytes, start, end, findings) {
    let next = 0
    for (let p = bytes.indexOf(BEGIN, start); p !== -1; p = bytes.indexOf(BEGIN, p + 1)) {
      if (p < next || !hasDashes(bytes, p, start)) continue
      const body = labelEnd(bytes, p + BEGIN.length, end)
      findings.spend(LABEL_MAX)
      if (body === -1) continue
      next = keyEnd(bytes, body, end, findings)
      findings.add(p - DASHES.length, next, PRIVATE_KEY)
    }
  },
}

function hasDashes(bytes: Buffer, p: number, low: number): boolean {
  if (p - DASHES.length < low) return false
  for (let i = 1; i <= DASHES.length; i++) if (bytes[p - i] !== 0x2d) return false
  return true
}

/** The end of `… PRIVATE KEY …-----` at `p`, or -1. */
function labelEnd(bytes: Buffer, p: number, end: number): number {
  const label = bytes.toString('latin1', p, Math.min(end, p + LABEL_MAX))
  const dashes = label.indexOf(DASHES)
  if (dashes === -1 ? p + LABEL_MAX <= end : false) return -1
  const name = dashes === -1 ? label : label.slice(0, dashes)
  if (!name.includes('PRIVATE')) return -1
  return dashes === -1 ? end : p + dashes + 5
}

function keyEnd(bytes: Buffer, body: number, end: number, findings: Findings): number {
  const window = bytes.subarray(body, Math.min(end, body + BODY_MAX))
  const again = window.indexOf(BEGIN)
  const limit = again === -1 ? body + window.length : body + again
  const close = window.subarray(0, limit - body).indexOf(END)
  findings.spend(limit - body)
  if (close === -1) return bodyEnd(bytes, body, limit)
  const dashes = bytes.indexOf(DASHES, body + close + END.length, 'latin1')
  return dashes !== -1 && dashes < body + close + LABEL_MAX ? dashes + 5 : Math.min(end, body + close + END.length)
}

/** The end of a body that was cut off: base64 words and `Name: value` lines, between spaces, line feeds or their escapes. */
function bodyEnd(bytes: Buffer, body: number, limit: number): number {
  let stop = body
  let p = body
  while (p < limit) {
    p = skipBlanks(bytes, p, limit)
    const word = p
    while (p < limit && base64[bytes[p]!]) p++
    if (p < limit && (bytes[p] === 0x3a || bytes[p] === 0x2d)) p = lineEnd(bytes, p, limit)
    else if (p - word < WORD_MIN && p !== limit) {
      if (stop !== body && p > word) stop = p
      break
    }
    if (p === word) break
    stop = p
  }
  return stop
}

function skipBlanks(bytes: Buffer, from: number, limit: number): number {
  let p = from
  while (p < limit) {
    const byte = bytes[p]!
    if (classes[byte]! & SPACE || byte === 0x22 || byte === 0x27) p++
    else if (byte !== BACKSLASH) return p
    else if (bytes[p + 1] === 0x6e || bytes[p + 1] === 0x72 || bytes[p + 1] === 0x74) p += 2
    else p++
  }
  return p
}

function lineEnd(bytes: Buffer, from: number, limit: number): number {
  let p = from
  while (p < limit && bytes[p] !== 0x0a && bytes[p] !== BACKSLASH) p++
  return p
}
