/** The table of dialects in the form in which spans are read: one set of keys, and flat arrays of positions in it. */
import { KeySet } from '../../telemetry/key_set.ts'
import { FIELD_NAMES, FIELDS, type FieldName, NEWEST, SLUICE } from '../call_fields.ts'
import { JsonPlaces } from '../json_places.ts'
import {
  FINISH_REASONS,
  finishReasonSpellings,
  OPERATIONS,
  operationSpellings,
  providerSpellings,
} from '../known_values.ts'
import { Spellings } from '../spellings.ts'
import { BODY, type Dialect, type FieldSource } from './dialect.ts'
import { dialects } from './dialects.ts'

/** Providers as the newest convention names them; a call's provider is a position here. */
export const PROVIDERS: readonly string[] = [...new Set(Object.values(providerSpellings))]

/** A mark in numbers; -1 stands for "not asked". */
export interface MarkRow {
  readonly dialect: number
  readonly scope: string | undefined
  readonly key: number
}

/** A mark of log records. */
export interface RecordMark {
  readonly dialect: number
  readonly scope: string | undefined
  /** Bytes of the event's name; undefined: any record, of any name or none. */
  readonly event: Buffer | undefined
  /** The event says by its name that a model was called, … */
  readonly isCall: boolean
  /** … or that a call failed. */
  readonly fails: boolean
}

/** An attribute that holds JSON, in one dialect. */
export interface JsonAttribute {
  readonly places: JsonPlaces
  /** Has the current span's text been looked through? */
  isRead: boolean
}

/** What the readers need of one dialect. */
export interface DialectRow {
  /** Of which it is a row. */
  readonly lexicon: Lexicon
  readonly ofOwnServer: boolean
  readonly operations: Spellings
  readonly providers: Spellings
  readonly finishReasons: Spellings
  readonly operationOptional: boolean | 'with_usage'
  readonly spanNames: Spellings
  /** Undefined: not asked. */
  readonly onlyWith: readonly Buffer[] | undefined
  readonly onlyFailures: boolean
  readonly quotedTexts: boolean
  readonly streamWords: KeySet
  /** Seconds in a unit of the first chunk's time; 0 where that is a moment. */
  readonly timeToFirstChunk_s: number
  readonly firstChunkEvent: Buffer | undefined
  readonly firstChunkOfAll: boolean
  readonly failsByException: boolean
  readonly inputIncludesCached: boolean
  readonly totalIsOfProvider: boolean
  readonly zeroCostIsUnknown: boolean
  readonly outputIncludesReasoning: boolean
  readonly json: readonly JsonAttribute[]
}

/** An agent, a tool, a workflow: it may name a model and repeat the sums of its calls. */
const OTHER_STEPS = [
  'traceloop.span.kind',
  'gen_ai.tool.name',
  'gen_ai.tool.call.id',
  'gen_ai.aggregated_usage.input_tokens',
  'gen_ai.agent.description',
  'gen_ai.workflow.name',
]

/** Fields that are parts of the counts of tokens, or count beside them. */
const PARTS = [
  'cacheWrite5mTokens',
  'cacheWrite1hTokens',
  'inputAudioTokens',
  'outputAudioTokens',
  'cacheReadAudioTokens',
  'inputImageTokens',
  'outputImageTokens',
  'webSearches',
] as const satisfies readonly FieldName[]

/** As much of a log record's body as is looked at: it may begin with all messages of a conversation. */
const BODY_BYTES_MAX = 1 << 20

/** Of a source that is an attribute's whole value. */
export const WHOLE = -1

/** The conventions' event for a call: its attributes are like those of the call's span. */
export const DETAILS = 'gen_ai.client.inference.operation.details'

/** Attributes that mark a call in any scope. Nearly all spans of other kinds have no name that begins as one of them. */
class MarksAnywhere {
  readonly keys: KeySet
  /** 1 for the bytes with which they begin, and for those that follow. */
  readonly first = new Uint8Array(256)
  readonly second = new Uint8Array(256)

  constructor(names: readonly string[]) {
    this.keys = new KeySet([...new Set(names)])
    for (const name of names) {
      const [one = 0, two = 0] = Buffer.from(name)
      this.first[one] = 1
      this.second[two] = 1
    }
  }
}

export class Lexicon {
  /** Every attribute name of every row. */
  readonly keys: KeySet
  /** Of spans. */
  readonly marksByRow: readonly MarkRow[]
  /** Those that hold in any scope. */
  readonly anywhere: MarksAnywhere
  readonly recordMarks: readonly RecordMark[]
  /** Beginnings of scopes in which the name of a failed span may tell that it is a call, in the order of the table. */
  readonly telling: readonly { readonly dialect: number; readonly scope: string }[]
  /** Positions of attributes that only steps of another kind have. */
  readonly otherSteps: readonly number[]
  /** Beginnings of scopes in which the conventions' event repeats another record. */
  readonly repeating: readonly string[]
  readonly ids: readonly string[]
  readonly rows: readonly DialectRow[]
  /** Positions of `sluice.dialect`, and of a log record's body, in `keys`. */
  readonly judged: number
  readonly body: number
  /** Positions of the attributes that may hold parts of the counts (`cost_parts.ts`): most calls have none of them. */
  readonly parts: Int16Array
  /** Longest list of sources of a field. */
  readonly width: number
  /** Sources of the fields, `[(dialect * FIELDS + field) * width + n]`: positions in `keys`, -1 at the end. */
  readonly names: Int16Array
  /** For each source, which JSON attribute of its dialect and which path of it, or WHOLE. */
  readonly jsonAttributes: Int16Array
  readonly jsonPaths: Int16Array
  /** For each source whose tokens are counted apart from the input (or output), for which providers; `true`: for all. */
  readonly apart: readonly (boolean | Uint8Array)[]
  /** Position of the newest convention's name of each field, -1 where it has none. */
  readonly newest: Int16Array
  readonly #json = new Map<string, JsonAttribute>()

  /** Names of events that may be calls, whatever their scope. */
  readonly recordEvents: KeySet
  /** Of the conventions' event, by dialect; and its dialect if it shows no mark of one. */
  readonly marksOfDetails: readonly RecordMark[]
  readonly newestDialect: number

  /** `own`: rows of the user's. They come first where marks are tried; positions of the table stay what they are. */
  constructor(builtIn: readonly Dialect[], own: readonly Dialect[] = []) {
    const table = [...builtIn, ...own]
    const numbered = table.map((row, dialect) => ({ ...row, dialect }))
    const tried = [...numbered.slice(builtIn.length), ...numbered.slice(0, builtIn.length)]
    const marks = table.flatMap((row) => row.marks.flatMap((mark) => mark.key ?? []))
    const others = table.flatMap((row) => Object.values(row.fields).flat().map(attributeOf))
    const all = [...new Set([...marks, ...others, ...Object.values(NEWEST), ...OTHER_STEPS, SLUICE.dialect, BODY])]
    const position = new Map(all.map((name, at) => [name, at]))
    this.keys = new KeySet(all)
    this.judged = position.get(SLUICE.dialect)!
    this.body = position.get(BODY)!
    this.ids = table.map((row) => row.id)
    const parts = table.flatMap(({ fields }) => PARTS.flatMap((part) => fields[part] ?? []).map(attributeOf))
    this.parts = Int16Array.from(new Set(parts), (name) => position.get(name)!)
    this.marksByRow = tried.flatMap(({ marks, inRecords, dialect }) =>
      inRecords
        ? []
        : marks.map(({ scope, key }) => ({ dialect, scope, key: key === undefined ? -1 : position.get(key)! })),
    )
    this.anywhere = new MarksAnywhere(
      this.marksByRow.flatMap(({ scope, key }) => (scope === undefined && key >= 0 ? all[key]! : [])),
    )
    this.telling = tried.flatMap(({ marks, scopes = [], inRecords, namesAreFree, dialect }) =>
      inRecords || namesAreFree
        ? []
        : [...marks.flatMap(({ scope }) => scope ?? []), ...scopes].map((scope) => ({ dialect, scope })),
    )
    this.otherSteps = OTHER_STEPS.map((name) => position.get(name)!)
    this.recordMarks = tried.flatMap(({ marks, inRecords, dialect }) =>
      inRecords
        ? marks.map(({ scope, event, fails = false }) => ({
            dialect,
            scope,
            event: event === undefined ? undefined : Buffer.from(event),
            isCall: false,
            fails,
          }))
        : [],
    )
    this.recordEvents = new KeySet([
      DETAILS,
      ...new Set(this.recordMarks.flatMap(({ event }) => event?.toString() ?? [])),
    ])
    this.marksOfDetails = table.map((_, dialect) => ({
      dialect,
      scope: undefined,
      event: Buffer.from(DETAILS),
      isCall: true,
      fails: false,
    }))
    this.newestDialect = this.ids.indexOf('otel-genai-newest')
    this.repeating = table.flatMap(({ repeatedInScope }) => repeatedInScope ?? [])
    this.width = 1 + Math.max(0, ...table.flatMap((row) => Object.values(row.fields).map((sources) => sources.length)))
    const size = table.length * FIELDS * this.width
    this.names = new Int16Array(size).fill(-1)
    this.jsonAttributes = new Int16Array(size).fill(WHOLE)
    this.jsonPaths = new Int16Array(size).fill(WHOLE)
    const apart: (boolean | Uint8Array)[] = new Array(size).fill(false)
    this.apart = apart
    this.rows = table.map((row, dialect) => dialectRow(this, row, this.#addSources(row, dialect, position, apart)))
    this.newest = Int16Array.from(FIELD_NAMES, (name) =>
      name in NEWEST ? position.get(NEWEST[name as keyof typeof NEWEST])! : -1,
    )
  }

  /** Enters the sources of one dialect; returns its JSON attributes. */
  #addSources(
    row: Dialect,
    dialect: number,
    position: ReadonlyMap<string, number>,
    apart: (boolean | Uint8Array)[],
  ): JsonAttribute[] {
    const pathsOf = new Map<string, string[]>()
    for (const [field, name] of FIELD_NAMES.entries())
      for (const [n, source] of (row.fields[name] ?? []).entries()) {
        const at = (dialect * FIELDS + field) * this.width + n
        this.names[at] = position.get(attributeOf(source))!
        if (typeof source === 'string') continue
        apart[at] = typeof source.apart === 'boolean' ? source.apart : providerBits(source.apart)
        if (source.path === '') continue
        const paths = pathsOf.get(source.attribute) ?? []
        pathsOf.set(source.attribute, paths)
        if (!paths.includes(source.path)) paths.push(source.path)
        this.jsonAttributes[at] = [...pathsOf.keys()].indexOf(source.attribute)
        this.jsonPaths[at] = paths.indexOf(source.path)
      }
    return [...pathsOf].map(([name, paths]) => this.#jsonAttribute(name, paths))
  }

  /** Most dialects look for the same in an attribute: a span is of one dialect, so they can share what reads it. */
  #jsonAttribute(name: string, paths: readonly string[]): JsonAttribute {
    const key = [name, ...paths].join(' ')
    const known = this.#json.get(key)
    if (known !== undefined) return known
    const made = { places: new JsonPlaces(paths, name === BODY ? BODY_BYTES_MAX : undefined), isRead: false }
    this.#json.set(key, made)
    return made
  }
}

function attributeOf(source: FieldSource): string {
  return typeof source === 'string' ? source : source.attribute
}

function providerBits(names: readonly string[]): Uint8Array {
  return Uint8Array.from(PROVIDERS, (name) => (names.includes(name) ? 1 : 0))
}

/** What a dialect has that says nothing of its own: one for all of them, since there are many and each is large. */
const COMMON = {
  operations: new Spellings(operationSpellings, OPERATIONS),
  providers: new Spellings(providerSpellings, PROVIDERS),
  finishReasons: new Spellings(finishReasonSpellings, FINISH_REASONS),
  none: new Spellings({}, OPERATIONS),
}

function dialectRow(lexicon: Lexicon, dialect: Dialect, json: readonly JsonAttribute[]): DialectRow {
  const { operations, providers, finishReasons, spanNames, timeToFirstChunkUnit = 's', firstChunkEvent } = dialect
  return {
    lexicon,
    ofOwnServer: dialect.ofOwnServer ?? false,
    operations: operations ? new Spellings({ ...operationSpellings, ...operations }, OPERATIONS) : COMMON.operations,
    providers: providers ? new Spellings({ ...providerSpellings, ...providers }, PROVIDERS) : COMMON.providers,
    finishReasons: finishReasons
      ? new Spellings({ ...finishReasonSpellings, ...finishReasons }, FINISH_REASONS)
      : COMMON.finishReasons,
    operationOptional: dialect.operationOptional ?? false,
    spanNames: spanNames ? new Spellings(spanNames, OPERATIONS) : COMMON.none,
    onlyWith: dialect.onlyWith?.map((beginning) => Buffer.from(beginning)),
    onlyFailures: dialect.onlyFailures ?? false,
    quotedTexts: dialect.quotedTexts ?? false,
    streamWords: new KeySet(dialect.streamWords ?? []),
    timeToFirstChunk_s: { s: 1, ms: 0.001, moment: 0 }[timeToFirstChunkUnit],
    firstChunkEvent: firstChunkEvent === undefined ? undefined : Buffer.from(firstChunkEvent),
    firstChunkOfAll: dialect.firstChunkOfAll ?? false,
    failsByException: dialect.failsByException ?? false,
    inputIncludesCached: dialect.inputIncludesCached ?? true,
    totalIsOfProvider: dialect.totalIsOfProvider ?? false,
    zeroCostIsUnknown: dialect.zeroCostIsUnknown ?? false,
    outputIncludesReasoning: dialect.outputIncludesReasoning ?? true,
    json,
  }
}

/** The lexicon of the table in `dialects.ts`. */
export const builtInLexicon = new Lexicon(dialects)
