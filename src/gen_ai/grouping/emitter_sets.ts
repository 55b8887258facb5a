/** Who reports a call: sets of emitters, each known by a number. Most calls have one or two. */
import type { Id } from './same_call.ts'

/** A set of more stands for all emitters: ALL. */
const MEMBERS_MAX = 16
const ALL = -1

/** So many sets are remembered from one trace to the next. */
const REMEMBERED_MAX = 1000

export class EmitterSets {
  readonly #members: (readonly Id[])[] = []
  readonly #singles = new Map<Id, number>()
  readonly #unions = new Map<number, number>()
  /** By their members, of unions: a set has one number, however it came about. */
  readonly #known = new Map<string, number>()

  /** How many are remembered, unions by the way they came about. */
  get count(): number {
    return this.#members.length + this.#unions.size
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
    if (one === other || one === ALL) return one
    if (other === ALL) return ALL
    const key = Math.min(one, other) * 2 ** 26 + Math.max(one, other)
    const known = this.#unions.get(key)
    if (known !== undefined) return known
    const [these, those] = [this.#members[one]!, this.#members[other]!]
    const both = [...these, ...those.filter((emitter) => !these.includes(emitter))].sort()
    const set = both.length > MEMBERS_MAX ? ALL : this.#numberOf(both)
    this.#unions.set(key, set)
    return set
  }

  /** Is an emitter in both? */
  share(one: number, other: number): boolean {
    if (one === other || one === ALL || other === ALL) return true
    const [these, those] = [this.#members[one]!, this.#members[other]!]
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

/** Keeps the sets of one trace for the next: most traces have the same. */
export class RememberedSets {
  #sets = new EmitterSets()

  /** For a trace that is to be grouped: it keeps these also when others begin anew. */
  get current(): EmitterSets {
    if (this.#sets.count > REMEMBERED_MAX) this.#sets = new EmitterSets()
    return this.#sets
  }
}
