/**
 * Scratch memory that is used again and again grows with the largest request so far. It goes back to its usual size
 * when an unusual request is over, so that one of them does not take memory for ever.
 */

/** What a piece of scratch may keep for the next use: more than ordinary requests need, and little for each of dozens. */
export const KEPT_BYTES = 1 << 20

/** Rows for the next use: the same ones, or, after an unusual one, as many as in the beginning. */
export function ordinaryRows(rows: Int32Array, usual_length: number, length = 0): Int32Array {
  if (length > rows.length) return new Int32Array(length)
  return rows.byteLength > KEPT_BYTES && length <= usual_length ? new Int32Array(usual_length) : rows
}

/** Twice as many rows, with what is in them. */
export function grownRows(rows: Int32Array): Int32Array {
  const larger = new Int32Array(rows.length * 2)
  larger.set(rows)
  return larger
}
