/**
 * What Loki's answer to a push means. Its texts quote label values: numbers and the kind of a refusal are taken out of
 * them, and they themselves go nowhere. Texts as Loki 3.7 writes them.
 */
import { saysTooLarge } from '../../sending/failures/over_limit.ts'
import { retryAfterOf } from '../../sending/failures/retry_after.ts'
import { retryable, type SendResult } from '../../sending/sender.ts'

export interface PushAnswer {
  readonly status: number
  readonly retryAfter: string | undefined
  /** Its beginning. */
  readonly text: string
}

/** `block_ingestion_status_code`: in the range of success, but the lines are gone. */
const BLOCKED = 260

/** What everything but a 400 means. `now_ms` is for a Retry-After that is a date. */
export function judgePush({ status, retryAfter, text }: PushAnswer, now_ms: number): SendResult {
  if (status >= 200 && status < 300 && status !== BLOCKED) return { outcome: 'sent' }
  const message = `HTTP ${status}`
  if (status === 413 || (status >= 500 && saysTooLarge(text))) {
    return { outcome: 'too_large', message: `${message} (larger than Loki takes)` }
  }
  if (status === 429 || status >= 500) return retryable(message, retryAfterOf(retryAfter, now_ms), status === 429)
  return { outcome: 'permanent', reason: 'rejected_by_backend', message: message + (advice[status] ?? '') }
}

const advice: Readonly<Record<number, string>> = {
  301: ' (redirects are not followed: set the endpoint to where it points)',
  302: ' (redirects are not followed: set the endpoint to where it points)',
  307: ' (redirects are not followed: set the endpoint to where it points)',
  308: ' (redirects are not followed: set the endpoint to where it points)',
  401: ' (set tenant_id, basic_auth or headers)',
  403: ' (see tenant_id, basic_auth and headers)',
  404: ' (is the endpoint Loki’s push API?)',
}

/** Why lines were refused. */
export type LineRefusal = (typeof refusals)[number][0] | 'other'

const refusals = [
  ['too_old', /too far behind|timestamp too old|entry out of order/],
  ['too_new', /timestamp too new/],
  ['line_too_long', /max entry size/],
  ['metadata_too_large', /structured metadata too large/],
  ['metadata_too_many', /too many structured metadata/],
  ['labels', /has \d+ label names|label name too long|label value too long|duplicate label name|couldn't parse labels/],
] as const

export interface RefusalReport {
  /** Refused lines by reason; empty if the text is not understood. */
  readonly refused: ReadonlyMap<LineRefusal, number>
  /** False: of a request with several streams this is not all, or not the number of the lines. */
  readonly isExact: boolean
}

/**
 * Reads the text of a 400 to a request with so many lines. Loki takes the good lines of such a request. Its
 * distributors' text counts all lines that they refused, but labels once for all lines of a stream. An ingester's text
 * counts the lines of one stream, though others may have refused ones as well, and hides what the distributors say.
 */
export function readRefusal(text: string, lines: number): RefusalReport {
  const ignored = /(?:^|\n)user '[^\n]*', total ignored: (\d+) out of (\d+) for stream: \{[^\n]*\}\s*$/.exec(text)
  if (ignored === null) return distributorReport(text, lines)
  const refused = new Map<LineRefusal, number>([[reasonOf(text), Number(ignored[1])]])
  // What the distributors took out before, for whatever reason.
  const before = lines - Number(ignored[2])
  if (before > 0) refused.set('other', before)
  return { refused, isExact: false }
}

/** `3 errors like: …; 2 errors like: …`, or one error alone. */
function distributorReport(text: string, lines: number): RefusalReport {
  const refused = new Map<LineRefusal, number>()
  for (const part of withoutLabels(text).split('; ')) {
    const reason = reasonOf(part)
    if (reason === 'other') continue
    const count = Number(/^(\d+) errors like: /.exec(part)?.[1] ?? 1)
    refused.set(reason, (refused.get(reason) ?? 0) + count)
  }
  return refused.has('labels') ? { refused: new Map([['labels', lines]]), isExact: false } : { refused, isExact: true }
}

/** Label values may say anything. */
function withoutLabels(text: string): string {
  return text.replace(/\{(?:[^"{}]|"(?:[^"\\]|\\.)*")*\}/g, '{}')
}

function reasonOf(text: string): LineRefusal {
  return refusals.find(([, pattern]) => pattern.test(text))?.[0] ?? 'other'
}
