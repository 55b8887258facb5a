/** Work was not done because it would take longer than it may where it was begun. Nothing is wrong with the data. */
export class EffortError extends Error {
  override readonly name = 'EffortError'
}

/** Steps, of about ten nanoseconds each, that a piece of work may take where it is done. Without `grant` it has no end. */
export class Effort {
  #left = Number.POSITIVE_INFINITY

  get left(): number {
    return this.#left
  }

  grant(steps: number): void {
    this.#left = steps
  }

  /** Books work. @throws EffortError when all steps are used up. */
  spend(steps: number): void {
    this.#left -= steps
    if (this.#left < 0) throw new EffortError('this takes more steps than it may here')
  }
}
