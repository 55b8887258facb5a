/** Options of the `redaction` processor. */
import { z } from 'zod'
import { expect } from '../../config/blocks.ts'
import { contentGroups, ROLES, type Role } from '../../content/content_groups.ts'
import { detectors as builtIn } from '../../content/detectors/detectors.ts'

/** What is done with content; in the order of strictness. */
export type Policy = 'keep' | 'mask' | 'drop'
const strictness: readonly Policy[] = ['keep', 'mask', 'drop']
const NOT_YET = ['hash', 'truncate'] as const

/** Kinds of findings, as placeholders spell them. */
export const KINDS = [...new Set(builtIn.flatMap((detector) => detector.kinds))].sort()

const policy = z.enum(['keep', 'mask', 'drop', ...NOT_YET])
type Given = z.output<typeof policy>

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

export const schema = z.strictObject({
  content: z
    .union([policy, roles])
    .prefault('drop')
    .transform((given, context): Record<Role, Policy> => {
      const byRole = typeof given === 'string' ? { default: given } : given
      for (const [role, one] of Object.entries(byRole)) {
        if (!isPolicy(one))
          return expect(
            context,
            'keep, mask or drop',
            `${one} is not supported yet: write mask to keep the text without personal data, or drop`,
            typeof given === 'string' ? [] : [role],
          )
      }
      const { default: rest, ...listed } = byRole as { default: Policy } & Partial<Record<Role, Policy>>
      return Object.fromEntries(ROLES.map((role) => [role, listed[role] ?? rest])) as Record<Role, Policy>
    })
    .describe(
      'What is done with prompts, completions and other content: `drop` leaves its length, `mask` runs the detectors over it, `keep` passes it as it is. One policy, or one by role.',
    ),
  detectors: z
    .array(z.enum(KINDS as [string, ...string[]]))
    .prefault([...KINDS])
    .describe('Kinds of personal data and secrets that are looked for; all by default.'),
})

export type RedactionConfig = z.output<typeof schema>

/** The policy of each content group: the strictest of its roles'. */
export function policiesOfGroups(content: Record<Role, Policy>): Policy[] {
  return contentGroups.map(
    ({ roles }) => strictness[Math.max(0, ...roles.map((role) => strictness.indexOf(content[role])))]!,
  )
}

function isPolicy(given: Given | undefined): given is Policy | undefined {
  return !(NOT_YET as readonly unknown[]).includes(given)
}
