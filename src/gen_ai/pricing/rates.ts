/** What a model's tokens cost, at which time, and what a call's tokens come to. */

/**
 * Price of a token in picodollars (10⁻¹² USD), which are whole numbers for every price in the list: so sums of tokens are
 * exact, and rounded once. Above a tier's `above` input tokens, its price holds for all tokens.
 */
export interface Rate {
  readonly base_pusd: number
  readonly tiers: readonly { readonly above: number; readonly pusd: number }[]
}

/** Where a rate is absent, such tokens cost what those cost among which they are counted. */
export interface Rates {
  readonly input: Rate | undefined
  readonly output: Rate | undefined
  readonly cacheRead: Rate | undefined
  readonly cacheWrite: Rate | undefined
  /** Written to a cache for an hour; counted among what is written. */
  readonly cacheWrite1h: Rate | undefined
  readonly reasoning: Rate | undefined
  readonly inputAudio: Rate | undefined
  readonly outputAudio: Rate | undefined
  /** Counted among what is read from a cache, and among the audio. */
  readonly cacheReadAudio: Rate | undefined
  readonly inputImage: Rate | undefined
  readonly outputImage: Rate | undefined
  readonly request_pusd: number
  readonly webSearch_pusd: number
}

/** Prices of nothing but what `some` says. */
export function ratesOf(some: Partial<Rates>): Rates {
  return {
    input: undefined,
    output: undefined,
    cacheRead: undefined,
    cacheWrite: undefined,
    cacheWrite1h: undefined,
    reasoning: undefined,
    inputAudio: undefined,
    outputAudio: undefined,
    cacheReadAudio: undefined,
    inputImage: undefined,
    outputImage: undefined,
    request_pusd: 0,
    webSearch_pusd: 0,
    ...some,
  }
}

/** What a call used: all input with all of its parts, all output with its. NaN where unknown. */
export interface Usage {
  readonly inputTokens: number
  readonly outputTokens: number
  readonly cacheReadTokens: number
  readonly cacheWriteTokens: number
  readonly cacheWrite1hTokens: number
  readonly reasoningTokens: number
  readonly inputAudioTokens: number
  readonly outputAudioTokens: number
  readonly cacheReadAudioTokens: number
  readonly inputImageTokens: number
  readonly outputImageTokens: number
  readonly webSearches: number
}

/** When rates hold: from a date on, or at certain hours of every day (UTC; over midnight if `from_s > to_s`). */
export interface Period {
  readonly since_ms: number
  readonly daily?: { readonly from_s: number; readonly to_s: number } | undefined
  readonly rates: Rates
}

/** `usd`: for a million tokens. */
export function flatRate(usd: number): Rate {
  return { base_pusd: picodollars(usd, 1e6), tiers: [] }
}

/** What one of so many costs, in picodollars, without what a double adds to a decimal. */
export function picodollars(usd: number, many: number): number {
  const exact = (usd / many) * 1e12
  const whole = Math.round(exact)
  return Math.abs(exact - whole) < 1e-6 * whole ? whole : exact
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

/** Cost in USD of a call with these rates. Parts that are together more than the whole are cut to it. */
export function costOf(rates: Rates, usage: Usage): number {
  return (inputCost(rates, usage) + outputCost(rates, usage) + rates.request_pusd + searchCost(rates, usage)) / 1e12
}

/** What the tokens read from a cache would have cost more, in USD, had they not been there. */
export function cacheSavingOf(rates: Rates, usage: Usage): number {
  const read = within(usage.cacheReadTokens, usage.inputTokens || 0)
  if (read === 0 || rates.cacheRead === undefined || rates.input === undefined) return 0
  const input = usage.inputTokens
  const audio =
    rates.cacheReadAudio !== undefined && rates.inputAudio !== undefined ? within(usage.cacheReadAudioTokens, read) : 0
  const saved = (read - audio) * (priceAt(rates.input, input) - priceAt(rates.cacheRead, input))
  if (audio === 0) return saved / 1e12
  return (saved + audio * (priceAt(rates.inputAudio!, input) - priceAt(rates.cacheReadAudio!, input))) / 1e12
}

/** Picodollars. Each part takes from what is left the tokens that have a rate of their own. */
function inputCost(rates: Rates, usage: Usage): number {
  const input = usage.inputTokens || 0
  const read = rates.cacheRead === undefined ? 0 : within(usage.cacheReadTokens, input)
  const written = rates.cacheWrite === undefined ? 0 : within(usage.cacheWriteTokens, input - read)
  const longWritten = rates.cacheWrite1h === undefined ? 0 : within(usage.cacheWrite1hTokens, written)
  const audio = rates.inputAudio === undefined ? 0 : within(usage.inputAudioTokens, input)
  const readAudio = rates.cacheReadAudio === undefined ? 0 : readAudioTokens(usage, input, read, written, audio)
  let rest = input - read - written
  const plainAudio = Math.min(audio - readAudio, rest)
  rest -= plainAudio
  const image = rates.inputImage === undefined ? 0 : within(usage.inputImageTokens, rest)
  rest -= image
  let pusd = 0
  if (read > readAudio) pusd += (read - readAudio) * priceAt(rates.cacheRead!, input)
  if (readAudio > 0) pusd += readAudio * priceAt(rates.cacheReadAudio!, input)
  if (written > longWritten) pusd += (written - longWritten) * priceAt(rates.cacheWrite!, input)
  if (longWritten > 0) pusd += longWritten * priceAt(rates.cacheWrite1h!, input)
  if (plainAudio > 0) pusd += plainAudio * priceAt(rates.inputAudio!, input)
  if (image > 0) pusd += image * priceAt(rates.inputImage!, input)
  if (rest > 0 && rates.input !== undefined) pusd += rest * priceAt(rates.input, input)
  return pusd
}

/** Audio read from a cache: as stated, and at least what cannot be anything else. */
function readAudioTokens(usage: Usage, input: number, read: number, written: number, audio: number): number {
  const both = Math.min(read, audio)
  return Math.min(Math.max(usage.cacheReadAudioTokens || 0, read + written + audio - input), both)
}

/** Picodollars. */
function outputCost(rates: Rates, usage: Usage): number {
  const output = usage.outputTokens || 0
  const input = usage.inputTokens || 0
  const reasoning = rates.reasoning === undefined ? 0 : within(usage.reasoningTokens, output)
  const audio = rates.outputAudio === undefined ? 0 : within(usage.outputAudioTokens, output - reasoning)
  const image = rates.outputImage === undefined ? 0 : within(usage.outputImageTokens, output - reasoning - audio)
  const rest = output - reasoning - audio - image
  let pusd = 0
  if (reasoning > 0) pusd += reasoning * priceAt(rates.reasoning!, input)
  if (audio > 0) pusd += audio * priceAt(rates.outputAudio!, input)
  if (image > 0) pusd += image * priceAt(rates.outputImage!, input)
  if (rest > 0 && rates.output !== undefined) pusd += rest * priceAt(rates.output, input)
  return pusd
}

/** Picodollars. */
function searchCost(rates: Rates, usage: Usage): number {
  return usage.webSearches > 0 ? rates.webSearch_pusd * usage.webSearches : 0
}

/** `tokens` if they are known, and no more of them than there are. */
function within(tokens: number, whole: number): number {
  return Math.max(0, Math.min(tokens || 0, whole))
}

function priceAt(rate: Rate, input: number): number {
  let pusd = rate.base_pusd
  for (let at = 0; at < rate.tiers.length; at++) if (input > rate.tiers[at]!.above) pusd = rate.tiers[at]!.pusd
  return pusd
}
