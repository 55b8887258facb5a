import type { Signal } from '../../component.ts'
import { type Criteria, Matcher } from '../../items/match.ts'
import type { MatchConfig } from './config.ts'

/** What can be asked of the items of each signal, besides the resource's and the scope's criteria. */
const own: Readonly<Record<Signal, readonly (keyof MatchConfig)[]>> = {
  traces: ['span_names', 'span_kinds', 'attributes'],
  logs: ['log_bodies', 'log_severity_texts', 'log_severity_number', 'attributes'],
  metrics: ['metric_names'],
}
const shared: readonly (keyof MatchConfig)[] = ['match_type', 'services', 'resources', 'libraries']

/** Throws an Error, which names the processor by its id, if a criterion makes no sense in a pipeline of that signal. */
export function matcherOf(
  id: string,
  signal: Signal,
  which: 'include' | 'exclude',
  match: MatchConfig | undefined,
): Matcher | undefined {
  if (match === undefined) return undefined
  const given = Object.keys(match).filter(
    (key) => match[key as keyof MatchConfig] !== undefined,
  ) as (keyof MatchConfig)[]
  const foreign = given.filter((key) => !shared.includes(key) && !own[signal].includes(key))
  if (foreign.length > 0) {
    const expected = [...shared.slice(1), ...own[signal]].join(', ')
    throw new Error(
      `${id}: ${which} has ${foreign.join(' and ')}, which cannot be asked in a ${signal} pipeline (only ${expected}): use another attributes processor there`,
    )
  }
  return new Matcher(signal, criteriaOf(match))
}

function criteriaOf(match: MatchConfig): Criteria {
  return {
    services: match.services,
    resources: match.resources,
    libraries: match.libraries,
    names: match.span_names ?? match.metric_names,
    kinds: match.span_kinds,
    bodies: match.log_bodies,
    severity_texts: match.log_severity_texts,
    severity_number: match.log_severity_number,
    attributes: match.attributes,
  }
}
