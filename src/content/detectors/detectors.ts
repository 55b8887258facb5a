import { apiKey } from './api_key.ts'
import { assignment } from './assignment.ts'
import { creditCard } from './credit_card.ts'
import type { Detector } from './detector.ts'
import { email } from './email.ts'
import { infixKey } from './infix_key.ts'
import { jwt } from './jwt.ts'
import { type NumberRule, numbers } from './numbers.ts'
import { password } from './password.ts'
import { privateKey } from './private_key.ts'
import { type TokenRule, tokens } from './tokens.ts'
import { urlCredential } from './url_credential.ts'

/** Rules that look at groups of digits; they share one pass. */
const numberRules: readonly NumberRule[] = [creditCard]

/** Rules that look at long runs of letters and digits; they share one pass, and the first that finds something ends it for its run. */
const tokenRules: readonly TokenRule[] = [jwt, apiKey, infixKey, assignment]

/** Detectors with a search of their own. */
const searches: readonly Detector[] = [privateKey, urlCredential, email, password]

/** All built-in detectors. Among findings of equal length, the kind of the earlier detector is reported. */
export const detectors: readonly Detector[] = selectDetectors(() => true)

/** The built-in detectors of those kinds that are wanted. */
export function selectDetectors(wants: (kind: string) => boolean): readonly Detector[] {
  const numbersWanted = numberRules.filter((rule) => wants(rule.kind))
  const tokensWanted = tokenRules.filter((rule) => wants(rule.kind))
  return [
    ...searches.filter((detector) => detector.kinds.some(wants)),
    ...(tokensWanted.length > 0 ? [tokens(tokensWanted)] : []),
    ...(numbersWanted.length > 0 ? [numbers(numbersWanted)] : []),
  ]
}
