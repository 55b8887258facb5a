/** The keys that every sending exporter has. */
import {
  expect,
  type RetryOnFailure,
  retryOnFailure,
  type SendingQueue,
  sendingQueue,
  timeout,
} from '../config/schema/blocks.ts'

export interface SendingSettings {
  readonly sending_queue: SendingQueue
  readonly retry_on_failure: RetryOnFailure
  /** Milliseconds for one attempt; 0: no limit. */
  readonly timeout: number
}

/** To be spread into an exporter's schema. `attempt` is the default time limit of an attempt, such as `5s`. */
export function sendingKeys(attempt: string) {
  return { timeout: timeout(attempt), retry_on_failure: retryOnFailure(), sending_queue: memoryQueue() }
}

function memoryQueue() {
  return sendingQueue().superRefine((queue, context) => {
    if (queue.storage === undefined) return
    const advice = 'remove `storage`; the queue is then in memory'
    expect(context, 'no storage: this version has no sending queue on disk', advice, ['storage'])
  })
}
