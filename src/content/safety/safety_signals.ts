/** What is dangerous in a call, in the order in which it is written. */
export const SAFETY_SIGNALS = ['prompt_injection', 'indirect_injection', 'content_filter', 'guardrail_blocked'] as const
export type SafetySignal = (typeof SAFETY_SIGNALS)[number]

/** Bits of a set of them. */
export const SAFETY = Object.fromEntries(SAFETY_SIGNALS.map((name, at) => [name, 1 << at])) as Readonly<
  Record<SafetySignal, number>
>
