/** Time and timers, so that tests need no sleeps. */
export interface Clock {
  /** Wall clock, Unix milliseconds. */
  now_ms(): number
  /** Monotonic milliseconds: for waits and ages. */
  monotonic_ms(): number
  /** Calls `run` once after `wait_ms`. The timer does not keep the process alive. */
  after(wait_ms: number, run: () => void): Timer
  /** Calls `run` every `period_ms`, or a little earlier or later. The timer does not keep the process alive. */
  every(period_ms: number, run: () => void): Timer
}

export interface Timer {
  cancel(): void
}

export const systemClock: Clock = {
  now_ms: () => Date.now(),
  monotonic_ms: () => performance.now(),
  after: (wait_ms, run) => new SystemTimer(wait_ms, run),
  every: (period_ms, run) => new SystemTimer(untilNext(period_ms), run, period_ms),
}

/** What comes every so often comes at these moments of the process, all of it together: each moment wakes a process without work. */
const GRID_MS = 250

/** The period, up to half a step of the grid longer or shorter; exactly it where it does not fit in. */
function untilNext(period_ms: number): number {
  if (period_ms % GRID_MS !== 0) return period_ms
  const now_ms = performance.now()
  return Math.round((now_ms + period_ms) / GRID_MS) * GRID_MS - now_ms
}

/** Longest wait of Node's timers; they take a longer one for 1 ms. */
export const TIMER_MAX_MS = 2 ** 31 - 1

/** A wait of any length, in pieces that Node's timers can do. */
class SystemTimer implements Timer {
  readonly #run: () => void
  readonly #period_ms: number | undefined
  #timer: NodeJS.Timeout

  constructor(wait_ms: number, run: () => void, period_ms?: number) {
    this.#run = run
    this.#period_ms = period_ms
    this.#timer = this.#wait(wait_ms)
  }

  cancel(): void {
    clearTimeout(this.#timer)
  }

  #wait(left_ms: number): NodeJS.Timeout {
    const piece_ms = Math.min(left_ms, TIMER_MAX_MS)
    return setTimeout(() => this.#waited(left_ms - piece_ms), piece_ms).unref()
  }

  #waited(left_ms: number): void {
    if (left_ms > 0) this.#timer = this.#wait(left_ms)
    else {
      if (this.#period_ms !== undefined) this.#timer = this.#wait(untilNext(this.#period_ms))
      this.#run()
    }
  }
}

/** A clock that moves only when told. For tests. */
export class FakeClock implements Clock {
  #now_ms: number
  readonly #start_ms: number
  #ahead_ms = 0
  #timers: { at_ms: number; order: number; period_ms: number | undefined; run: () => void }[] = []
  #order = 0

  constructor(now_ms = 1_700_000_000_000) {
    this.#now_ms = now_ms
    this.#start_ms = now_ms
  }

  now_ms(): number {
    return this.#now_ms + this.#ahead_ms
  }

  /** Sets the wall clock, and only that. */
  jump(by_ms: number): void {
    this.#ahead_ms += by_ms
  }

  monotonic_ms(): number {
    return this.#now_ms - this.#start_ms
  }

  after(wait_ms: number, run: () => void): Timer {
    return this.#add(wait_ms, undefined, run)
  }

  every(period_ms: number, run: () => void): Timer {
    return this.#add(period_ms, period_ms, run)
  }

  /** Moves on by `by_ms`, running what falls due in order, and lets promises settle after each. */
  async advance(by_ms: number): Promise<void> {
    const end_ms = this.#now_ms + by_ms
    for (;;) {
      this.#timers.sort((a, b) => a.at_ms - b.at_ms || a.order - b.order)
      const next = this.#timers[0]
      if (next === undefined || next.at_ms > end_ms) break
      this.#now_ms = Math.max(this.#now_ms, next.at_ms)
      if (next.period_ms === undefined) this.#timers.shift()
      else next.at_ms += next.period_ms
      next.run()
      await settle()
    }
    this.#now_ms = end_ms
    await settle()
  }

  #add(wait_ms: number, period_ms: number | undefined, run: () => void): Timer {
    const timer = { at_ms: this.#now_ms + wait_ms, order: this.#order++, period_ms, run }
    this.#timers.push(timer)
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) }
  }
}

/** Lets everything that only waits for promises happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => setImmediate(resolve))
}
