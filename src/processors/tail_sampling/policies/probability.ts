/**
 * The Collector's hash for `probabilistic`: FNV-1a of 64 bits over the salt and the trace id, kept at or under a
 * threshold. Source: tailsamplingprocessor/internal/sampling/probabilistic.go.
 */
/** The Collector's. */
export const DEFAULT_SALT = 'default-hash-seed'

const PRIME = 0x100000001b3n
const OFFSET = 0xcbf29ce484222325n
const MAX = 0xffffffffffffffffn

export class Probability {
  readonly #thresholdHigh: number
  readonly #thresholdLow: number
  readonly #saltHigh: number
  readonly #saltLow: number

  constructor(percentage: number, salt: string) {
    const threshold = thresholdOf(percentage)
    const start = Buffer.from(salt).reduce((hash, byte) => ((hash ^ BigInt(byte)) * PRIME) & MAX, OFFSET)
    this.#thresholdHigh = Number(threshold >> 32n)
    this.#thresholdLow = Number(threshold & 0xffffffffn)
    this.#saltHigh = Number(start >> 32n)
    this.#saltLow = Number(start & 0xffffffffn)
  }

  /** Is the trace whose 16-byte id is at `at` kept? */
  keeps(bytes: Uint8Array, at: number): boolean {
    let high = this.#saltHigh
    let low = this.#saltLow
    for (let byte = at; byte < at + 16; byte++) {
      low = (low ^ bytes[byte]!) >>> 0
      // The prime is 2^40 + 0x1b3: times 0x1b3 in 16-bit halves, plus the low word shifted by 40.
      const p0 = (low & 0xffff) * 0x1b3
      const p1 = (low >>> 16) * 0x1b3 + (p0 >>> 16)
      high = (Math.imul(high, 0x1b3) + Math.floor(p1 / 65536) + (low << 8)) >>> 0
      low = (((p1 & 0xffff) << 16) | (p0 & 0xffff)) >>> 0
    }
    return high < this.#thresholdHigh || (high === this.#thresholdHigh && low <= this.#thresholdLow)
  }
}

/**
 * (2^64 - 1) × percentage / 100, where the fraction is a double and the product is rounded to 64 bits of mantissa, to
 * nearest even, then cut to an integer: Go's big.Float does so.
 */
export function thresholdOf(percentage: number): bigint {
  const fraction = percentage / 100
  if (fraction >= 1) return MAX
  if (fraction <= 0) return 0n
  const { mantissa, exponent } = partsOf(fraction)
  let product = MAX * mantissa
  let shift = exponent
  const excess = product.toString(2).length - 64
  if (excess > 0) {
    product = roundedShift(product, BigInt(excess))
    shift += excess
  }
  return shift >= 0 ? product << BigInt(shift) : product >> BigInt(-shift)
}

/** value = mantissa × 2^exponent, exactly. */
function partsOf(value: number): { mantissa: bigint; exponent: number } {
  const view = new DataView(new ArrayBuffer(8))
  view.setFloat64(0, value)
  const bits = view.getBigUint64(0)
  const exponent = Number((bits >> 52n) & 0x7ffn)
  const fraction = bits & 0xfffffffffffffn
  return exponent === 0
    ? { mantissa: fraction, exponent: -1074 }
    : { mantissa: fraction | (1n << 52n), exponent: exponent - 1075 }
}

function roundedShift(value: bigint, by: bigint): bigint {
  const cut = value >> by
  const rest = value & ((1n << by) - 1n)
  const half = 1n << (by - 1n)
  return rest > half || (rest === half && (cut & 1n) === 1n) ? cut + 1n : cut
}
