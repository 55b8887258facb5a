import { z } from 'zod'
import { actions, hashKey, needsHashKey } from '../../items/actions_config.ts'
import {
  attributeList,
  libraries,
  matchType,
  names,
  needsCriterion,
  severityNumber,
  spanKinds,
} from '../../items/match_config.ts'

const match = (what: string) =>
  z
    .strictObject({
      match_type: matchType(),
      services: names('Names of services (service.name of the resource); one must match.').optional(),
      resources: attributeList('Attributes of the resource; all must match.').optional(),
      libraries: libraries().optional(),
      span_names: names('Names of spans; one must match. In traces pipelines.').optional(),
      span_kinds: spanKinds().optional(),
      log_bodies: names('Bodies of log records that are texts; one must match. In logs pipelines.').optional(),
      log_severity_texts: names('Severity texts of log records; one must match. In logs pipelines.').optional(),
      log_severity_number: severityNumber().optional(),
      metric_names: names('Names of metrics; one must match. In metrics pipelines.').optional(),
      attributes: attributeList('Attributes of the span or log record; all must match.').optional(),
    })
    .superRefine(needsCriterion)
    .describe(what)
    .optional()

export const schema = z
  .strictObject({
    actions: actions('What to do with the attributes of spans, log records and data points, in this order.'),
    hash_key: hashKey(),
    include: match('Only what matches this is changed. Every criterion must hold.'),
    exclude: match('What matches this is left alone. Every criterion must hold.'),
  })
  .superRefine(({ hash_key, actions }, context) => needsHashKey({ hash_key, list: actions }, context))

export type AttributesConfig = z.output<typeof schema>
export type MatchConfig = NonNullable<AttributesConfig['include']>
