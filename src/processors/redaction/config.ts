/** Options of the `redaction` processor. */
import { z } from 'zod'
import { expect, secret } from '../../config/schema/blocks.ts'
import { contentGroups, ROLES, type Role } from '../../content/content_groups.ts'
import { detectors as builtIn, PHONE_REGIONS } from '../../content/detectors/detectors.ts'
import { phoneRegions } from '../../content/detectors/numbers/phone_plans.ts'
import { ownContentSchema } from '../../content/own_content.ts'

/** What is done with content; in the order of strictness. */
export type ContentPolicy = 'keep' | 'mask' | 'truncate' | 'hash' | 'drop'
const strictness: readonly ContentPolicy[] = ['keep', 'mask', 'truncate', 'hash', 'drop']

/** A policy by its place in that order. */
export function policyOfStrictness(place: number): ContentPolicy {
  return strictness[place]!
}

/** Kinds of findings, as placeholders spell them. */
export const KINDS = [...new Set(builtIn.flatMap((detector) => detector.kinds))].sort()

/** By role, and for what no role is known of. */
export type ContentPolicies = Record<Role | 'default', ContentPolicy>

const policy = z.enum(strictness as [ContentPolicy, ...ContentPolicy[]])

const roles = z.strictObject({
  default: policy
    .default('drop')
    .describe(
      'Policy for the roles that are not listed. What no role is known of has it too, or the strictest of all that are set.',
    ),
  system: policy.optional().describe('System instructions and tool definitions.'),
  user: policy.optional().describe('What users write.'),
  assistant: policy.optional().describe('What models answer.'),
  tool_call: policy.optional().describe('Arguments of tool calls.'),
  tool_result: policy.optional().describe('Results of tool calls.'),
  retrieved: policy.optional().describe('Documents, memories and embeddings that were retrieved.'),
  reasoning: policy.optional().describe('Reasoning that models show.'),
  media: policy.optional().describe('Images, audio, files and transcripts.'),
})

const RULES_MAX = 200

/** A name with `*`. What only regular expressions have is a mistake: such a key would never be met. */
const keyPattern = z
  .string()
  .min(1)
  .max(200)
  .superRefine((text, context) => {
    if (/[\s\\^$|()?+[\]{}]/.test(text))
      expect(
        context,
        'a key, with `*` for any text',
        'write it as senders do, such as acme.notes.*; no regular expression',
      )
  })

export const schema = z
  .strictObject({
    content: z
      .union([policy, roles])
      .prefault('drop')
      .transform((given): ContentPolicies => {
        const { default: rest, ...listed } = typeof given === 'string' ? { default: given } : given
        const byRole = ROLES.map((role) => [role, (listed as Partial<ContentPolicies>)[role] ?? rest])
        return { default: rest, ...Object.fromEntries(byRole) } as ContentPolicies
      })
      .describe(
        'What is done with prompts, completions and other content: `drop` leaves its length, `hash` a keyed hash, `truncate` the beginning without personal data, `mask` all of it without personal data, `keep` passes it as it is. One policy, or one by role, also within one attribute.',
      ),
    content_keys: ownContentSchema
      .prefault({})
      .describe(
        'Attributes that hold content beside those that are known, by whose words they are: `{ user: [acme.question], output: ["acme.answer.*"] }`. `#` in a name is a number, `*` any text. Those of dialects in `gen_ai` are among them without being named here.',
      ),
    content_rules: z
      .array(
        z.strictObject({
          match: keyPattern.describe('Key of attributes; `*` stands for any text, also for none.'),
          content: policy.describe('What is done with the values under them.'),
        }),
      )
      .max(RULES_MAX)
      .prefault([])
      .describe(
        'Policies for attributes by their keys, over what is known or guessed of these: for labels that are taken for content, and for content under short texts of own keys. The first that matches counts.',
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
  .superRefine(({ content, content_rules, hash_key }, context) => {
    const policies = [...Object.values(content), ...content_rules.map((rule) => rule.content)]
    if (hash_key === undefined && policies.includes('hash'))
      expect(context, 'a hash_key for the policy hash', 'add `hash_key:` with a substitution from the environment', [
        'hash_key',
      ])
  })

export type RedactionConfig = z.output<typeof schema>

/** The policy of each content group: the strictest of its roles'. */
export function policiesOfGroups(content: ContentPolicies): ContentPolicy[] {
  return contentGroups.map(({ roles }) => strictest(roles.map((role) => content[role])))
}

/** For content of which nothing is known: the strictest policy of all that are set. */
export function policyOfUnknown(content: ContentPolicies): ContentPolicy {
  return strictest(Object.values(content))
}

/** By WHOSE; what no role is known of has the strictest of all. Undefined if all are the same. */
export function policiesOfRoles(content: ContentPolicies): ContentPolicy[] | undefined {
  const policies = [policyOfUnknown(content), ...ROLES.map((role) => content[role])]
  return policies.every((policy) => policy === policies[0]) ? undefined : policies
}

/** How strict a policy is: the higher, the less it leaves. */
export function strictnessOf(policy: ContentPolicy): number {
  return strictness.indexOf(policy)
}

function strictest(policies: readonly ContentPolicy[]): ContentPolicy {
  return strictness[Math.max(0, ...policies.map(strictnessOf))]!
}
