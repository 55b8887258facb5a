/**
 * What speaks against an answer, in the order in which it is written. `context_window`: it was nearly full; `context_exceeded`: it was
 * too small for the prompt, or for the answer.
 */
export const SIGNALS = [
  ...(['truncated', 'content_filter', 'refusal', 'empty', 'invalid_output', 'hedging', 'repetition'] as const),
  ...(['context_window', 'context_exceeded'] as const),
] as const
export type SignalName = (typeof SIGNALS)[number]

/** Bits of a set of signals. */
export const SIGNAL = Object.fromEntries(SIGNALS.map((name, at) => [name, 1 << at])) as Readonly<
  Record<SignalName, number>
>

/** Each of these alone puts a score below the half. */
export const SEVERE =
  SIGNAL.truncated | SIGNAL.content_filter | SIGNAL.refusal | SIGNAL.empty | SIGNAL.invalid_output | SIGNAL.repetition
