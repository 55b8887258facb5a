/** The work of requests on the event loop, a slice at a time, so that what they lead to comes to its turn as well. */
import type { Clock } from './clock.ts'
import type { Service, Services } from './services.ts'

/** Of each round of the loop. Metrics are answered and exports go on between two. Much less costs a tenth more. */
export const SLICE_MS = 25
/** In a row; then new connections have to wait. */
const ROUNDS_WITHOUT_WORK = 20
/** A round in which everything else took so long has more of it to come: long work is done in pieces, one each round. */
const BUSY_MS = 1
/** Then rounds without work follow, until everything else has had so many times what the last slice took. */
const REST_PER_SLICE = 1.5

interface Waiting {
  readonly begin: () => void
  readonly since_ms: number
  next: Waiting | undefined
}

/**
 * Under overload a round of the loop would else be the work of all requests that have come: a second in which no answer
 * of a backend is heard. What was acknowledged then waits for its exporter until its queue is full, and is lost although
 * the backend is well. Here new work is done in the order in which it came, and only as fast as all that follows from it:
 * while that is busy it gets three fifths of the time.
 */
export class Turns {
  readonly #clock: Clock
  #first: Waiting | undefined
  #last: Waiting | undefined
  /** Is there a slice under way, or one to come? */
  #isOpen = false
  #began_ms = 0
  /** When a slice, or a round without work, was over; how long that slice took; what everything else took since. */
  #left_ms = 0
  #slice_ms = 0
  #rest_ms = 0
  #hasNewcomer = false
  #roundsWithoutWork = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How long the oldest has waited, in milliseconds; 0 if nobody waits. */
  get age_ms(): number {
    return this.#first === undefined ? 0 : this.#clock.monotonic_ms() - this.#first.since_ms
  }

  /** Does the work: now, or when its turn has come. `work` rejects, and does not throw, what goes wrong. */
  run<T>(work: () => Promise<T>): Promise<T> {
    if (!this.#isOpen) {
      this.#isOpen = true
      this.#began_ms = this.#clock.monotonic_ms()
      this.#slice_ms = this.#rest_ms = 0
      this.#leave(this.#began_ms)
    } else if (this.#first !== undefined || this.#isOver()) {
      return new Promise((resolve, reject) => this.#append(() => void work().then(resolve, reject)))
    }
    return work()
  }

  /**
   * Somebody has connected. libuv takes up one connection a round: with long rounds the last of a thousand that come at
   * once would wait for half a minute. So the next rounds are without work while there are more.
   */
  welcome(): void {
    this.#hasNewcomer = true
  }

  #append(begin: () => void): void {
    const waiting: Waiting = { begin, since_ms: this.#clock.monotonic_ms(), next: undefined }
    if (this.#last === undefined) this.#first = waiting
    else this.#last.next = waiting
    this.#last = waiting
  }

  #isOver(): boolean {
    return this.#clock.monotonic_ms() - this.#began_ms >= SLICE_MS
  }

  readonly #round = (): void => {
    const now_ms = this.#clock.monotonic_ms()
    const passed_ms = now_ms - this.#left_ms
    this.#rest_ms += passed_ms
    if (this.#first === undefined) this.#isOpen = false
    else if (this.#hasNewcomer && this.#roundsWithoutWork < ROUNDS_WITHOUT_WORK) {
      this.#hasNewcomer = false
      this.#roundsWithoutWork++
      this.#leave(now_ms)
    } else if (passed_ms >= BUSY_MS && this.#rest_ms < this.#slice_ms * REST_PER_SLICE) this.#leave(now_ms)
    else {
      this.#roundsWithoutWork = this.#rest_ms = 0
      this.#began_ms = now_ms
      this.#next()
    }
  }

  #leave(now_ms: number): void {
    this.#left_ms = now_ms
    setImmediate(this.#round)
  }

  readonly #next = (): void => {
    const waiting = this.#first
    if (waiting === undefined || this.#isOver()) {
      const now_ms = this.#clock.monotonic_ms()
      this.#slice_ms = now_ms - this.#began_ms
      return this.#leave(now_ms)
    }
    this.#first = waiting.next
    if (this.#first === undefined) this.#last = undefined
    waiting.begin()
    // A tick that is asked for from a microtask comes after all that the work does without waiting for anything.
    queueMicrotask(() => process.nextTick(this.#next))
  }
}

const TURNS: Service<Turns> = { make: ({ clock }) => new Turns(clock) }

/** The daemon's, by any host of its components. */
export function turnsOf(host: Pick<Services, 'service'>): Turns {
  return host.service(TURNS)
}
