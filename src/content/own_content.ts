/** Names of attributes that a config says hold content, beside those that are known (`content_keys.ts`). */
import { z } from 'zod'
import { type GroupName, groupNumber, ROLES } from './content_groups.ts'
import type { KeyContent } from './content_keys.ts'
import { namePattern } from './name_pattern.ts'

const GROUPS = [...ROLES, 'input', 'output', 'any'] as const satisfies readonly GroupName[]

/** Each `*` may stand for any part of a key, and senders choose those: few of them keep looking short. */
const names = z
  .array(
    z
      .string()
      .min(1)
      .max(200)
      .regex(/^(?:[^*]*\*){0,3}[^*]*$/, 'expected a name with at most three *'),
  )
  .min(1)
  .max(100)

/**
 * By whose words they hold; `#` in a name is a number, `*` any text. `event:NAME` and `scope:NAME` stand for the bodies of log
 * records of that event, or scope.
 */
export const ownContentSchema = z.strictObject({
  system: names.optional().describe('System instructions and tool definitions.'),
  user: names.optional().describe('What users write.'),
  assistant: names.optional().describe('What models answer.'),
  tool_call: names.optional().describe('Arguments of tool calls.'),
  tool_result: names.optional().describe('Results of tool calls.'),
  retrieved: names.optional().describe('Documents, memories and embeddings.'),
  reasoning: names.optional().describe('Reasoning.'),
  media: names.optional().describe('Images, audio, files and transcripts.'),
  input: names.optional().describe('Messages to the model, of any role.'),
  output: names.optional().describe('Messages of the model: answers, tool calls, reasoning.'),
  any: names.optional().describe('Words of anybody.'),
} satisfies Record<(typeof GROUPS)[number], z.ZodType>)

export type OwnContent = z.output<typeof ownContentSchema>

/** What a key holds by the config's names; undefined for one that they do not name. A name stands above a pattern. */
export type OwnContentOf = (key: string) => KeyContent | undefined

export function ownContentOf(given: OwnContent): OwnContentOf {
  const exact = new Map<string, KeyContent>()
  const patterns: { readonly pattern: { test(name: string): boolean }; readonly content: KeyContent }[] = []
  for (const group of GROUPS)
    for (const name of given[group] ?? []) {
      const content: KeyContent = { group: groupNumber(group), scoped: false, side: 0, plain: false }
      if (/[#*]/.test(name)) patterns.push({ pattern: namePattern(name), content })
      else if (!exact.has(name)) exact.set(name, content)
    }
  return (key) => exact.get(key) ?? patterns.find(({ pattern }) => pattern.test(key))?.content
}
