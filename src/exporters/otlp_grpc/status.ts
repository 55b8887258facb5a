/** What a backend's gRPC status means (OTLP 1.11, "Failures" of OTLP/gRPC). */
import { status as Code, type Metadata } from '@grpc/grpc-js'
import { next, readBigInt64, readLength, readUint32, skipValue } from '../../otlp/cursor.ts'
import { networkErrorName } from '../../sending/failures/network_error.ts'
import { saysTooLarge } from '../../sending/failures/over_limit.ts'
import { type Permanent, type Retryable, retryable, type TooLarge } from '../../sending/sender.ts'

const RETRYABLE: ReadonlySet<number> = new Set([
  Code.CANCELLED,
  Code.DEADLINE_EXCEEDED,
  Code.ABORTED,
  Code.OUT_OF_RANGE,
  Code.UNAVAILABLE,
  Code.DATA_LOSS,
])

/** What the client library says of its own limit; servers that are made of the same code say it of theirs. */
const OVER_RESPONSE_LIMIT = /^Received message (larger than max|that decompresses to a size larger than)/

export interface Failure {
  readonly code: number
  readonly details: string
  readonly metadata: Metadata
}

/** The text in `details` goes nowhere: it may quote telemetry. */
export function judge(failure: Failure): Retryable | Permanent | TooLarge {
  const { code, details } = failure
  const network = networkErrorName(new Error(details))
  const message = `gRPC ${Code[code] ?? code}${network === undefined ? '' : ` (${network})`}`
  const retryAfter_ms = retryInfoOf(failure.metadata.get('grpc-status-details-bin')[0])
  if (isOverResponseLimit(failure))
    return { outcome: 'permanent', reason: 'permanent_error', message: 'the response is over the limit' }
  if (saysTooLarge(details)) return { outcome: 'too_large', message: `${message} (larger than it takes)` }
  if (RETRYABLE.has(code)) return retryable(message, retryAfter_ms)
  // Tempo 2 throttles by this word, without a RetryInfo.
  const rateLimited = details.includes('RATE_LIMITED')
  if (code === Code.RESOURCE_EXHAUSTED && (retryAfter_ms !== undefined || rateLimited)) {
    return retryable(rateLimited ? `${message} (RATE_LIMITED)` : message, retryAfter_ms, true)
  }
  return { outcome: 'permanent', reason: 'rejected_by_backend', message }
}

/** Only a server's own status brings headers with it. */
function isOverResponseLimit({ code, details, metadata }: Failure): boolean {
  const isOurs = Object.keys(metadata.getMap()).length === 0
  return isOurs && code === Code.RESOURCE_EXHAUSTED && OVER_RESPONSE_LIMIT.test(details)
}

/**
 * Milliseconds of the RetryInfo in a serialised google.rpc.Status; undefined if there is none.
 * Status { 3: repeated Any { 1: type_url, 2: value } }, RetryInfo { 1: Duration { 1: seconds, 2: nanos } }.
 */
export function retryInfoOf(bytes: unknown): number | undefined {
  if (!Buffer.isBuffer(bytes)) return undefined
  try {
    for (const detail of messagesIn(bytes, 3)) {
      const type = messagesIn(detail, 1)[0]?.toString('utf8')
      if (!type?.endsWith('/google.rpc.RetryInfo')) continue
      const info = messagesIn(detail, 2)[0] ?? Buffer.alloc(0)
      const delay = messagesIn(info, 1)[0] ?? Buffer.alloc(0)
      return Math.max(0, numberIn(delay, 1) * 1000 + numberIn(delay, 2) / 1e6)
    }
  } catch {
    // Details that cannot be read are as good as none.
  }
  return undefined
}

/** The length-delimited values of a field. Throws WireError. */
function messagesIn(bytes: Buffer, field: number): Buffer[] {
  const found: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = readUint32(bytes, at, bytes.length)
    const start = next
    at = skipValue(tag & 7, bytes, start, bytes.length)
    if (tag !== field * 8 + 2) continue
    readLength(bytes, start, at)
    found.push(bytes.subarray(next, at))
  }
  return found
}

/** The last varint of a field, 0 if there is none. Throws WireError. */
function numberIn(bytes: Buffer, field: number): number {
  let value = 0
  for (let at = 0; at < bytes.length; ) {
    const tag = readUint32(bytes, at, bytes.length)
    const start = next
    at = skipValue(tag & 7, bytes, start, bytes.length)
    if (tag === field * 8) value = Number(readBigInt64(bytes, start, at))
  }
  return value
}
