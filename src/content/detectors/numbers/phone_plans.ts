/** Which phone numbers there are, from the numbering plans of libphonenumber. Its parser is not used: it is slow on text. */
import metadata from 'libphonenumber-js/min/metadata'

/** A row of the metadata, format 4: calling code, dial-out prefix, pattern of national numbers, their lengths, formats, national prefix. */
type Plan = readonly [
  code: string,
  out: string,
  pattern: string,
  lengths: readonly number[],
  formats: unknown,
  prefix?: unknown,
]

const countries = metadata.countries as unknown as Readonly<Record<string, Plan>>

/** ISO 3166 codes of the regions that have a numbering plan. */
export const phoneRegions: readonly string[] = Object.keys(countries).sort()

/** Whether digits that begin with a calling code have a length that its countries use. */
export function isPossible(digits: string): boolean {
  return codeOf(digits, (code, length) => (lengthsByCode.get(code)! & (1 << length)) !== 0)
}

/** Whether digits that begin with a calling code fit the pattern of one of its countries. */
export function isInternational(digits: string): boolean {
  return codeOf(digits, (code) => {
    const national = digits.slice(code.length)
    return (countriesByCode[code] ?? []).some((country) => patternOf(country).test(national))
  })
}

/** Whether digits as they are dialled within one of the regions fit its plan, with or without its national prefix. */
export function isNational(digits: string, regions: readonly string[]): boolean {
  return regions.some((region) => {
    const prefix = countries[region]?.[5]
    const pattern = patternOf(region)
    if (typeof prefix === 'string' && digits.startsWith(prefix) && pattern.test(digits.slice(prefix.length)))
      return true
    return pattern.test(digits)
  })
}

/** Asks for the calling code that the digits begin with: no code begins with another one. */
function codeOf(digits: string, accepts: (code: string, length: number) => boolean): boolean {
  for (let size = 1; size <= 3; size++) {
    const code = digits.slice(0, size)
    if (lengthsByCode.has(code)) return accepts(code, digits.length - size)
  }
  return false
}

const lengthsByCode = new Map<string, number>()
const countriesByCode = metadata.country_calling_codes as Readonly<Record<string, readonly string[]>>
for (const plans of [countries, metadata.nonGeographic as unknown as typeof countries]) {
  for (const [code, , , lengths] of Object.values(plans)) {
    lengthsByCode.set(
      code,
      lengths.reduce((mask, length) => mask | (1 << length), lengthsByCode.get(code) ?? 0),
    )
  }
}

const patterns = new Map<string, RegExp>()

function patternOf(country: string): RegExp {
  const known = patterns.get(country)
  if (known !== undefined) return known
  const made = new RegExp(`^(?:${countries[country]?.[2] ?? '(?!)'})$`)
  patterns.set(country, made)
  return made
}
