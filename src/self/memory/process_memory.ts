/** What memory the process may take, and what it holds for somebody. */
import { totalmem } from 'node:os'
import type { Service, Services } from '../services.ts'

/** As the shipped memory_limiter has it, where a config has none. */
const DEFAULT_SHARE = 0.75
/** After a hundredth of the limit it is looked how large the process is: a batch leaves some times its size as garbage. */
const LOOKS_PER_LIMIT = 100

/** Who can let go of some of what it holds. */
export interface Reliever {
  /** What it holds, in bytes. */
  held_bytes(): number
  /** Lets go of so many bytes, if it can. */
  relieve(bytes: number): void
}

/**
 * One for the whole daemon (`memoryOf`). Whoever keeps bytes past a call registers a reading of them, so that admission
 * goes by what is held instead of by resident memory, which hardly falls once taken.
 */
export class ProcessMemory {
  /** What the process may take in all, in bytes. memory_limiter sets it at its start; read it when it is needed, not before. */
  limit_bytes: number
  readonly #readings = new Map<symbol, { readonly name: string; readonly read: () => number }>()
  readonly #looks = new Set<(coming_bytes: number) => void>()
  readonly #relievers = new Set<Reliever>()
  #passed_bytes = 0

  constructor(total_bytes: number = total()) {
    this.limit_bytes = total_bytes * DEFAULT_SHARE
  }

  /** `read` tells how many bytes are held now under that name: cheap, it is asked often. The returned function ends it. */
  hold(name: string, read: () => number): () => void {
    const key = Symbol(name)
    this.#readings.set(key, { name, read })
    return () => void this.#readings.delete(key)
  }

  /**
   * Bytes are about to be made for a request: they become garbage, and so does what is made of them, before any timer
   * fires.
   */
  pass(bytes: number): void {
    this.#passed_bytes += bytes
    if (this.#passed_bytes <= this.limit_bytes / LOOKS_PER_LIMIT) return
    this.#passed_bytes = 0
    for (const look of this.#looks) look(bytes)
  }

  /**
   * `look` is called whenever so much has passed that memory is worth a look, with the bytes that are about to be made.
   * The returned function ends it.
   */
  watch(look: (coming_bytes: number) => void): () => void {
    this.#looks.add(look)
    return () => void this.#looks.delete(look)
  }

  /** The reliever is asked before anybody is refused for want of memory. The returned function ends it. */
  onShort(reliever: Reliever): () => void {
    this.#relievers.add(reliever)
    return () => void this.#relievers.delete(reliever)
  }

  /** Asks one after the other, who holds most first, until so many bytes are held less. */
  relieve(bytes: number): void {
    const wanted_bytes = this.held_bytes() - bytes
    for (const reliever of [...this.#relievers].sort((a, b) => b.held_bytes() - a.held_bytes())) {
      const more_bytes = this.held_bytes() - wanted_bytes
      if (more_bytes <= 0) return
      reliever.relieve(more_bytes)
    }
  }

  /** Everything that is held, in bytes. */
  held_bytes(): number {
    let bytes = 0
    for (const { read } of this.#readings.values()) bytes += read()
    return bytes
  }

  /** The same by name. */
  held(): Record<string, number> {
    const bytes: Record<string, number> = {}
    for (const { name, read } of this.#readings.values()) bytes[name] = (bytes[name] ?? 0) + read()
    return bytes
  }
}

/** The container's (cgroup v1 or v2) limit where it has one that is below the machine's memory, else that. In bytes. */
export function total(): number {
  // Without a limit it is 0, or larger than the machine.
  const limit_bytes = process.constrainedMemory()
  return limit_bytes > 0 ? Math.min(limit_bytes, totalmem()) : totalmem()
}

const MEMORY: Service<ProcessMemory> = { make: () => new ProcessMemory() }

/** The daemon's, by any host of its components. */
export function memoryOf(host: Pick<Services, 'service'>): ProcessMemory {
  return host.service(MEMORY)
}
