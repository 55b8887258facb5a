/** What speaks against an answer, in the order in which it is written. */
export const SIGNALS = ['truncated', 'content_filter', 'refusal', 'empty', 'invalid_output', 'hedging'] as const
export type SignalName = (typeof SIGNALS)[number]

/** Bits of a set of signals. */
export const SIGNAL = Object.fromEntries(SIGNALS.map((name, at) => [name, 1 << at])) as Readonly<
  Record<SignalName, number>
>

/** Each of these alone puts a score below the half. */
export const SEVERE = SIGNAL.truncated | SIGNAL.content_filter | SIGNAL.refusal | SIGNAL.empty | SIGNAL.invalid_output
