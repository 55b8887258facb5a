/**
 * Who of too many has a place. Those that are used most have, and use counts less the longer ago it was. A newcomer gets
 * a place when it has been used much more than the one that is used least: names that come once displace nobody,
 * however many they are, and what is not used any more stands in nobody's way.
 */
import type { Clock } from '../../../self/clock.ts'

/** After so long a use counts half. */
const HALF_LIFE_MS = 15 * 60_000
/** More does not add up: whoever was used very much, and is no more, is not in the way of others for days. */
const WEIGHT_MAX = 1024
/** A newcomer must have so many times the weight, or two that are used alike would take turns. */
const AHEAD = 2
/** It is looked at most so often who could go. */
const LOOK_EVERY_MS = 1000
/** What is over is shown for so long: who reads it has then read its last value. */
export const SHOWN_AFTER_MS = 5 * 60_000
/** In that time at most a quarter of the places change hands. */
const TURNOVER = 1 / 4
/** Before weights, which grow with time, are too large for a number. */
const RESCALE_AT = 2 ** 500
const TICK_MS = 1024

const NOBODY = Number.POSITIVE_INFINITY
const NONE: readonly number[] = []

export class Standing {
  readonly #clock: Clock
  readonly #newcomers = new Newcomers()
  /** By place; NOBODY where there is none who could go. In units of the time at which they were last rescaled. */
  #weights = new Float64Array(64).fill(NOBODY)
  #places = 0
  /** The weight of a use that is made now. */
  #one = 1
  #epoch_ms: number
  #tick = 0
  #look_ms = Number.NEGATIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
    this.#epoch_ms = clock.monotonic_ms()
  }

  /** The place is taken by a newcomer, known by this number (32 bits). */
  enter(place: number, newcomer: number): void {
    this.#turn()
    if (place >= this.#weights.length) this.#grow(place)
    this.#places++
    this.#weights[place] = Math.max(this.#one, this.#newcomers.forget(newcomer))
  }

  use(place: number): void {
    this.#turn()
    this.#weights[place] = Math.min(this.#weights[place]! + this.#one, this.#one * WEIGHT_MAX)
  }

  leave(place: number): void {
    this.#places--
    this.#weights[place] = NOBODY
  }

  /**
   * A newcomer was used and has no place. Those that should go for it, the least used first: together they have `wanted`
   * of what `sizeOf` says. None if they are not so much less used, or if there was enough change lately.
   */
  outweighed(newcomer: number, wanted: number, sizeOf: (place: number) => number): readonly number[] {
    const now_ms = this.#turn()
    const weight = this.#newcomers.use(newcomer, this.#one, this.#one * WEIGHT_MAX)
    if (weight < this.#one * AHEAD || now_ms < this.#look_ms) return NONE
    this.#look_ms = now_ms + LOOK_EVERY_MS
    const found = this.#lightest(weight / AHEAD, wanted, sizeOf)
    if (found.length > 0)
      this.#look_ms = now_ms + Math.max(1, (SHOWN_AFTER_MS * found.length) / Math.max(1, this.#places * TURNOVER))
    return found
  }

  #lightest(limit: number, wanted: number, sizeOf: (place: number) => number): readonly number[] {
    const weights = this.#weights
    const found: number[] = []
    const before: number[] = []
    let size = 0
    while (size < wanted) {
      let least = 0
      for (let place = 1; place < weights.length; place++) if (weights[place]! < weights[least]!) least = place
      if (weights[least]! > limit) break
      size += sizeOf(least)
      found.push(least)
      before.push(weights[least]!)
      weights[least] = NOBODY
    }
    for (const [at, place] of found.entries()) weights[place] = before[at]!
    return size < wanted ? NONE : found
  }

  /** What a use weighs by now. Returns the time. */
  #turn(): number {
    const now_ms = this.#clock.monotonic_ms()
    const tick = Math.floor(now_ms / TICK_MS)
    if (tick === this.#tick) return now_ms
    this.#tick = tick
    this.#one = 2 ** ((now_ms - this.#epoch_ms) / HALF_LIFE_MS)
    if (this.#one < RESCALE_AT) return now_ms
    // After a sleep of months it is beyond all numbers, and nothing weighs anything.
    const factor = 1 / this.#one
    for (let place = 0; place < this.#weights.length; place++)
      if (this.#weights[place] !== NOBODY) this.#weights[place]! *= factor
    this.#newcomers.rescale(factor)
    this.#epoch_ms = now_ms
    this.#one = 1
    return now_ms
  }

  #grow(place: number): void {
    const larger = new Float64Array(Math.max(this.#weights.length * 2, place + 1)).fill(NOBODY)
    larger.set(this.#weights)
    this.#weights = larger
  }
}

/** A power of two. */
const SETS = 512
const WAYS = 8

/**
 * How much those without a place are used: so many of them, known by number. In each set the one that weighs least makes
 * room, so what comes once only displaces what came once.
 */
class Newcomers {
  readonly #numbers = new Int32Array(SETS * WAYS)
  readonly #weights = new Float64Array(SETS * WAYS)

  /** Adds a use, up to a weight of `most`, and returns the weight. */
  use(newcomer: number, one: number, most: number): number {
    const at = this.#find(newcomer)
    if (this.#numbers[at] !== newcomer) {
      this.#numbers[at] = newcomer
      this.#weights[at] = 0
    }
    return (this.#weights[at] = Math.min(this.#weights[at]! + one, most))
  }

  /** The weight, 0 if it is not known; it is not any more. */
  forget(newcomer: number): number {
    const at = this.#find(newcomer)
    if (this.#numbers[at] !== newcomer) return 0
    const weight = this.#weights[at]!
    this.#weights[at] = 0
    return weight
  }

  rescale(factor: number): void {
    for (let at = 0; at < this.#weights.length; at++) this.#weights[at]! *= factor
  }

  /** Where it is, or may be. */
  #find(newcomer: number): number {
    const first = ((Math.imul(newcomer, 0x9e3779b1) >>> 16) & (SETS - 1)) * WAYS
    let least = first
    for (let at = first; at < first + WAYS; at++) {
      if (this.#numbers[at] === newcomer) return at
      if (this.#weights[at]! < this.#weights[least]!) least = at
    }
    return least
  }
}
