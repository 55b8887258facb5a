/**
 * What an exporter has to give: one attempt to send one batch. Everything around it (time limit, repeats, queue, books,
 * counters) is `Sending`.
 */
import type { Batches, Context, Signal } from '../component.ts'

export interface Sender<S extends Signal> {
  /**
   * One attempt. Stops as soon as `signal` aborts. Classifies every failure itself: an exception is taken for a bug and
   * the batch for lost. Messages go to the log: never put telemetry or a backend's free text into them.
   */
  send(batch: Batches[S], context: Context, signal: AbortSignal): Promise<SendResult>
}

export type SendResult = Sent | Retryable | Permanent | TooLarge

/** The backend took the batch, or all of it but `rejected` items (OTLP's partial success, which is never repeated). */
export interface Sent {
  readonly outcome: 'sent'
  /** Spans, log records, data points. Default 0. */
  readonly rejected?: number | undefined
}

/** Worth another attempt. */
export interface Retryable {
  readonly outcome: 'retryable'
  readonly message: string
  /** How long the backend wants to be left alone. */
  readonly retryAfter_ms?: number | undefined
  /** It has no room for so much (RESOURCE_EXHAUSTED, 429): for now, or because there is too much in one request. */
  readonly isExhausted?: boolean
}

/** No attempt will help. */
export interface Permanent {
  readonly outcome: 'permanent'
  /** `rejected_by_backend`: it said so; `permanent_error`: anything else. */
  readonly reason: 'rejected_by_backend' | 'permanent_error' | 'policy_changed'
  readonly message: string
}

/** Larger than may be sent: its halves may fit, a single item is lost. */
export interface TooLarge {
  readonly outcome: 'too_large'
  readonly message: string
}

export const SENT: Sent = { outcome: 'sent' }

export function retryable(message: string, retryAfter_ms?: number, isExhausted = false): Retryable {
  return { outcome: 'retryable', message, retryAfter_ms, isExhausted }
}
