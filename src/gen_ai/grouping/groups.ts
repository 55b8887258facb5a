import type { Column } from './columns.ts'
import type { EmitterSets } from './emitter_sets.ts'
import type { StepCount } from './pauses.ts'
import type { CallFacts, Id } from './same_call.ts'

/** The reports of a trace. */
export interface Reports {
  readonly count: number
  /** What one says, by its position. */
  facts(at: number): CallFacts
}

/** What is known of spans that report no call. */
export interface Ancestry {
  /** The parent's id of the span with that id; 0 if it has none, or is not known. */
  above(spanId: Id): Id
}

/** Reports in groups: each and each group known by position, a group by its outermost report's. */
export interface Groups {
  readonly reports: Reports
  readonly steps: StepCount
  readonly emitters: EmitterSets
  /** When the report, or the group, began and ended. */
  readonly start_ms: Column
  readonly end_ms: Column
  /** By group: its input tokens, FAILED if it failed; and how many of them come from a cache or go to one. */
  readonly input: Column
  readonly cached: Column
  /** The order of reports by their begin, the longer first; the same whenever they came. */
  byTime(a: number, b: number): number
  /** What all of a group says together. */
  facts(top: number): CallFacts
  /** The set of a group's emitters. */
  emittersOf(top: number): number
  /** Stands one of two groups above the other, whatever is between? */
  isAbove(a: number, b: number): boolean
  /** The group that a report is in. */
  top(at: number): number
  /** Makes one group of two; returns it. */
  join(a: number, b: number): number
}
