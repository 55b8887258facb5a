/** The schema of attribute actions, with the Collector's names. */
import { z } from 'zod'
import { expect, secret } from '../config/schema/blocks.ts'

const scalar = z.union([z.string(), z.number(), z.boolean()])

const action = z
  .strictObject({
    key: z.string().min(1).optional().describe('Key of the attribute to act on.'),
    action: z
      .enum(['insert', 'update', 'upsert', 'delete', 'hash', 'extract', 'convert'])
      .describe(
        'insert: set it if it is not there. update: if it is. upsert: in either case. delete: remove it. hash: replace the value by its keyed SHA-256. convert: change the value’s type. extract is not supported yet.',
      ),
    value: z
      .union([scalar, z.array(scalar)])
      .optional()
      .describe('The value to set. Whole numbers become integers.'),
    from_attribute: z
      .string()
      .min(1)
      .optional()
      .describe('Take the value of this attribute; without it nothing happens.'),
    from_context: z
      .string()
      .optional()
      .describe('Take the value from beside the data: metadata.<header>, or client.address.'),
    converted_type: z.enum(['int', 'double', 'string']).optional().describe('For convert: the type to become.'),
    pattern: z.string().optional().describe('A regular expression, for extract, delete and hash. Not supported yet.'),
  })
  .superRefine(checkAction)

/** The list of actions, and the key of `hash`. */
export function actions(what: string) {
  return z.array(action).min(1).describe(what)
}
export type ActionConfig = z.output<typeof action>

export function hashKey() {
  return secret()
    .min(16)
    .optional()
    .describe('Key of the action hash, at least 16 characters: without one, anybody could find short values by trying.')
}

/** Without a key, hashes of short values are as good as the values. */
export function needsHashKey(
  { hash_key, list }: { hash_key: string | undefined; list: readonly ActionConfig[] },
  context: z.core.$RefinementCtx,
): void {
  if (hash_key === undefined && list.some((one) => one.action === 'hash'))
    expect(context, 'a hash_key for the action hash', 'add `hash_key:` with a substitution from the environment', [
      'hash_key',
    ])
}

function checkAction(config: Record<string, unknown> & { action: string }, context: z.core.$RefinementCtx): void {
  if (config.action === 'extract')
    return expect(context, 'another action; extract is not supported yet', undefined, ['action'])
  if (config['pattern'] !== undefined)
    return expect(context, 'no pattern; patterns are not supported yet', 'write one action for each key', ['pattern'])
  if (config['key'] === undefined) return expect(context, 'a key', 'add `key:`')
  if (config.action === 'convert' && config['converted_type'] === undefined)
    return expect(context, 'a converted_type', 'add `converted_type: int`, double or string')
  const sources = ['value', 'from_attribute', 'from_context'].filter((name) => config[name] !== undefined)
  const sets = ['insert', 'update', 'upsert'].includes(config.action)
  if (sets && sources.length !== 1)
    return expect(context, 'one of value, from_attribute and from_context', 'say what to set')
  if (!sets && sources.length > 0)
    return expect(context, `no ${sources[0]} with the action ${config.action}`, 'remove it', [sources[0]!])
  const source = config['from_context']
  if (typeof source === 'string' && !/^(metadata\.\S+|client\.address)$/.test(source))
    expect(context, 'metadata.<header> or client.address', 'auth.* is not supported yet', ['from_context'])
}
