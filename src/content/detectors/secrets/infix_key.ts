import { ALNUM, byteSet, classes, DIGIT, TOKEN } from '../bytes.ts'
import { kindIndex } from '../findings.ts'
import type { TokenRule } from './tokens.ts'

const API_KEY = kindIndex('API_KEY')
const KEY_MAX = 200
const HOST_REACH = 160

/** Hosts of webhooks, whose address is the secret. The key is what follows. */
const webhooks =
  /(?:hooks\.slack\.com\/(?:services|workflows|triggers)|discord(?:app)?\.com\/api\/webhooks|outlook\.office(?:365)?\.com\/webhook(?:b2)?)\/[^\s"'<>`\\]*$/i
const path = byteSet(TOKEN, '/@.')
const azure = byteSet(TOKEN, '~.')
const salesforce = byteSet(TOKEN, '.')

/**
 * Secrets that are known by a byte inside them, left of their longest run: Telegram bot tokens (`12345678:AA…`),
 * Facebook application tokens (`123456789012345|…`), Azure client secrets (`abc8Q~…`), Salesforce sessions (`00D…!…`),
 * and webhook addresses of Slack, Discord and Teams.
 */
export const infixKey: TokenRule = {
  kind: 'API_KEY',
  find(bytes, start, end, low, limit, findings) {
    if (start - 2 < low) return false
    let from = -1
    let to = end
    switch (bytes[start - 1]) {
      case 0x3a: // :
        if (bytes[start] === 0x41 && end - start >= 33 && end - start <= 40)
          from = numberStart(bytes, start - 1, low, 5, 16)
        break
      case 0x7c: // |
        if (end - start >= 24 && end - start <= 40) from = numberStart(bytes, start - 1, low, 15, 16)
        break
      case 0x7e: // ~
        if (bytes[start - 2] === 0x51 && start - 6 >= low && classes[bytes[start - 3]!]! & DIGIT) from = start - 6
        to = spanEnd(bytes, end, limit, azure)
        if (to - start < 28) from = -1
        break
      case 0x21: // !
        if (start - 16 >= low && bytes.toString('latin1', start - 16, start - 13) === '00D') from = start - 16
        to = spanEnd(bytes, end, limit, salesforce)
        break
      case 0x2f: // /
        if (!webhooks.test(bytes.toString('latin1', Math.max(low, start - HOST_REACH), start))) return false
        from = start
        to = spanEnd(bytes, end, limit, path)
        break
    }
    findings.spend(to - end + 16)
    if (from === -1) return false
    findings.add(from, to, API_KEY)
    return true
  },
}

/** Where the `min` to `max` digits begin that end at `end`; -1 if there are fewer, more, or a letter before them. */
function numberStart(bytes: Buffer, end: number, low: number, min: number, max: number): number {
  let p = end
  while (p > low && end - p <= max && classes[bytes[p - 1]!]! & DIGIT) p--
  if (end - p < min || end - p > max) return -1
  return p > low && classes[bytes[p - 1]!]! & ALNUM ? -1 : p
}

function spanEnd(bytes: Buffer, from: number, limit: number, set: Uint8Array): number {
  const stop = Math.min(limit, from + KEY_MAX)
  let p = from
  while (p < stop && set[bytes[p]!]) p++
  while (p > from && !(classes[bytes[p - 1]!]! & TOKEN)) p--
  return p
}
