/** A number for each report of a trace. Most traces have few, and short lists are made in a tenth of the time. */
export type Column = number[] | Int32Array | Float64Array

/** Up to so many numbers are a list. */
export const SHORT = 64

export function ints(count: number, value = 0): Column {
  if (count <= SHORT) return list(count, value)
  const column = new Int32Array(count)
  return value === 0 ? column : column.fill(value)
}

export function floats(count: number): Column {
  return count <= SHORT ? list(count, 0) : new Float64Array(count)
}

function list(count: number, value: number): number[] {
  const numbers: number[] = []
  for (let at = 0; at < count; at++) numbers.push(value)
  return numbers
}
