/** What samplers have decided about traces, for others to ask: exemplars should point at traces that can be found. */
import type { Service, Services } from '../self/services.ts'

export type Verdict = 'kept' | 'dropped' | 'undecided'

/** Whoever decides about traces. `undecided` also stands for a trace that it does not know (any more). */
export interface VerdictSource {
  /** Of the trace whose 16-byte id stands at `at`. */
  verdictOf(bytes: Uint8Array, at: number): Verdict
}

/** All samplers of the process together. */
export class Verdicts implements VerdictSource {
  readonly #sources = new Set<VerdictSource>()

  /** True if nobody samples: every trace is kept then. */
  get isEmpty(): boolean {
    return this.#sources.size === 0
  }

  add(source: VerdictSource): void {
    this.#sources.add(source)
  }

  remove(source: VerdictSource): void {
    this.#sources.delete(source)
  }

  /** `kept` if one sampler keeps it; `dropped` only if one has dropped it and none keeps it. */
  verdictOf(bytes: Uint8Array, at: number): Verdict {
    let verdict: Verdict = 'undecided'
    for (const source of this.#sources) {
      const one = source.verdictOf(bytes, at)
      if (one === 'kept') return one
      if (one === 'dropped') verdict = one
    }
    return verdict
  }
}

const VERDICTS: Service<Verdicts> = { make: () => new Verdicts() }

/** The daemon's. */
export function sharedVerdicts(host: Pick<Services, 'service'>): Verdicts {
  return host.service(VERDICTS)
}
