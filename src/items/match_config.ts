/** Schema blocks for conditions, with the Collector's names. */
import { z } from 'zod'
import { expect } from '../config/schema/blocks.ts'

const ATTRIBUTE_VALUE = 'The value it must have, of the same type; any value if left out.'

export function attributeList(what: string) {
  return z
    .array(
      z.strictObject({
        key: z.string().min(1).describe('Key of the attribute.'),
        value: z.union([z.string(), z.number(), z.boolean()]).optional().describe(ATTRIBUTE_VALUE),
      }),
    )
    .min(1)
    .describe(what)
}

export function names(what: string) {
  return z.array(z.string()).min(1).describe(what)
}

export function libraries() {
  return z
    .array(
      z.strictObject({
        name: z.string().describe('Name of the instrumentation scope.'),
        version: z.string().optional().describe('Its version; any if left out.'),
      }),
    )
    .min(1)
    .describe('Instrumentation scopes; one must match.')
}

export function matchType() {
  return z
    .enum(['strict', 'regexp', 'expr'])
    .superRefine((type, context) => {
      if (type !== 'strict')
        expect(
          context,
          'strict; regexp and expr are not supported yet',
          'list the exact names, and write `match_type: strict`',
        )
    })
    .describe('How texts are compared: strict means equal. The Collector’s regexp and expr are not supported yet.')
}

const SPAN_KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'] as const

/** Span kinds as `SPAN_KIND_CLIENT`. Output: OTLP's numbers. */
export function spanKinds() {
  return z
    .array(z.enum(SPAN_KINDS.map((name) => `SPAN_KIND_${name}` as const)))
    .min(1)
    .transform((kinds) => kinds.map((kind) => SPAN_KINDS.findIndex((name) => kind === `SPAN_KIND_${name}`)))
    .describe('Kinds of span, such as SPAN_KIND_CLIENT; one must match.')
}

const SEVERITIES = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL']

/** Severities by OTLP's number (1 to 24) or name (`WARN`, `INFO2`). Output: the number. */
export function severityNumber() {
  const number = z.union([z.string(), z.number()]).transform((given, context) => {
    const [, name, step] = /^([A-Z]+)([2-4]?)$/.exec(String(given).toUpperCase()) ?? []
    const level = SEVERITIES.indexOf(name ?? '')
    const severity = level >= 0 ? level * 4 + Number(step || 1) : Number(given)
    if (Number.isInteger(severity) && severity >= 0 && severity <= 24 && given !== '') return severity
    return expect(
      context,
      'a severity',
      'write a name (TRACE, DEBUG, INFO, WARN, ERROR, FATAL) or a number from 1 to 24',
    )
  })
  return z
    .strictObject({
      min: number.prefault(0).describe('Lowest severity that matches: a name such as WARN, or OTLP’s number.'),
      match_undefined: z.boolean().default(false).describe('Whether log records without a severity number match.'),
    })
    .describe('Severity of the log record.')
}

/** At least one criterion must be given: nothing given would match everything. */
export function needsCriterion(match: object, context: z.core.$RefinementCtx): void {
  const given = Object.entries(match).filter(([key, value]) => key !== 'match_type' && value !== undefined)
  if (given.length === 0) expect(context, 'something to match', 'add a criterion, or remove the block')
}
