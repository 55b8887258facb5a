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

/** One group a role, and three for messages in which roles are mixed. Position is the group's number. */
export const contentGroups: readonly ContentGroup[] = [
  { name: 'none', roles: [] },
  ...ROLES.map((role) => ({ name: role, roles: [role] })),
  { name: 'input', roles: ROLES.filter((role) => role !== 'retrieved') },
  { name: 'output', roles: ['assistant', 'tool_call', 'reasoning', 'media'] },
  { name: 'any', roles: ROLES },
]

export type GroupName = Role | 'input' | 'output' | 'any'

export function groupNumber(name: GroupName): number {
  return contentGroups.findIndex((group) => group.name === name)
}
