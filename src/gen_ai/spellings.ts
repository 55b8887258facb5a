/** Spellings of values looked up by their bytes. */
import { KeySet } from '../telemetry/key_set.ts'

export class Spellings {
  readonly #keys: KeySet
  /** For each spelling, the number of the value it stands for. */
  readonly #values: Int16Array
  /** For each spelling, 1 if it is the value itself. */
  readonly #exact: Uint8Array
  /** `meanings` maps spellings to members of `values`. Throws RangeError on a meaning that is none. */
  constructor(meanings: Readonly<Record<string, string>>, values: readonly string[]) {
    const spellings = Object.keys(meanings)
    this.#keys = new KeySet(spellings)
    this.#values = Int16Array.from(spellings, (spelling) => positionOf(values, meanings[spelling]!))
    this.#exact = Uint8Array.from(spellings, (spelling) => (meanings[spelling] === spelling ? 1 : 0))
  }

  /** Number of the spelling in [start, end), or -1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    return this.#keys.find(bytes, start, end)
  }

  /** Number of the value that the spelling stands for; -1 for -1. */
  valueOf(spelling: number): number {
    return spelling < 0 ? -1 : this.#values[spelling]!
  }

  /** Is the spelling the value as it is to be written? */
  isExact(spelling: number): boolean {
    return spelling >= 0 && this.#exact[spelling] === 1
  }
}

function positionOf(values: readonly string[], value: string): number {
  const at = values.indexOf(value)
  if (at < 0) throw new RangeError(`a spelling stands for "${value}", which is not among ${values.join(', ')}`)
  return at
}
