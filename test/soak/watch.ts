/** What the daemon takes of memory while it is under load: looked at every second, collected fully every now and then. */
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Subject } from '../chaos/contained_daemon.ts'
import { sumOf } from '../chaos/readings.ts'

export interface Peaks {
  /** Live objects and buffers after a full collection. */
  live_bytes: number
  /** What it says that it holds for somebody. */
  held_bytes: number
  rss_bytes: number
  /** Longest that its metrics were not answered, milliseconds. */
  silent_ms: number
  samples: number
}

const PERIOD_ms = 1000
/** A full collection stops the daemon for a tenth of a second. */
const LOOKS_PER_COLLECTION = 10

export class Watch {
  readonly peaks: Peaks = { live_bytes: 0, held_bytes: 0, rss_bytes: 0, silent_ms: 0, samples: 0 }
  readonly #subject: Subject
  readonly #loop: Promise<void>
  #stopped = false

  constructor(subject: Subject) {
    this.#subject = subject
    this.#loop = this.#run()
  }

  async stop(): Promise<Peaks> {
    this.#stopped = true
    await this.#loop
    return this.peaks
  }

  async #run(): Promise<void> {
    for (let look = 1; !this.#stopped && this.#subject.alive; look++) {
      await this.#look(look % LOOKS_PER_COLLECTION === 0).catch(() => {})
      await sleep(PERIOD_ms)
    }
  }

  async #look(collects: boolean): Promise<void> {
    const { peaks } = this
    const begun_ms = performance.now()
    const metrics = await this.#subject.metrics()
    peaks.silent_ms = Math.max(peaks.silent_ms, performance.now() - begun_ms)
    peaks.held_bytes = Math.max(peaks.held_bytes, sumOf(metrics, 'sluice_memory_held_bytes'))
    peaks.rss_bytes = Math.max(peaks.rss_bytes, residentBytes(this.#subject.pid))
    peaks.samples++
    if (!collects) return
    const { heap_bytes, external_bytes } = await this.#subject.liveMemory()
    peaks.live_bytes = Math.max(peaks.live_bytes, heap_bytes + external_bytes)
  }
}

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
}
