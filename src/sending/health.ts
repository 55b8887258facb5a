/** Tells the log and the health check how sending fares: the beginning and the end of a trouble, and a line in between at most every 10 s. */
import type { Host, Signal } from '../component.ts'

const LINE_EVERY_MS = 10_000

interface Trouble {
  failures: number
  lostItems: number
  /** The trouble has been logged, so its end is worth a line. */
  told: boolean
}

/** One for all signals of an exporter: it is well when each of them is. */
export class Health {
  readonly #host: Host
  readonly #troubles = new Map<Signal, Trouble>()
  readonly #lastLine_ms = new Map<Signal, number>()

  constructor(host: Host) {
    this.#host = host
  }

  /** An attempt failed; `lostItems` were given up with it. */
  failed(signal: Signal, message: string, lostItems = 0): void {
    const trouble = this.#troubles.get(signal) ?? { failures: 0, lostItems: 0, told: false }
    if (!this.#troubles.has(signal)) {
      this.#troubles.set(signal, trouble)
      this.#host.status('recoverable', `${signal}: ${message}`)
    }
    if (lostItems === 0) trouble.failures++
    trouble.lostItems += lostItems
    if (!this.#mayLog(signal)) return
    trouble.told = true
    const text = lostItems > 0 ? 'items were dropped' : 'sending fails'
    this.#host.log.warn({ signal, reason: message, failures: trouble.failures, lost_items: trouble.lostItems }, text)
  }

  /** The backend took a batch. */
  succeeded(signal: Signal): void {
    const trouble = this.#troubles.get(signal)
    if (trouble === undefined) return
    this.#troubles.delete(signal)
    if (this.#troubles.size === 0) this.#host.status('ok')
    if (!trouble.told) return
    this.#host.log.info({ signal, failures: trouble.failures, lost_items: trouble.lostItems }, 'sending works again')
  }

  /** The backend took a batch but for some items. */
  rejected(signal: Signal, items: number): void {
    if (this.#mayLog(signal))
      this.#host.log.warn({ signal, rejected_items: items }, 'the backend rejected items of a batch')
  }

  /** Something that is no trouble of the backend's: a bug. */
  bug(error: unknown): void {
    // The stack names our code; the message may quote what was worked on.
    const stack = error instanceof Error ? error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) : undefined
    this.#host.log.error(
      { error: error instanceof Error ? error.name : typeof error, stack },
      'internal error while sending',
    )
  }

  #mayLog(signal: Signal): boolean {
    const now_ms = this.#host.clock.monotonic_ms()
    const last_ms = this.#lastLine_ms.get(signal)
    if (last_ms !== undefined && now_ms - last_ms < LINE_EVERY_MS) return false
    this.#lastLine_ms.set(signal, now_ms)
    return true
  }
}
