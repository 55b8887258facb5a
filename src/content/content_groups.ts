/** Whose words a piece of content holds. Policies are set by role; an attribute may hold the words of several. */
export const ROLES = [
  'system',
  'user',
  'assistant',
  'tool_call',
  'tool_result',
  'retrieved',
  'reasoning',
  'media',
] as const
export type Role = (typeof ROLES)[number]

/** The roles that one attribute may hold. Group 0 means no content. */
export interface ContentGroup {
  readonly name: string
  readonly roles: readonly Role[]
}

/**
 * One group a role, three for messages in which roles are mixed, and two for content that no list knows: free text on the
 * items of steps, and what the config names. Position is the group's number.
 */
export const contentGroups: readonly ContentGroup[] = [
  { name: 'none', roles: [] },
  ...ROLES.map((role) => ({ name: role, roles: [role] })),
  { name: 'input', roles: ROLES.filter((role) => role !== 'retrieved') },
  { name: 'output', roles: ['assistant', 'tool_call', 'reasoning', 'media'] },
  { name: 'any', roles: ROLES },
  { name: 'free_text', roles: ROLES },
  { name: 'rule', roles: ROLES },
]

export type GroupName = Role | 'input' | 'output' | 'any' | 'free_text' | 'rule'

export function groupNumber(name: GroupName): number {
  return contentGroups.findIndex((group) => group.name === name)
}
