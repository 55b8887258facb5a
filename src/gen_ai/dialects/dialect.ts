/** What a row of the table of dialects says. */
import type { FieldName } from '../call_fields.ts'

/** Holds if everything that is named holds. */
export interface Mark {
  /** Of log records: the event has this name. */
  readonly event?: string
  /** Such an event tells of a call that failed. Default false. */
  readonly fails?: boolean
  /** The instrumentation scope's name begins with this. */
  readonly scope?: string
  /** The span has an attribute with this key. */
  readonly key?: string
}

/** Where a field may be found: the attribute of this name, or a place in it. */
export type FieldSource = string | PlaceInJson

/** Stands for the body of a log record among the names of attributes. */
export const BODY = '\0body'

export interface PlaceInJson {
  readonly attribute: string
  /**
   * Keys from the outermost object inwards, joined by dots; a digit is a place in a list, `*` any key of an object. With a dot at the end: whatever
   * stands there, as JSON. Empty: the value itself.
   */
  readonly path: string
  /** Tokens counted beside the input (or the output), not among it: always, or for these providers (newest spelling). */
  readonly apart: boolean | readonly string[]
}

/** A place in an attribute whose text is JSON (or an object as Python prints it). */
export function inJson(attribute: string, path: string): PlaceInJson {
  return { attribute, path, apart: false }
}

/** Where LangChain's result says why the answer ended, in an attribute that holds the result. */
export function inGenerations(attribute: string): PlaceInJson[] {
  return [
    'generation_info.finish_reason',
    'message.kwargs.response_metadata.finish_reason',
    'message.kwargs.response_metadata.stop_reason',
  ].map((path) => inJson(attribute, `generations.0.0.${path}`))
}

/**
 * Details of tokens that the emitter counts beside the input (or the output): they are added to it. Only for some
 * providers, if any are named.
 */
export function apart(source: FieldSource, ...ofProviders: readonly string[]): PlaceInJson {
  const place = typeof source === 'string' ? inJson(source, '') : source
  return { ...place, apart: ofProviders.length === 0 ? true : ofProviders }
}

/** Providers whose own count of the input leaves out what was read from or written to a cache. */
export const EXCLUSIVE = ['anthropic', 'aws.bedrock'] as const

export interface Dialect {
  /** Value of `sluice.dialect`. */
  readonly id: string
  /** A span is in this dialect if one mark holds, and no mark of a row above does. */
  readonly marks: readonly Mark[]
  /** The provider's SDK writes these spans by itself: an instrumentation may report the same calls. Default false. */
  readonly ofProvider?: boolean
  /** Written by a server that people run themselves: a hosted model of the same name says nothing of its price. Default false. */
  readonly ofOwnServer?: boolean
  /** Calls stand in log records: the marks are of those, and of no spans. Default false. */
  readonly inRecords?: boolean
  /** Only those records are calls that failed: other records tell of the calls that went well. Default false. */
  readonly onlyFailures?: boolean
  /** In scopes whose name begins so, each record is told a second time as an event of the conventions. */
  readonly repeatedInScope?: string
  /** Places of each field, the best first: the first that is there with a usable value is taken. */
  readonly fields: { readonly [F in FieldName]?: readonly FieldSource[] }
  /** Spellings of values beyond those in `known_values.ts`. */
  readonly operations?: Readonly<Record<string, string>>
  readonly providers?: Readonly<Record<string, string>>
  readonly finishReasons?: Readonly<Record<string, string>>
  /**
   * A span without an operation name is a model call if it has a model or token counts; `with_usage`: if it has both.
   * Default false.
   */
  readonly operationOptional?: boolean | 'with_usage'
  /** Names of spans that are calls though no attribute says so, and their operation. */
  readonly spanNames?: Readonly<Record<string, string>>
  /**
   * Beginnings of scopes, beside those of the marks, of which only calls have names like `chat m`: a span there that failed
   * before it got any attribute is told by its name.
   */
  readonly scopes?: readonly string[]
  /** Users choose the names of spans in the scopes of the marks: such a name tells nothing. Default false. */
  readonly namesAreFree?: boolean
  /**
   * A chat that has no tokens, no reason to have finished, and did not fail, is one only with an attribute whose name begins
   * so: others prepare a request. Default: any is.
   */
  readonly onlyWith?: readonly string[]
  /** Texts stand between quotes, being JSON. Default false. */
  readonly quotedTexts?: boolean
  /** Of a call that failed only the exception is noted, beside a good status: one without an answer failed. Default false. */
  readonly failsByException?: boolean
  /** Texts that, as value of `stream`, say yes, besides `true`. */
  readonly streamWords?: readonly string[]
  /** How the first chunk's time is given: since the start, or as a moment (ISO 8601). Default `s`. */
  readonly timeToFirstChunkUnit?: 's' | 'ms' | 'moment'
  /** Calls that did not stream have a first chunk's time too: it does not tell of a stream. Default false. */
  readonly firstChunkOfAll?: boolean
  /** A cost of 0 stands for a model without a price. Default false. */
  readonly zeroCostIsUnknown?: boolean
  /** The first span event whose name begins so marks the first chunk. */
  readonly firstChunkEvent?: string
  /**
   * Some spans without length tell of a stream that has ended, beside the span of its request: they have this attribute,
   * the stream's length in seconds.
   */
  readonly streamDuration?: string
  /**
   * Do the input tokens contain those read from and written to a cache? Where true (default) they are still added if
   * they are more than the input, which only an exclusive count can be, or if the source of one is `apart`.
   */
  readonly inputIncludesCached?: boolean
  /** The sum of all tokens is the provider's, not the emitter's own addition. Default false. */
  readonly totalIsOfProvider?: boolean
  /** Do the output tokens contain the reasoning tokens? The same rule. Default true. */
  readonly outputIncludesReasoning?: boolean
}
