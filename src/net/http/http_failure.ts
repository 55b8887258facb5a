import { Refusal } from '../../refusal.ts'
import { DecompressError } from '../decompress.ts'

/** An answer that is an error. A handler may throw one; the server's `fail` hook renders its body. */
export class HttpFailure extends Error {
  override readonly name = 'HttpFailure'
  readonly status: number
  readonly headers: Record<string, string>

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/** The answer to an exception; undefined for what nobody expected. */
export function httpFailureOf(error: unknown): HttpFailure | undefined {
  if (error instanceof HttpFailure) return error
  if (error instanceof DecompressError) return new HttpFailure(error.kind === 'too_large' ? 413 : 400, error.message)
  if (!(error instanceof Refusal)) return undefined
  let failure = failures.get(error)
  if (failure === undefined) failures.set(error, (failure = failureOfRefusal(error)))
  return failure
}

/** Under overload the same refusal goes to many. */
const failures = new WeakMap<Refusal, HttpFailure>()

function failureOfRefusal(error: Refusal): HttpFailure {
  if (!error.retryable) return new HttpFailure(500, error.message)
  const status = error.reason === 'queue_full' || error.reason === 'memory_limit' ? 429 : 503
  if (error.retryAfter_ms === undefined) return new HttpFailure(status, error.message)
  return new HttpFailure(status, error.message, { 'retry-after': String(Math.ceil(error.retryAfter_ms / 1000)) })
}

/** Why a request was refused, as a word for counters: a refusal's own reason, else what kind of error it is. */
export function httpReasonOf(error: unknown): string {
  if (error instanceof Refusal) return error.reason
  if (error instanceof DecompressError) return error.kind
  if (error instanceof HttpFailure) return STATUS_REASONS.get(error.status) ?? 'bad_request'
  return 'bug'
}

const STATUS_REASONS = new Map([
  [408, 'slow'],
  [413, 'too_large'],
  [500, 'bug'],
])
