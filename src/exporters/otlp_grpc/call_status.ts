/** What became of a call, as the way of a batch goes on (OTLP 1.11, "Failures" of OTLP/gRPC). */

import { codeName, GrpcCode } from '../../net/grpc/grpc_status.ts'
import type { GrpcOutcome } from '../../net/grpc_client/grpc_outcome.ts'
import { next, readBigInt64, readLength, readUint32, skipValue } from '../../otlp/cursor.ts'
import { saysTooLarge } from '../../sending/failures/over_limit.ts'
import { type Permanent, type Retryable, retryable, type TooLarge } from '../../sending/sender.ts'

const RETRYABLE: ReadonlySet<number> = new Set([
  GrpcCode.CANCELLED,
  GrpcCode.DEADLINE_EXCEEDED,
  GrpcCode.ABORTED,
  GrpcCode.OUT_OF_RANGE,
  GrpcCode.UNAVAILABLE,
  GrpcCode.DATA_LOSS,
])

/** Of a call that failed. A backend's own text goes nowhere: it may quote telemetry. */
export function judge(outcome: GrpcOutcome): Retryable | Permanent | TooLarge {
  if (outcome.from === 'peer') return judgeStatus(outcome)
  const { code, from, text } = outcome
  if (from === 'limit') return { outcome: 'permanent', reason: 'permanent_error', message: text }
  const message = `gRPC ${codeName(code)} (${text})`
  if (text === 'HTTP 413') return { outcome: 'too_large', message: `${message} (larger than it takes)` }
  // ENHANCE_YOUR_CALM on the way is about how much there is, not about this batch.
  if (RETRYABLE.has(code) || code === GrpcCode.RESOURCE_EXHAUSTED) {
    return retryable(message, undefined, code === GrpcCode.RESOURCE_EXHAUSTED)
  }
  return { outcome: 'permanent', reason: 'rejected_by_backend', message }
}

function judgeStatus({ code, text, details }: GrpcOutcome): Retryable | Permanent | TooLarge {
  const message = `gRPC ${codeName(code)}`
  const retryAfter_ms = retryInfoOf(details)
  if (saysTooLarge(text)) return { outcome: 'too_large', message: `${message} (larger than it takes)` }
  if (RETRYABLE.has(code)) return retryable(message, retryAfter_ms)
  // Tempo 2 throttles by this word, without a RetryInfo.
  const rateLimited = text.includes('RATE_LIMITED')
  if (code === GrpcCode.RESOURCE_EXHAUSTED && (retryAfter_ms !== undefined || rateLimited)) {
    return retryable(rateLimited ? `${message} (RATE_LIMITED)` : message, retryAfter_ms, true)
  }
  return { outcome: 'permanent', reason: 'rejected_by_backend', message }
}

/**
 * Milliseconds of the RetryInfo in a serialised google.rpc.Status; undefined if there is none.
 * Status { 3: repeated Any { 1: type_url, 2: value } }, RetryInfo { 1: Duration { 1: seconds, 2: nanos } }.
 */
export function retryInfoOf(bytes: Buffer): number | undefined {
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
