/** Dialects of the user's, as they are written in a config: the fields of a row of the table under the config's kind of names. */
import { z } from 'zod'
import { expect } from '../../config/schema/blocks.ts'
import { ownContentSchema } from '../../content/own_content.ts'
import { FIELD_NAMES, type FieldName } from '../../gen_ai/call_fields.ts'
import { newestFields } from '../../gen_ai/dialects/conventions.ts'
import { withCostParts } from '../../gen_ai/dialects/cost_parts.ts'
import { BODY, type Dialect, type FieldSource } from '../../gen_ai/dialects/dialect.ts'
import { dialects as builtIn } from '../../gen_ai/dialects/dialects.ts'
import { PROVIDERS } from '../../gen_ai/dialects/lexicon.ts'
import { FINISH_REASONS, OPERATIONS } from '../../gen_ai/known_values.ts'

/** Stands for the body of a log record where an attribute is named. */
const BODY_WORD = 'body'

const name = z.string().min(1).max(200)
const names = z.array(name).min(1).max(20)

const place = z.strictObject({
  attribute: name.describe('Name of the attribute; `body` is the body of a log record.'),
  path: z
    .string()
    .max(200)
    .default('')
    .describe(
      'Where in its JSON: keys from the outermost object inwards, joined by dots, a digit for a place in a list.',
    ),
  apart: z
    .boolean()
    .default(false)
    .describe('Such tokens are counted beside the input (or the output), not among it: they are added to it.'),
})

const places = z
  .array(z.union([name, place]))
  .min(1)
  .max(20)

/** `cacheRead1hTokens` as `cache_read_1h_tokens`. */
function snake(camel: string): string {
  return camel
    .replace(/([a-z])([A-Z0-9])/g, '$1_$2')
    .replace(/(\d[a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
}

const meanings: Partial<Record<FieldName, string>> = {
  operation:
    'What was done: `chat`, `text_completion`, `generate_content`, `embeddings`, … or a spelling in `operations`.',
  provider: 'Who answered.',
  requestModel: 'The model that was asked for.',
  responseModel: 'The model that answered.',
  inputTokens: 'All input, unless `input_includes_cached` is false.',
  outputTokens: 'All output, unless `output_includes_reasoning` is false.',
  timeToFirstChunk: 'In the unit of `time_to_first_chunk_unit`.',
  cost: 'In USD.',
  finishReasons: 'Why the answer ended: a text, a list, or JSON.',
  errorText: 'What is said of a failure: looked at for rate limits, never copied.',
  timePerChunk: 'Seconds between chunks on average: a number, or a text such as `12ms`.',
  queueTime: 'Seconds in the server’s queue: a number, or a text such as `12ms`.',
  outcome: '`error` or `false` say that the call failed.',
  duration: 'Milliseconds that the call took; of log records.',
  answer: 'The answer as JSON, to judge it; of log records.',
  answerCached: 'True: a gateway answered from its own cache.',
}

const fields = z
  .strictObject(
    Object.fromEntries(
      FIELD_NAMES.map((field) => [
        snake(field),
        places.optional().describe(meanings[field] ?? 'Where it stands, the best place first.'),
      ]),
    ) as Record<string, z.ZodOptional<typeof places>>,
  )
  .describe(
    'Where each fact stands: names of attributes, or places in their JSON, the best first. Behind them the names of the conventions (`gen_ai.…`) are looked for.',
  )

const mark = z
  .strictObject({
    scope: name.optional().describe('The instrumentation scope’s name begins so.'),
    key: name.optional().describe('The span has an attribute of this name.'),
    event: name.optional().describe('Of log records (`in_records`): the event has this name.'),
    fails: z.boolean().optional().describe('Such an event tells of a call that failed.'),
  })
  .superRefine(({ scope, key, event }, context) => {
    if (scope === undefined && key === undefined && event === undefined)
      expect(context, 'a scope, a key or an event', 'add `scope:` or `key:`; without one every span would be a call')
  })

const spellings = (values: readonly string[]) => z.record(name, z.enum(values as [string, ...string[]]))
const flag = z.boolean().optional()

const dialect = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/)
      .describe('Value of `sluice.dialect`: small letters, digits, `.`, `_` and `-`.'),
    marks: z
      .array(mark)
      .min(1)
      .max(20)
      .describe(
        'A span is in the dialect if one mark holds: all that it names. Yours are tried before those that are built in.',
      ),
    fields,
    operations: spellings(OPERATIONS)
      .optional()
      .describe('Words for operations beside the known ones, and what each means.'),
    providers: spellings(PROVIDERS)
      .optional()
      .describe('Words for providers beside the known ones, and which each means.'),
    finish_reasons: spellings(FINISH_REASONS)
      .optional()
      .describe('Words for finish reasons beside the known ones, in small letters, and what each means.'),
    operation_optional: z
      .union([z.boolean(), z.literal('with_usage')])
      .optional()
      .describe('A span without an operation is a call if it has a model or tokens; `with_usage`: if it has both.'),
    span_names: spellings(OPERATIONS).optional().describe('Names of spans that are calls though no attribute says so.'),
    scopes: names
      .optional()
      .describe('Scopes beside those of the marks in which a failed span may be told by its name, such as `chat m`.'),
    names_are_free: flag.describe('Users choose the names of spans: they tell nothing.'),
    only_with: names.optional().describe('A chat without tokens is one only with an attribute whose name begins so.'),
    in_records: flag.describe('Calls stand in log records: the marks are of those.'),
    only_failures: flag.describe('Only those records are calls that failed.'),
    of_own_server: flag.describe('Written by a server that people run themselves: no list price holds.'),
    quoted_texts: flag.describe('Texts stand between quotes, being JSON.'),
    stream_words: names.optional().describe('Texts that say that the call streamed, beside `true`.'),
    time_to_first_chunk_unit: z
      .enum(['s', 'ms', 'moment'])
      .optional()
      .describe('Seconds, milliseconds, or a moment (ISO 8601).'),
    first_chunk_of_all: flag.describe('Calls that did not stream have a first chunk’s time too.'),
    first_chunk_event: name.optional().describe('The first span event whose name begins so marks the first chunk.'),
    zero_cost_is_unknown: flag.describe('A cost of 0 stands for a model without a price.'),
    input_includes_cached: flag.describe('False: tokens of caches are counted beside the input. Default true.'),
    output_includes_reasoning: flag.describe('False: reasoning is counted beside the output. Default true.'),
    total_is_of_provider: flag.describe('The sum of all tokens is the provider’s own.'),
    content: ownContentSchema
      .optional()
      .describe('Attributes that hold content, by whose words they are: every `redaction` treats them so.'),
  })
  .superRefine(({ marks, in_records, fields, content = {} }, context) => {
    for (const [at, { event, key, fails }] of marks.entries()) {
      if (in_records && key !== undefined)
        expect(context, 'an event or a scope: log records are told by those', 'remove `key:`', ['marks', at, 'key'])
      if (!in_records && (event !== undefined || fails !== undefined))
        expect(context, 'a scope or a key: events are of log records', 'set `in_records: true`', ['marks', at])
    }
    const held = new Set(Object.values(content).flat())
    const taken = new Map<string, string>()
    for (const [field, sources] of Object.entries(fields))
      for (const [at, source] of (sources ?? []).entries()) {
        const own = sourceName(source)
        const other = taken.get(own)
        if (other !== undefined)
          expect(context, `another place: \`${other}\` stands there`, 'name each place once', ['fields', field, at])
        taken.set(own, field)
        const attribute = typeof source === 'string' ? source : source.attribute
        if (field !== 'answer' && held.has(attribute) && (typeof source === 'string' || source.path === ''))
          expect(context, 'an attribute that is no content', 'what a field holds is written under another name', [
            'fields',
            field,
            at,
          ])
      }
  })

export const ownDialects = z
  .array(dialect)
  .max(20)
  .superRefine((all, context) => {
    const taken = new Set(builtIn.map(({ id }) => id))
    const marked = new Set<string>()
    for (const [at, { id, marks }] of all.entries()) {
      if (taken.has(id)) expect(context, 'an id that no other dialect has', 'choose another', [at, 'id'])
      taken.add(id)
      for (const [n, mark] of marks.entries()) {
        const key = JSON.stringify([mark.scope, mark.key, mark.event])
        if (marked.has(key)) expect(context, 'a mark that is not there yet', 'remove one of them', [at, 'marks', n])
        marked.add(key)
      }
    }
  })

export type OwnDialect = z.output<typeof dialect>

function sourceName(source: string | z.output<typeof place>): string {
  return typeof source === 'string' ? `${source} ` : `${source.attribute} ${source.path}`
}

/** The row that the user's words are. */
export function rowOfDialect({ content: _, fields, marks, ...rest }: OwnDialect): Dialect {
  const renamed = Object.entries(rest).flatMap(([key, value]) => (value === undefined ? [] : [[camel(key), value]]))
  return withCostParts({
    ...(Object.fromEntries(renamed) as Omit<Dialect, 'marks' | 'fields'>),
    marks: marks as Dialect['marks'],
    fields: fieldsOf(fields),
  })
}

/** Behind the user's places those of the conventions. */
function fieldsOf(given: OwnDialect['fields']): Dialect['fields'] {
  const found: { [F in FieldName]?: readonly FieldSource[] } = {}
  for (const field of FIELD_NAMES) {
    const sources = given[snake(field)]
    const places = [...(sources ?? []).map(sourceOf), ...(newestFields[field] ?? [])]
    if (places.length > 0) found[field] = places
  }
  return found
}

function sourceOf(source: string | z.output<typeof place>): FieldSource {
  if (typeof source === 'string') return source === BODY_WORD ? BODY : source
  return { ...source, attribute: source.attribute === BODY_WORD ? BODY : source.attribute }
}

function camel(key: string): string {
  return key.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
}
