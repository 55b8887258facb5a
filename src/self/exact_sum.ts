/**
 * A sum that does not drift, however many numbers go in: what rounding takes from one is kept and given back (Neumaier).
 * Fifty times 2.10 are 105.
 */
export class ExactSum {
  #sum = 0
  #lost = 0

  get value(): number {
    return this.#sum + this.#lost
  }

  add(amount: number): void {
    const sum = this.#sum + amount
    this.#lost += Math.abs(this.#sum) >= Math.abs(amount) ? this.#sum - sum + amount : amount - sum + this.#sum
    this.#sum = sum
  }
}
