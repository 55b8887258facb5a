/** What a row of the table of dialects says. */
import type { FieldName } from './field.ts'

/** Holds if everything that is named holds. */
export interface Mark {
  /** The instrumentation scope's name begins with this. */
  readonly scope?: string
  /** The span has an attribute with this key. */
  readonly key?: string
}

export interface Dialect {
  /** Value of `sluice.dialect`. */
  readonly id: string
  /** A span is in this dialect if one mark holds, and no mark of a row above does. */
  readonly marks: readonly Mark[]
  /** Attribute names, the best first: the first that is there with a usable value is taken. */
  readonly fields: { readonly [F in FieldName]?: readonly string[] }
  /** Spellings of values beyond those in `values.ts`. */
  readonly operations?: Readonly<Record<string, string>>
  readonly providers?: Readonly<Record<string, string>>
  readonly finishReasons?: Readonly<Record<string, string>>
  /** A span without an operation name is a model call if it has a model or token counts. Default false. */
  readonly operationOptional?: boolean
  /** Unit of the first chunk's time. Default `s`. */
  readonly timeToFirstChunkUnit?: 's' | 'ms'
  /**
   * Do the input tokens contain those read from and written to a cache? Where true (default) they are still added if
   * they are more than the input, which only an exclusive count can be.
   */
  readonly inputIncludesCached?: boolean
  /** Do the output tokens contain the reasoning tokens? The same rule. Default true. */
  readonly outputIncludesReasoning?: boolean
}
