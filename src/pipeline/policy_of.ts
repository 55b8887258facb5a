import type { Policy } from '../component.ts'

/** What stands for the redactions on the way of what enters, given what stood for them before. */
export type PolicyOf = (before: Policy | undefined) => Policy | undefined
