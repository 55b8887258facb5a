import { grownRows, ordinaryRows } from '../../otlp/scratch.ts'
import { Effort } from './effort.ts'

/**
 * Scanning one value took more steps than it may, or found more than it may. The value must then be masked as a whole:
 * it is not known to be clean.
 */
export class BudgetError extends Error {
  override readonly name = 'BudgetError'
}

const kindNames: string[] = []

/** The index of a kind of finding, such as `EMAIL`; the same name always has the same index. Names come from code and config, never from telemetry. */
export function kindIndex(name: string): number {
  const known = kindNames.indexOf(name)
  return known === -1 ? kindNames.push(name) - 1 : known
}

/** The kind that has this index. */
export function kindName(index: number): string {
  return kindNames[index] ?? 'REDACTED'
}

const FIELDS = 3
const FINDINGS_MAX = 1 << 20
const SMALL = 24
const USUAL = FIELDS * 16

/**
 * What detectors found in one range, as (start, end, kind index) in a flat array that is reused from range to range.
 * Offsets are bytes from the beginning of the scanned buffer. `settle` puts them in order.
 */
export class Findings {
  /** What all ranges together may take. */
  effort = new Effort()
  #items: Int32Array = new Int32Array(USUAL)
  #spare: Int32Array = new Int32Array(0)
  #count = 0
  #steps = 0
  #granted = 0

  /** How many findings there are. */
  get count(): number {
    return this.#count
  }

  /** Memory that it has now. */
  get capacity_bytes(): number {
    return this.#items.byteLength + this.#spare.byteLength
  }

  start(index: number): number {
    return this.#items[index * FIELDS]!
  }

  end(index: number): number {
    return this.#items[index * FIELDS + 1]!
  }

  kind(index: number): number {
    return this.#items[index * FIELDS + 2]!
  }

  /** Forgets all findings and grants `steps` steps of work for the next range. */
  reset(steps: number): void {
    this.#count = 0
    this.#granted = this.#steps = Math.min(steps, this.effort.left)
    this.#items = ordinaryRows(this.#items, USUAL)
    this.#spare = ordinaryRows(this.#spare, 0)
  }

  /** Books work. @throws BudgetError when the range's steps are used up, EffortError when those of all ranges are. */
  spend(steps: number): void {
    this.#steps -= steps
    if (this.#steps >= 0) return
    this.#charge()
    throw new BudgetError('scanning a value took more steps than it may: mask the whole value')
  }

  /** What the range took is gone for those that follow. */
  #charge(): void {
    this.effort.spend(this.#granted - this.#steps)
    this.#granted = this.#steps
  }

  /** Appends a finding; an empty one is ignored. @throws BudgetError when there are too many. */
  add(start: number, end: number, kind: number): void {
    if (end <= start) return
    if (this.#count === FINDINGS_MAX) throw new BudgetError('a value has too many findings: mask the whole value')
    const at = this.#count * FIELDS
    if (at === this.#items.length) this.#items = grownRows(this.#items)
    this.#items[at] = start
    this.#items[at + 1] = end
    this.#items[at + 2] = kind
    this.#count++
  }

  /**
   * Sorts by start and joins findings that overlap into one, so that nothing which any detector wanted hidden stays.
   * The joined finding has the kind of the longest; among equals, of the one that was added first.
   */
  settle(): number {
    this.#charge()
    if (this.#count < 2) return this.#count
    if (this.#count <= SMALL) this.#sortSmall()
    else this.#sortLarge()
    this.#join()
    return this.#count
  }

  /** Takes out the settled findings at the positions that `test` is true of; returns how many are left. */
  discard(test: (index: number) => boolean): number {
    let kept = 0
    for (let i = 0; i < this.#count; i++) {
      if (test(i)) continue
      this.#items.copyWithin(kept * FIELDS, i * FIELDS, (i + 1) * FIELDS)
      kept++
    }
    this.#count = kept
    return kept
  }

  #sortSmall(): void {
    const items = this.#items
    for (let i = FIELDS; i < this.#count * FIELDS; i += FIELDS) {
      const start = items[i]!
      const end = items[i + 1]!
      const kind = items[i + 2]!
      let p = i
      for (; p > 0 && items[p - FIELDS]! > start; p -= FIELDS) items.copyWithin(p, p - FIELDS, p)
      items[p] = start
      items[p + 1] = end
      items[p + 2] = kind
    }
  }

  /** Start and position packed into one double (31 + 20 bits) sort natively and stably. */
  #sortLarge(): void {
    const keys = new Float64Array(this.#count)
    for (let i = 0; i < keys.length; i++) keys[i] = this.start(i) * FINDINGS_MAX + i
    keys.sort()
    if (this.#spare.length < this.#items.length) this.#spare = new Int32Array(this.#items.length)
    const sorted = this.#spare
    for (let i = 0; i < keys.length; i++) {
      const from = (keys[i]! % FINDINGS_MAX) * FIELDS
      sorted[i * FIELDS] = this.#items[from]!
      sorted[i * FIELDS + 1] = this.#items[from + 1]!
      sorted[i * FIELDS + 2] = this.#items[from + 2]!
    }
    this.#spare = this.#items
    this.#items = sorted
  }

  #join(): void {
    const items = this.#items
    let last = 0
    let longest = items[1]! - items[0]!
    for (let i = FIELDS; i < this.#count * FIELDS; i += FIELDS) {
      const length = items[i + 1]! - items[i]!
      if (items[i]! >= items[last + 1]!) {
        last += FIELDS
        items.copyWithin(last, i, i + FIELDS)
        longest = length
        continue
      }
      if (length > longest) {
        items[last + 2] = items[i + 2]!
        longest = length
      }
      if (items[i + 1]! > items[last + 1]!) items[last + 1] = items[i + 1]!
    }
    this.#count = last / FIELDS + 1
  }
}
