/** The table of dialects in the form in which spans are read: one set of keys, and flat arrays of positions in it. */
import { KeySet } from '../telemetry/key_set.ts'
import type { Dialect } from './dialect.ts'
import { dialects } from './dialects.ts'
import { FIELD_NAMES, FIELDS, NEWEST, SLUICE } from './field.ts'
import { Spellings } from './spellings.ts'
import { FINISH_REASONS, finishReasonSpellings, OPERATIONS, operationSpellings, providerSpellings } from './values.ts'

/** Providers as the newest convention names them; a call's provider is a position here. */
export const PROVIDERS: readonly string[] = [...new Set(Object.values(providerSpellings))]

/** A mark in numbers; -1 stands for "not asked". */
export interface MarkRow {
  readonly dialect: number
  readonly scope: string | undefined
  readonly key: number
}

/** What the readers need of one dialect. */
export interface DialectRow {
  readonly operations: Spellings
  readonly providers: Spellings
  readonly finishReasons: Spellings
  readonly operationOptional: boolean
  /** Seconds in a unit of the first chunk's time. */
  readonly timeToFirstChunk_s: number
  readonly inputIncludesCached: boolean
  readonly outputIncludesReasoning: boolean
}

export class Lexicon {
  /** Every attribute name of every row. */
  readonly keys: KeySet
  readonly marksByRow: readonly MarkRow[]
  readonly ids: readonly string[]
  readonly rows: readonly DialectRow[]
  /** Position of `sluice.dialect` in `keys`. */
  readonly judged: number
  /** Longest list of names of a field. */
  readonly width: number
  /** Positions in `keys`, -1 at the end: `names[(dialect * FIELDS + field) * width + n]`. */
  readonly names: Int16Array
  /** Position of the newest convention's name of each field, -1 where it has none. */
  readonly newest: Int16Array

  constructor(table: readonly Dialect[]) {
    const marks = table.flatMap((row) => row.marks.flatMap((mark) => mark.key ?? []))
    const others = table.flatMap((row) => Object.values(row.fields).flat())
    const all = [...new Set([...marks, ...others, ...Object.values(NEWEST), SLUICE.dialect])]
    const position = new Map(all.map((name, at) => [name, at]))
    this.keys = new KeySet(all)
    this.judged = position.get(SLUICE.dialect)!
    this.ids = table.map((row) => row.id)
    this.rows = table.map(dialectRow)
    this.marksByRow = table.flatMap((row, dialect) =>
      row.marks.map((mark) => ({
        dialect,
        scope: mark.scope,
        key: mark.key === undefined ? -1 : position.get(mark.key)!,
      })),
    )
    this.width = 1 + Math.max(...table.flatMap((row) => Object.values(row.fields).map((names) => names.length)))
    this.names = new Int16Array(table.length * FIELDS * this.width).fill(-1)
    for (const [dialect, row] of table.entries())
      for (const [field, name] of FIELD_NAMES.entries())
        for (const [at, key] of (row.fields[name] ?? []).entries())
          this.names[(dialect * FIELDS + field) * this.width + at] = position.get(key)!
    this.newest = Int16Array.from(FIELD_NAMES, (name) =>
      name in NEWEST ? position.get(NEWEST[name as keyof typeof NEWEST])! : -1,
    )
  }
}

function dialectRow(dialect: Dialect): DialectRow {
  return {
    operations: new Spellings({ ...operationSpellings, ...dialect.operations }, OPERATIONS),
    providers: new Spellings({ ...providerSpellings, ...dialect.providers }, PROVIDERS),
    finishReasons: new Spellings({ ...finishReasonSpellings, ...dialect.finishReasons }, FINISH_REASONS),
    operationOptional: dialect.operationOptional ?? false,
    timeToFirstChunk_s: dialect.timeToFirstChunkUnit === 'ms' ? 0.001 : 1,
    inputIncludesCached: dialect.inputIncludesCached ?? true,
    outputIncludesReasoning: dialect.outputIncludesReasoning ?? true,
  }
}

/** The lexicon of the table in `dialects.ts`. */
export const lexicon = new Lexicon(dialects)
