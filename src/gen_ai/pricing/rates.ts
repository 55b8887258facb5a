/** What a model's tokens cost, at which time, and what a call's tokens come to. */

/** Price of a million tokens in USD; from a tier's `above` input tokens on, the tier's price holds for all tokens. */
export interface Rate {
  readonly base_usd: number
  readonly tiers: readonly { readonly above: number; readonly usd: number }[]
}

export interface Rates {
  readonly input: Rate | undefined
  readonly output: Rate | undefined
  /** Absent: cached tokens cost what other input costs. */
  readonly cacheRead: Rate | undefined
  readonly cacheWrite: Rate | undefined
  /** Absent: reasoning tokens cost what other output costs. */
  readonly reasoning: Rate | undefined
  readonly request_usd: number
}

/** When rates hold: from a date on, or at certain hours of every day (UTC; over midnight if `from_s > to_s`). */
export interface Period {
  readonly since_ms: number
  readonly daily?: { readonly from_s: number; readonly to_s: number } | undefined
  readonly rates: Rates
}

export function flatRate(usd: number): Rate {
  return { base_usd: usd, tiers: [] }
}

/** The last period that holds at a time (Unix ms); the first if none does. There is at least one. */
export function ratesAt(periods: readonly Period[], time_ms: number): Rates {
  for (let at = periods.length - 1; at > 0; at--) if (holds(periods[at]!, time_ms)) return periods[at]!.rates
  return periods[0]!.rates
}

function holds(period: Period, time_ms: number): boolean {
  if (period.daily === undefined) return time_ms >= period.since_ms
  const { from_s, to_s } = period.daily
  const second = (time_ms % DAY_ms) / 1000
  return to_s < from_s ? second >= from_s || second < to_s : second >= from_s && second < to_s
}

const DAY_ms = 86_400_000

/** Cost in USD. Input includes the cached tokens, output the reasoning; every number is known (0 for none). */
export function costOf(
  rates: Rates,
  input: number,
  output: number,
  cacheRead: number,
  cacheWrite: number,
  reasoning: number,
): number {
  const plainInput = rates.input
  let rest = input
  let usd = 0
  if (rates.cacheRead !== undefined && cacheRead > 0) {
    usd += cacheRead * priceAt(rates.cacheRead, input)
    rest -= cacheRead
  }
  if (rates.cacheWrite !== undefined && cacheWrite > 0) {
    usd += cacheWrite * priceAt(rates.cacheWrite, input)
    rest -= cacheWrite
  }
  if (plainInput !== undefined && rest > 0) usd += rest * priceAt(plainInput, input)
  let answer = output
  if (rates.reasoning !== undefined && reasoning > 0) {
    usd += reasoning * priceAt(rates.reasoning, input)
    answer -= reasoning
  }
  if (rates.output !== undefined && answer > 0) usd += answer * priceAt(rates.output, input)
  return usd / 1e6 + rates.request_usd
}

function priceAt(rate: Rate, input: number): number {
  let usd = rate.base_usd
  for (let at = 0; at < rate.tiers.length; at++) if (input > rate.tiers[at]!.above) usd = rate.tiers[at]!.usd
  return usd
}
