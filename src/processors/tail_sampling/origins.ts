/** Where waiting spans came from: contexts with their accounts, by a number small enough to stand beside each span. */
import type { Context } from '../../component.ts'

/** A span's tag word has eight bits for the number. */
const ORIGINS_MAX = 256

export class Origins {
  readonly #contexts: Context[] = []
  readonly #numbers = new Map<string, number>()

  /** Spans with equal account, tenant and metadata have the same origin. Over the bound, metadata is no longer told apart. */
  numberOf(context: Context): number {
    const { account, tenant, metadata } = context
    const key = `${account.name}\n${tenant ?? ''}\n${metadata.size === 0 ? '' : JSON.stringify([...metadata])}`
    const known = this.#numbers.get(key)
    if (known !== undefined && this.#contexts[known]!.account === account) return known
    const plain = this.#contexts.findIndex((other) => other.account === account)
    if (this.#contexts.length === ORIGINS_MAX && plain >= 0) return plain
    const number = this.#contexts.push({ account, tenant, metadata }) - 1
    this.#numbers.set(key, number)
    return number
  }

  context(origin: number): Context {
    return this.#contexts[origin]!
  }

  /** Books spans that waited as sampled out. */
  sampleOut(origin: number, spans: number): void {
    const { account } = this.context(origin)
    account.release(spans, 'pending')
    account.sampleOut(spans)
  }
}
