import { z } from 'zod'
import { expect } from '../../config/schema/blocks.ts'
import {
  attributeList,
  libraries,
  matchType,
  names,
  needsCriterion,
  severityNumber,
  spanKinds,
} from '../../items/match_config.ts'

const INCLUDE = 'Everything that does not match this is dropped. Every criterion must hold.'
const EXCLUDE = 'What matches this is dropped. Every criterion must hold.'

/** Accepts nothing, and says why. */
function conditions(instead: string) {
  return z
    .unknown()
    .optional()
    .superRefine((given, context) => {
      if (given !== undefined)
        expect(context, 'no OTTL conditions, which are not supported yet', `use ${instead}: include or exclude`)
    })
    .describe(`OTTL conditions; not supported yet: use ${instead}.`)
}

const spans = z
  .strictObject({
    match_type: matchType(),
    services: names('Names of services (service.name of the resource); one must match.').optional(),
    resources: attributeList('Attributes of the resource; all must match.').optional(),
    libraries: libraries().optional(),
    span_names: names('Names of spans; one must match.').optional(),
    span_kinds: spanKinds().optional(),
    attributes: attributeList('Attributes of the span; all must match.').optional(),
  })
  .superRefine(needsCriterion)

const logs = z
  .strictObject({
    match_type: matchType(),
    resource_attributes: attributeList('Attributes of the resource; all must match.').optional(),
    record_attributes: attributeList('Attributes of the log record; all must match.').optional(),
    severity_texts: names('Severity texts; one must match.').optional(),
    severity_number: severityNumber().optional(),
    bodies: names('Bodies that are texts; one must match.').optional(),
  })
  .superRefine(needsCriterion)

const metrics = z
  .strictObject({
    match_type: matchType(),
    metric_names: names('Names of metrics; one must match.').optional(),
    resource_attributes: attributeList('Attributes of the resource; all must match.').optional(),
  })
  .superRefine(needsCriterion)

export const schema = z.strictObject({
  error_mode: z
    .enum(['propagate', 'ignore', 'silent'])
    .default('propagate')
    .describe('What the Collector does when a condition fails. Accepted: conditions without OTTL cannot fail.'),
  spans: z
    .strictObject({ include: spans.optional().describe(INCLUDE), exclude: spans.optional().describe(EXCLUDE) })
    .optional()
    .describe('Which spans go on.'),
  metrics: z
    .strictObject({
      include: metrics.optional().describe(INCLUDE),
      exclude: metrics.optional().describe(EXCLUDE),
      metric: conditions('metrics'),
      datapoint: conditions('metrics'),
    })
    .optional()
    .describe('Which metrics go on.'),
  logs: z
    .strictObject({
      include: logs.optional().describe(INCLUDE),
      exclude: logs.optional().describe(EXCLUDE),
      log_record: conditions('logs'),
    })
    .optional()
    .describe('Which log records go on.'),
  traces: conditions('spans'),
  trace_conditions: conditions('spans'),
  metric_conditions: conditions('metrics'),
  log_conditions: conditions('logs'),
})

export type FilterConfig = z.output<typeof schema>
