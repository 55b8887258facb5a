/** Long work beside the event loop, so that one large request does not keep all others waiting. */
import { setImmediate as turn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { retryLater } from '../refusal.ts'
import type { Clock } from './clock.ts'
import { memoryOf } from './memory/process_memory.ts'
import type { Service, Services } from './services.ts'

/** As much is copied at once: a millisecond or two. */
export const COPIED_MAX_BYTES = 4 << 20
/** Of what the worker holds in its heap; bytes are outside of it. What needs more fails, and the process lives. */
const HEAP_MAX_MIB = 256

/** One piece of work: `module` exports `work(bytes, settings)`, which returns a `Done`. */
export interface Job {
  readonly module: URL
  /** Copied before it is handed over: batches never change. */
  readonly bytes: Uint8Array
  /** Plain data. */
  readonly settings: unknown
  /** Unix milliseconds after which nobody waits for the result. */
  readonly deadline_ms?: number | undefined
}

/** What `work` returns: the result, and what of it is moved instead of copied. */
export interface Done {
  readonly result: unknown
  readonly moved: ArrayBuffer[]
}

/** What the worker is told, and what it answers. */
export interface Order {
  readonly module: string
  readonly bytes: Uint8Array
  readonly settings: unknown
}
export type AsideAnswer = { readonly result: unknown } | { readonly error: unknown }

/**
 * One worker thread, started with the first job, that does one job after the other in the order in which they came. A
 * job that fails rejects; a thread that dies takes its job with it, and the next one begins a new thread.
 */
export class Aside {
  /** Calls with the bytes that are copied at once. For tests. */
  onCopy: (bytes: number) => void = () => {}
  readonly #clock: Clock
  readonly #hasRoom: () => boolean
  #worker: Worker | undefined
  #last: Promise<unknown> = Promise.resolve()
  #held_bytes = 0

  /** `hasRoom`: false where the process is too small for a thread; the work is then done on the event loop. */
  constructor(clock: Clock, hasRoom: () => boolean = () => true) {
    this.#clock = clock
    this.#hasRoom = hasRoom
  }

  /** Bytes of the job under way, which the worker has a copy of. */
  get held_bytes(): number {
    return this.#held_bytes
  }

  /** Rejects with a Refusal if the deadline passed while others were served. */
  run(job: Job): Promise<unknown> {
    const result = this.#last.then(() => this.#serve(job))
    this.#last = result.catch(() => {})
    return result
  }

  /** What is under way comes to its end first. */
  async close(): Promise<void> {
    await this.#last
    await this.#worker?.terminate()
    this.#worker = undefined
  }

  async #serve(job: Job): Promise<unknown> {
    if (job.deadline_ms !== undefined && this.#clock.monotonic_ms() > job.deadline_ms)
      throw retryLater('timeout', 'other large requests came first, and the time for this one ran out')
    if (!this.#hasRoom()) return here(job)
    this.#held_bytes = 2 * job.bytes.length
    try {
      const bytes = await this.#copy(job.bytes)
      return await this.#ask({ module: job.module.href, bytes, settings: job.settings })
    } finally {
      this.#held_bytes = 0
    }
  }

  async #copy(source: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
    const target = new Uint8Array(new ArrayBuffer(source.length))
    for (let at = 0; at < source.length; at += COPIED_MAX_BYTES) {
      if (at > 0) await turn()
      const piece = source.subarray(at, at + COPIED_MAX_BYTES)
      target.set(piece, at)
      this.onCopy(piece.length)
    }
    return target
  }

  #ask(order: Order & { readonly bytes: Uint8Array<ArrayBuffer> }): Promise<unknown> {
    const worker = (this.#worker ??= this.#start())
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const answered = (answer: AsideAnswer) => ('error' in answer ? reject(answer.error) : resolve(answer.result))
    const ended = () => reject(new Error('the worker thread ended before its work was done'))
    worker.once('message', answered).once('error', reject).once('exit', ended)
    worker.ref()
    worker.postMessage(order, [order.bytes.buffer])
    return promise.finally(() => {
      worker.off('message', answered).off('error', reject).off('exit', ended)
      worker.unref()
    })
  }

  #start(): Worker {
    const worker = new Worker(new URL('./aside_worker.ts', import.meta.url), {
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MAX_MIB },
    })
    // Without a listener the error of an idle thread would end the process.
    worker.on('error', () => this.#forget(worker)).on('exit', () => this.#forget(worker))
    return worker
  }

  #forget(worker: Worker): void {
    if (this.#worker === worker) this.#worker = undefined
  }
}

async function here({ module, bytes, settings }: Job): Promise<unknown> {
  const { work } = (await import(module.href)) as { work(bytes: Uint8Array, settings: unknown): Done }
  return work(bytes, settings).result
}

/** What a thread takes before it has any work: a heap and the code of its own. */
const THREAD_BYTES = 100 << 20

const ASIDE: Service<Aside> = {
  make(services) {
    const memory = memoryOf(services)
    const aside = new Aside(services.clock, () => memory.limit_bytes > 3 * THREAD_BYTES)
    memory.hold('aside', () => aside.held_bytes)
    return aside
  },
}

/** The daemon's, by any host of its components. */
export function asideOf(host: Pick<Services, 'service'>): Aside {
  return host.service(ASIDE)
}
