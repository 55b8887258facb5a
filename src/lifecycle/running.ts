import type { Logger } from 'pino'
import type { Component } from '../component.ts'
import type { Part } from '../pipeline/graph.ts'
import type { Clock } from '../self/clock.ts'

/** How long after its deadline a component that does not stop is waited for. */
const OVERDUE_MS = 1000

export interface RunningOptions {
  readonly log: Logger
  readonly clock: Clock
  /** How long a stop that begins now may take. */
  readonly shutdown_timeout_ms: () => number
}

/** Which components run: starts them in order, and stops them in reverse. */
export class Running {
  readonly #options: RunningOptions
  readonly #components = new Set<Component>()
  /** Stops of those that made way for others. */
  #leaving: Promise<void>[] = []
  readonly #halt = new AbortController()

  constructor(options: RunningOptions) {
    this.#options = options
  }

  has(component: Component): boolean {
    return this.#components.has(component)
  }

  /**
   * Starts in order. Where an address is taken by one of `leavers` of the same type, that one is told to stop first. Rejects
   * with the first error, named by the component's key; those before it run then.
   */
  async startAll(parts: readonly Part[], leavers: readonly Part[] = []): Promise<void> {
    for (const { key, component, plan } of parts) {
      this.#components.add(component)
      try {
        await component.start?.()
      } catch (error) {
        // The one of the same key is the likeliest to have the address.
        const rivals = leavers
          .filter((one) => one.plan?.factory === plan?.factory && this.has(one.component))
          .sort((a, b) => Number(b.key === key) - Number(a.key === key))
        if (!isAddressTaken(error) || !(await this.#startInstead(component, rivals))) throw withKey(error, key)
      }
    }
  }

  /** Tells one rival after the other to stop until the component finds its address free. False: it did not. */
  async #startInstead(component: Component, rivals: readonly Part[]): Promise<boolean> {
    for (const rival of rivals) {
      const leaving = this.stopAll([rival])
      this.#leaving.push(leaving)
      // A listener closes as soon as it is told to, its requests may take until the deadline.
      if (await started(component)) return true
      await leaving
      if (await started(component)) return true
    }
    return false
  }

  /** Resolves when those that made way for others have stopped. */
  async left(): Promise<void> {
    await Promise.all(this.#leaving.splice(0))
  }

  /** Stops in reverse order those that run. What fails to is logged, and what does not come to an end is left. */
  async stopAll(parts: readonly Part[], deadline = this.#newDeadline()): Promise<void> {
    for (const { key, component } of parts.toReversed()) {
      if (!this.#components.delete(component)) continue
      try {
        await Promise.race([component.shutdown?.(deadline), this.overdue(deadline)])
      } catch (error) {
        this.#options.log.error({ err: error, component: key }, 'a bug: a component failed to stop')
      }
    }
  }

  /** The deadline of the last stop, which begins now. It cuts short every other that is under way, unless it is cancelled. */
  halt(): { readonly signal: AbortSignal; cancel(): void } {
    const { clock, shutdown_timeout_ms } = this.#options
    const timer = clock.after(shutdown_timeout_ms(), () => this.#halt.abort())
    return { signal: this.#halt.signal, cancel: () => timer.cancel() }
  }

  /** Resolves when nobody can be waited for any more. */
  overdue(deadline: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wait = (): void => void this.#options.clock.after(OVERDUE_MS, resolve)
      if (deadline.aborted) wait()
      else deadline.addEventListener('abort', wait, { once: true })
    })
  }

  #newDeadline(): AbortSignal {
    const deadline = new AbortController()
    this.#options.clock.after(this.#options.shutdown_timeout_ms(), () => deadline.abort())
    return AbortSignal.any([deadline.signal, this.#halt.signal])
  }
}

/** False: its address is taken. Anything else that keeps it from starting is thrown. */
async function started(component: Component): Promise<boolean> {
  try {
    await component.start?.()
    return true
  } catch (error) {
    if (isAddressTaken(error)) return false
    throw error
  }
}

function isAddressTaken(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
}

function withKey(error: unknown, key: string): Error {
  const message = error instanceof Error ? error.message : String(error)
  return Object.assign(new Error(`${key} cannot start: ${message}`, { cause: error }), {
    code: (error as NodeJS.ErrnoException).code,
  })
}
