import { contentGroups, groupNumber } from '../../content/content_groups.ts'

const KINDS_MAX = 256
const FREE_TEXT = groupNumber('free_text')

/** What was redacted in one item, one head or one batch. */
export class RedactionTally {
  /** Findings by kind index (`kindName`). */
  readonly kinds = new Int32Array(KINDS_MAX)
  /** No kind from this index on was found. */
  kindsEnd = 0
  /** Content values dropped, by content group. */
  readonly dropped = new Int32Array(contentGroups.length)
  /** Values and items masked as a whole, because judging them failed. */
  failedClosed = 0
  /** Fields that OTLP does not have, removed. */
  unknownFields = 0
  /** False: nothing was redacted. */
  any = false

  clear(): void {
    if (!this.any) return
    this.kinds.fill(0, 0, this.kindsEnd)
    this.kindsEnd = 0
    this.dropped.fill(0)
    this.failedClosed = this.unknownFields = 0
    this.any = false
  }

  addFinding(kind: number): void {
    this.addFindings(kind, 1)
  }

  addFindings(kind: number, count: number): void {
    const index = Math.min(kind, KINDS_MAX - 1)
    this.kinds[index]! += count
    if (index >= this.kindsEnd) this.kindsEnd = index + 1
    this.any = true
  }

  addDropped(group: number, count = 1): void {
    this.dropped[group]! += count
    this.any = true
  }

  addFailed(): void {
    this.failedClosed++
    this.any = true
  }

  addUnknownField(): void {
    this.unknownFields++
    this.any = true
  }

  add(other: RedactionTally): void {
    if (!other.any) return
    for (let kind = 0; kind < other.kindsEnd; kind++) this.kinds[kind]! += other.kinds[kind]!
    this.kindsEnd = Math.max(this.kindsEnd, other.kindsEnd)
    for (let group = 0; group < this.dropped.length; group++) this.dropped[group]! += other.dropped[group]!
    this.failedClosed += other.failedClosed
    this.unknownFields += other.unknownFields
    this.any = true
  }

  copy(): RedactionTally {
    const copy = new RedactionTally()
    copy.add(this)
    return copy
  }

  /** Content that a list or a rule names. */
  get droppedContent(): number {
    let sum = 0
    for (let group = 0; group < this.dropped.length; group++) sum += this.dropped[group]!
    return sum - this.freeText
  }

  /** Content that is told by its look alone. */
  get freeText(): number {
    return this.dropped[FREE_TEXT]!
  }
}
