import { z } from 'zod'
import { actions, hashKey, needsHashKey } from '../../items/actions_config.ts'

export const schema = z
  .strictObject({
    attributes: actions('What to do with the attributes of resources, in this order.'),
    hash_key: hashKey(),
  })
  .superRefine(({ hash_key, attributes }, context) => needsHashKey({ hash_key, list: attributes }, context))

export type ResourceConfig = z.output<typeof schema>
