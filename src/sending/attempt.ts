/** One attempt with a time limit. */
import type { Clock } from '../self/clock.ts'
import { retryable, type SendResult } from './sender.ts'
import { onAbort, type Stop } from './stop.ts'

export interface AttemptOptions {
  /** 0: no limit. */
  readonly timeout_ms: number
  readonly clock: Clock
  readonly stop: Stop
  /** An attempt threw: a bug in the sender. */
  onBug(error: unknown): void
}

/**
 * Runs `send` until it answers, the time is up or the stop's deadline comes, whichever is first: a sender that does not
 * heed its signal holds up nobody. Never rejects.
 */
export function attempt(
  send: (signal: AbortSignal) => Promise<SendResult>,
  options: AttemptOptions,
): Promise<SendResult> {
  const { timeout_ms, clock, stop } = options
  const controller = new AbortController()
  return new Promise((resolve) => {
    const end = (result: SendResult) => {
      timer?.cancel()
      release()
      resolve(result)
    }
    const breakOff = (message: string) => {
      end(retryable(message))
      controller.abort()
    }
    const timer =
      timeout_ms > 0 ? clock.after(timeout_ms, () => breakOff(`no answer within ${timeout_ms}ms`)) : undefined
    let release = () => {}
    release = onAbort(stop.work, () => breakOff('broken off at the end of the shutdown'))
    if (controller.signal.aborted) return
    call(send, controller.signal).then(end, (error: unknown) => {
      if (!controller.signal.aborted) options.onBug(error)
      end({ outcome: 'permanent', reason: 'permanent_error', message: 'internal error' })
    })
  })
}

/** Turns a throw into a rejection. */
async function call(send: (signal: AbortSignal) => Promise<SendResult>, signal: AbortSignal): Promise<SendResult> {
  return send(signal)
}
