/** The two steps of a stop: first nobody waits any more, then nobody works any more. */
export class Stop {
  readonly #waits = new AbortController()
  readonly #work = new AbortController()

  /** Aborts when the shutdown begins: waits end, each failed batch gets one last attempt. */
  get waits(): AbortSignal {
    return this.#waits.signal
  }

  /** Aborts at the deadline: attempts under way are broken off. */
  get work(): AbortSignal {
    return this.#work.signal
  }

  begin(): void {
    this.#waits.abort()
  }

  end(): void {
    this.#waits.abort()
    this.#work.abort()
  }
}

/** Calls `run` when the signal aborts, at once if it has. Returns what takes the call back. */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  if (signal.aborted) {
    run()
    return () => {}
  }
  signal.addEventListener('abort', run, { once: true })
  return () => signal.removeEventListener('abort', run)
}
