/** The worker thread of `aside.ts`. */
import { parentPort } from 'node:worker_threads'
import type { AsideAnswer, Done, Order } from './aside.ts'
import { collectGarbage } from './memory/live_memory.ts'

parentPort?.on('message', async ({ module, bytes, settings }: Order) => {
  try {
    const { work } = (await import(module)) as { work(bytes: Uint8Array, settings: unknown): Done }
    const { result, moved } = work(bytes, settings)
    const answer: AsideAnswer = { result }
    parentPort!.postMessage(answer, moved)
  } catch (error) {
    const answer: AsideAnswer = { error: error instanceof Error ? new Error(`${error.name}: ${error.message}`) : error }
    parentPort!.postMessage(answer)
  }
  // This heap is small, so that by itself it would be collected long after megabytes outside of it are garbage.
  setImmediate(collectGarbage)
})
