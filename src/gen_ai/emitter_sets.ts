/** Who reports a call: sets of emitters, each known by a number. Most calls have one or two. */
import type { Id } from './same_call.ts'

/** A set of more stands for all emitters. */
const MEMBERS_MAX = 16

/** So many sets are remembered from one trace to the next. */
const REMEMBERED_MAX = 1000

export class EmitterSets {
  readonly #members: (readonly Id[])[] = []
  readonly #singles = new Map<Id, number>()
  readonly #unions = new Map<number, number>()
  /** By their members, of unions: a set has one number, however it came about. */
  readonly #known = new Map<string, number>()

  get count(): number {
    return this.#members.length
  }

  /** The set of that emitter alone. */
  of(emitter: Id): number {
    const known = this.#singles.get(emitter)
    if (known !== undefined) return known
    const set = this.#members.push([emitter]) - 1
    this.#singles.set(emitter, set)
    return set
  }

  union(one: number, other: number): number {
    if (one === other) return one
    const key = Math.min(one, other) * 2 ** 26 + Math.max(one, other)
    const known = this.#unions.get(key)
    if (known !== undefined) return known
    const [these, those] = [this.#members[one]!, this.#members[other]!]
    const both = [...these, ...those.filter((emitter) => !these.includes(emitter))].sort()
    const set = this.#numberOf(both.slice(0, MEMBERS_MAX + 1))
    this.#unions.set(key, set)
    return set
  }

  /** Is an emitter in both? */
  share(one: number, other: number): boolean {
    if (one === other) return true
    const [these, those] = [this.#members[one]!, this.#members[other]!]
    if (these.length > MEMBERS_MAX || those.length > MEMBERS_MAX) return true
    return these.some((emitter) => those.includes(emitter))
  }

  #numberOf(members: readonly Id[]): number {
    const key = members.join()
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const set = this.#members.push(members) - 1
    this.#known.set(key, set)
    return set
  }
}

/** The sets that are remembered. Those of a trace that is grouped stay as they are when others begin anew. */
export function rememberedSets(): EmitterSets {
  if (remembered.count > REMEMBERED_MAX) remembered = new EmitterSets()
  return remembered
}

let remembered = new EmitterSets()
