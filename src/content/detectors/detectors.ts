import type { Detector } from './detector.ts'
import { email } from './email.ts'
import { encoded } from './encoded.ts'
import { ipv6 } from './ipv6.ts'
import { creditCard } from './numbers/credit_card.ts'
import { iban } from './numbers/iban.ts'
import { ipv4 } from './numbers/ipv4.ts'
import { type NumberRule, numbers } from './numbers/numbers.ts'
import { phone } from './numbers/phone.ts'
import { ssn } from './numbers/ssn.ts'
import { apiKey } from './secrets/api_key.ts'
import { assignment } from './secrets/assignment.ts'
import { infixKey } from './secrets/infix_key.ts'
import { jwt } from './secrets/jwt.ts'
import { password } from './secrets/password.ts'
import { privateKey } from './secrets/private_key.ts'
import { type TokenRule, tokens } from './secrets/tokens.ts'
import { urlCredential } from './secrets/url_credential.ts'

/** Whose numbers are recognised without a calling code, where nothing else is said. */
export const PHONE_REGIONS: readonly string[] =
  'US CA GB IE DE AT CH FR BE NL LU ES PT IT DK SE NO FI PL CZ HU GR RO TR IL AU NZ IN SG JP CN BR MX ZA'.split(' ')

/** Rules that look at groups of digits; they share one pass. */
function numberRules(regions: readonly string[]): readonly NumberRule[] {
  return [creditCard, iban, ssn, ipv4, phone(regions)]
}

/** Rules that look at long runs of letters and digits; they share one pass, and the first that finds something ends it for its run. */
const tokenRules: readonly TokenRule[] = [jwt, apiKey, infixKey, assignment]

/** Detectors with a search of their own. */
const searches: readonly Detector[] = [privateKey, urlCredential, email, password, ipv6]

/** How often text may have been encoded in base64 so that it is still found. */
const DEPTH_MAX = 2

/** All built-in detectors. Among findings of equal length, the kind of the earlier detector is reported. */
export const detectors: readonly Detector[] = selectDetectors(() => true)

/** The built-in detectors of those kinds that are wanted. `regions`: ISO 3166 codes, for phone numbers without a calling code. */
export function selectDetectors(
  wants: (kind: string) => boolean,
  regions: readonly string[] = PHONE_REGIONS,
): readonly Detector[] {
  let selected = select(wants, regions, [])
  for (let depth = 0; depth < DEPTH_MAX && selected.length > 0; depth++) selected = select(wants, regions, selected)
  return selected
}

/** `inner`: what looks at decoded text. */
function select(wants: (kind: string) => boolean, regions: readonly string[], inner: readonly Detector[]): Detector[] {
  const numbersWanted = numberRules(regions).filter((rule) => wants(rule.kind))
  const tokensWanted = tokenRules.filter((rule) => wants(rule.kind))
  if (inner.length > 0) tokensWanted.push(encoded(inner))
  return [
    ...searches.filter((detector) => detector.kinds.some(wants)),
    ...(tokensWanted.length > 0 ? [tokens(tokensWanted)] : []),
    ...(numbersWanted.length > 0 ? [numbers(numbersWanted)] : []),
  ]
}
