/**
 * Why a batch was not taken. Thrown (as a rejection) by a Consumer; a receiver turns it into the protocol's answer:
 * retryable → HTTP 503 (429 for `queue_full` and `memory_limit`) and gRPC UNAVAILABLE, otherwise 500 / INTERNAL.
 */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  /** True: the sender keeps the batch and may send it again. */
  readonly retryable: boolean
  /** Short snake_case word for counters: `queue_full`, `memory_limit`, `shutdown`, `timeout`, `export_failed` … */
  readonly reason: string
  /** How long the sender had better wait, in milliseconds. */
  readonly retryAfter_ms: number | undefined

  constructor(
    reason: string,
    message: string,
    options: { retryable: boolean; retryAfter_ms?: number | undefined; cause?: unknown },
  ) {
    super(message, { cause: options.cause })
    this.reason = reason
    this.retryable = options.retryable
    this.retryAfter_ms = options.retryAfter_ms
  }
}

/** A refusal after which the sender may try again. */
export function retryLater(reason: string, message: string, retryAfter_ms?: number): Refusal {
  return new Refusal(reason, message, { retryable: true, retryAfter_ms })
}
