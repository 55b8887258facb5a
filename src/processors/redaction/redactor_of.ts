import { selectDetectors } from '../../content/detectors/detectors.ts'
import { ownContentOf } from '../../content/own_content.ts'
import type { Signal } from '../../telemetry/batch.ts'
import { policiesOfGroups, policiesOfRoles, policyOfUnknown, type RedactionConfig } from './config.ts'
import { rulesOf } from './content_rules.ts'
import { Redactor } from './redactor.ts'

/** The redactor that a config describes. */
export function redactorOf<S extends Signal>(signal: S, config: RedactionConfig): Redactor<S> {
  const { content, content_keys, content_rules, detectors, phone_regions, hash_key, truncate } = config
  const wants = (kind: string) => detectors.includes(kind)
  return new Redactor(signal, {
    detectors: selectDetectors(wants, phone_regions),
    policies: policiesOfGroups(content),
    rolePolicies: policiesOfRoles(content),
    ownContent: ownContentOf(content_keys),
    guessPolicy: policyOfUnknown(content),
    ruleOf: rulesOf(content_rules),
    hashKey: hash_key,
    length_max: truncate.length,
    masksSecrets: wants('API_KEY'),
  })
}
