/** Options of the `redaction` processor. */
import { z } from 'zod'
import { expect, secret } from '../../config/blocks.ts'
import { contentGroups, ROLES, type Role } from '../../content/content_groups.ts'
import { detectors as builtIn, PHONE_REGIONS } from '../../content/detectors/detectors.ts'
import { phoneRegions } from '../../content/detectors/phone_plans.ts'

/** What is done with content; in the order of strictness. */
export type Policy = 'keep' | 'mask' | 'truncate' | 'hash' | 'drop'
const strictness: readonly Policy[] = ['keep', 'mask', 'truncate', 'hash', 'drop']

/** Kinds of findings, as placeholders spell them. */
export const KINDS = [...new Set(builtIn.flatMap((detector) => detector.kinds))].sort()

const policy = z.enum(strictness as [Policy, ...Policy[]])

const roles = z.strictObject({
  default: policy.default('drop').describe('Policy for the roles that are not listed.'),
  system: policy.optional().describe('System instructions and tool definitions.'),
  user: policy.optional().describe('What users write.'),
  assistant: policy.optional().describe('What models answer.'),
  tool_call: policy.optional().describe('Arguments of tool calls.'),
  tool_result: policy.optional().describe('Results of tool calls.'),
  retrieved: policy.optional().describe('Documents, memories and embeddings that were retrieved.'),
  reasoning: policy.optional().describe('Reasoning that models show.'),
  media: policy.optional().describe('Images, audio, files and transcripts.'),
})

export const schema = z
  .strictObject({
    content: z
      .union([policy, roles])
      .prefault('drop')
      .transform((given): Record<Role, Policy> => {
        const { default: rest, ...listed } = typeof given === 'string' ? { default: given } : given
        return Object.fromEntries(ROLES.map((role) => [role, (listed as RolePolicies)[role] ?? rest])) as Record<
          Role,
          Policy
        >
      })
      .describe(
        'What is done with prompts, completions and other content: `drop` leaves its length, `hash` a keyed hash, `truncate` the beginning without personal data, `mask` all of it without personal data, `keep` passes it as it is. One policy, or one by role.',
      ),
    detectors: z
      .array(z.enum(KINDS as [string, ...string[]]))
      .prefault([...KINDS])
      .describe('Kinds of personal data and secrets that are looked for; all by default.'),
    phone_regions: z
      .array(z.enum(phoneRegions as [string, ...string[]]))
      .prefault([...PHONE_REGIONS])
      .describe(
        'Countries (ISO 3166) whose phone numbers are recognised as they are dialled at home, behind a word such as “call”.',
      ),
    hash_key: secret()
      .min(16)
      .optional()
      .describe(
        'Key of the policy hash, at least 16 characters: without one, anybody could find short texts by trying.',
      ),
    truncate: z
      .strictObject({
        length: z.int().min(1).max(1_000_000).prefault(256).describe('How many characters of a text are left.'),
      })
      .prefault({})
      .describe('What the policy truncate leaves.'),
  })
  .superRefine(({ content, hash_key }, context) => {
    if (hash_key === undefined && Object.values(content).includes('hash'))
      expect(context, 'a hash_key for the policy hash', 'add `hash_key:` with a substitution from the environment', [
        'hash_key',
      ])
  })

type RolePolicies = Partial<Record<Role, Policy>>

export type RedactionConfig = z.output<typeof schema>

/** The policy of each content group: the strictest of its roles'. */
export function policiesOfGroups(content: Record<Role, Policy>): Policy[] {
  return contentGroups.map(
    ({ roles }) => strictness[Math.max(0, ...roles.map((role) => strictness.indexOf(content[role])))]!,
  )
}
