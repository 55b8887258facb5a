import { classes, DIGIT, TOKEN, UPPER } from '../bytes.ts'
import { type Detector, traits } from '../detector.ts'
import type { Findings } from '../findings.ts'

/** Shorter runs are no machine's secrets. */
const RUN_MIN = 12

/** What a rule has as its kind that reports what others find. */
export const ENCODED = 'ENCODED'

/** Finds one kind at or around a run of letters, digits, `-` and `_`. */
export interface TokenRule {
  readonly kind: string
  /** [start, end) is a whole run; [low, limit) is what may be looked at. True: the run is dealt with. */
  find(bytes: Buffer, start: number, end: number, low: number, limit: number, findings: Findings): boolean
}

/** One pass for all rules together over runs of at least 12 token bytes that hold a digit or a capital. */
export function tokens(rules: readonly TokenRule[]): Detector {
  return {
    kinds: [...new Set(rules.map((rule) => rule.kind).filter((kind) => kind !== ENCODED))],
    needs: traits.run,
    find(bytes, start, end, findings) {
      let floor = start
      for (let p = nextRun(bytes, start, end); p < end; p = nextRun(bytes, floor, end)) {
        let from = p
        while (from > floor && classes[bytes[from - 1]!]! & TOKEN) from--
        while (++p < end && classes[bytes[p]!]! & TOKEN);
        findings.spend(p - from)
        for (const rule of rules) if (rule.find(bytes, from, p, start, end, findings)) break
        floor = p
      }
    },
  }
}

/** A byte of the first run from `from` on, or `end`. */
function nextRun(bytes: Buffer, from: number, end: number): number {
  const table = marks
  let run = 0
  let found = 0
  for (let p = from; p < end; p++) {
    const mark = table[bytes[p]!]!
    // All ones inside of runs and zero outside, without a branch: words end too often for a processor to guess.
    const inside = mark >> 1
    run = (run + 1) & inside
    found = (found | mark) & inside
    if (run >= RUN_MIN && (found & 1) !== 0) return p
  }
  return end
}

/** -2 for bytes of a run, -1 for its digits and capitals, 0 for all others. */
const marks = Int8Array.from(classes, (each) => (each & (DIGIT | UPPER) ? -1 : each & TOKEN ? -2 : 0))
