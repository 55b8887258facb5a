/** How far two distributions over the same bins lie apart. Both are counts or weights ≥ 0; they need not add up to 1. */

/**
 * Jensen–Shannon divergence to the base 2 (J. Lin, "Divergence Measures Based on the Shannon Entropy", IEEE Transactions on
 * Information Theory 37, 1991): 0 where the proportions are the same, 1 where no bin has both. NaN if one of them is empty.
 */
export function jensenShannon(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const sumA = total(a)
  const sumB = total(b)
  if (!(sumA > 0 && sumB > 0)) return Number.NaN
  let bits = 0
  for (let bin = 0; bin < a.length; bin++) {
    const p = a[bin]! / sumA
    const q = b[bin]! / sumB
    const mean = (p + q) / 2
    if (p > 0) bits += p * Math.log2(p / mean)
    if (q > 0) bits += q * Math.log2(q / mean)
  }
  // Rounding may leave the range by a hair.
  return Math.min(1, Math.max(0, bits / 2))
}

/** Of a bin that one side never fell into: as if half of a thousandth had, so that its logarithm is finite. */
const PSI_FLOOR = 0.0005

/**
 * Population stability index (as scorecards are watched by: N. Siddiqi, "Credit Risk Scorecards", 2006), the sum over bins
 * of (current − baseline) · ln(current / baseline); from 0, below 0.1 is called stable, above 0.25 a shift. Proportions below
 * 0.0005 count as 0.0005, and a bin that is empty on both sides as nothing. NaN if one of them is empty.
 */
export function stabilityIndex(baseline: ArrayLike<number>, current: ArrayLike<number>): number {
  const sumBefore = total(baseline)
  const sumNow = total(current)
  if (!(sumBefore > 0 && sumNow > 0)) return Number.NaN
  let index = 0
  for (let bin = 0; bin < baseline.length; bin++) {
    const before = Math.max(baseline[bin]! / sumBefore, PSI_FLOOR)
    const now = Math.max(current[bin]! / sumNow, PSI_FLOOR)
    index += (now - before) * Math.log(now / before)
  }
  return index
}

function total(weights: ArrayLike<number>): number {
  let sum = 0
  for (let bin = 0; bin < weights.length; bin++) sum += weights[bin]!
  return sum
}
