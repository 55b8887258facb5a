import type { Findings } from './findings.ts'

/**
 * What a range of bytes must hold for a detector to have anything to find, as bits. A detector names all the traits it
 * needs; for short ranges one cheap pass over the bytes tells which are there.
 */
export const traits = {
  /** `@`, or a byte that begins one of its spellings: `%40`, `\u0040`, `&#64;`, the full-width one. */
  at: 1,
  /** At least 2 digits. */
  digits: 2,
  colon: 4,
  /** A run of at least 12 letters, digits, `-` and `_`, with a digit or a capital in it. */
  run: 8,
  /** `p`, `w` and `d`, which every spelling of password has, in any case. */
  password: 16,
  /** At least 5 `-`. */
  dashes: 32,
  /**
   * With nothing between them but separators and characters beyond ASCII: at least 6 digits, or 4 digits and 3 dots. Or 6
   * digits and a byte that begins an escape.
   */
  number: 64,
} as const

/** Finds personal data or secrets of one or more kinds. Stateless between calls, and linear in the range's length. */
export interface Detector {
  /** What it finds, as placeholders spell it: `EMAIL`, `API_KEY` … */
  readonly kinds: readonly string[]
  /** The bits of `traits` that a range needs. */
  readonly needs: number
  /**
   * Appends what it finds in [start, end) of `bytes`, in any order. The caller promises `end === bytes.length`, so that
   * native searches (`bytes.indexOf`) stop where the range ends; what is left of `start` must not be looked at.
   * @throws BudgetError when the range's steps are used up
   */
  find(bytes: Buffer, start: number, end: number, findings: Findings): void
}
