/** What a backend's answer to an OTLP/HTTP request means (OTLP 1.11, "OTLP/HTTP Response"). */
import { decode, type Message } from '../../otlp/codec.ts'
import { saysTooLarge } from '../../sending/failures/over_limit.ts'
import { retryAfterOf } from '../../sending/failures/retry_after.ts'
import { type Permanent, type Retryable, retryable, type Sent, type TooLarge } from '../../sending/sender.ts'

export interface ExportAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Buffer
}

/** `now_ms` is for a Retry-After that is a date. The body's text goes nowhere: it may quote telemetry. */
export function judgeExport(answer: ExportAnswer, now_ms: number): Sent | Retryable | Permanent | TooLarge {
  const { status } = answer
  if (status >= 200 && status < 300) return { outcome: 'sent', rejected: rejectedItems(answer) }
  const message = `HTTP ${status}`
  const isTooLarge = status === 413 || (isFailure(status) && saysTooLarge(answer.body.toString('latin1', 0, 2000)))
  if (isTooLarge) return { outcome: 'too_large', message: `${message} (larger than it takes)` }
  if (status === 429 || status === 502 || status === 503 || status === 504) {
    return retryable(message, retryAfterOf(one(answer.headers['retry-after']), now_ms), status === 429)
  }
  const advice =
    status >= 300 && status < 400 ? ' (redirects are not followed: set the endpoint to where it points)' : ''
  return { outcome: 'permanent', reason: 'rejected_by_backend', message: message + advice }
}

/** 429 is about how often, whatever its text says. */
function isFailure(status: number): boolean {
  return status >= 400 && status !== 429
}

/** From the partial success of an Export…ServiceResponse; 0 if there is none, or if the body is something else: the status decides. */
function rejectedItems({ headers, body }: ExportAnswer): number {
  const type = one(headers['content-type'])?.split(';', 1)[0]?.trim().toLowerCase()
  try {
    if (type === 'application/x-protobuf') return rejectedInProtobuf(body)
    return type === 'application/json' ? rejectedInJson(body) : 0
  } catch {
    return 0
  }
}

/** Of a serialised Export…ServiceResponse of any signal. Throws WireError. */
export function rejectedInProtobuf(body: Buffer): number {
  const partial = decode('ExportResponse', body)['partialSuccess'] as Message | undefined
  return Number(partial?.['rejected'] ?? 0)
}

function rejectedInJson(body: Buffer): number {
  const partial = (JSON.parse(body.toString('utf8')) as { partialSuccess?: Record<string, unknown> }).partialSuccess
  const rejected = partial?.['rejectedSpans'] ?? partial?.['rejectedDataPoints'] ?? partial?.['rejectedLogRecords']
  const count = Number(rejected ?? 0)
  return Number.isFinite(count) ? count : 0
}

function one(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}
