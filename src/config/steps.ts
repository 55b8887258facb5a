/**
 * `service.steps`: how long reports of what an application did wait for each other, and how many. Connectors have the
 * same keys, from before there was one place for them; where both are written they have to be equal.
 */
import { z } from 'zod'
import { duration } from './blocks.ts'
import type { ComponentConfig } from './parse.ts'
import { childOf, type Entry, type Node, nodeAt, type Report, valuePlace } from './tree.ts'

/** The keys and their meaning, for `service.steps` and for connectors that wait for calls. */
export const stepKeys = {
  settle_after: duration()
    .prefault('5s')
    .describe(
      'A call is counted and told this long after the last report of its trace came, when its relatives are there.',
    ),
  settle_max: duration().prefault('30s').describe('And at the latest this long after the first.'),
  calls_max: z
    .int()
    .min(1)
    .default(200_000)
    .describe('Model calls that wait for their trace to settle; over it the longest waiting settle early.'),
  duplicates_window: z
    .int()
    .min(1000)
    .default(1_000_000)
    .describe(
      'A span or log record that comes again within so many model calls is a duplicate, and does not count again.',
    ),
}

export const stepsSchema = z
  .strictObject(stepKeys)
  .prefault({})
  .describe('How long reports of one call wait for each other, and how many; for all connectors that take calls.')

export type Steps = z.output<typeof stepsSchema>
type Key = keyof Steps

const KEYS = Object.keys(stepKeys) as Key[]

/** The connectors with one value for each key: what is written somewhere, else the default. Unequal values are reported. */
export function withSteps(
  tree: Node,
  steps: Steps,
  connectors: ReadonlyMap<string, ComponentConfig>,
  report: Report,
): ReadonlyMap<string, ComponentConfig> {
  const taking = [...connectors.values()].filter(({ factory }) => factory.kind === 'connector' && factory.takesSteps)
  const settled = { ...steps }
  for (const key of KEYS) {
    const path = ['service', 'steps', key]
    let first = nodeAt(tree, path) === undefined ? undefined : path.join('::')
    for (const { id, config } of taking) {
      if (childOf(nodeAt(tree, ['connectors', id]), key) === undefined) continue
      const value = (config as Steps)[key]
      if (first === undefined) settled[key] = value
      else if (value !== settled[key]) reportUnequal(tree, id, key, first, report)
      first ??= `connectors::${id}::${key}`
    }
  }
  return new Map(
    [...connectors].map(([id, component]) => [
      id,
      taking.includes(component)
        ? { ...component, config: { ...(component.config as object), ...settled }, steps: settled }
        : component,
    ]),
  )
}

function reportUnequal(tree: Node, id: string, key: Key, first: string, report: Report): void {
  const root = (tree as Extract<Node, { kind: 'map' }>).entries.get('connectors') as Entry
  report({
    place: valuePlace(root, [id, key]),
    path: ['connectors', id, key],
    message: `found another value than \`${first}\` has, expected the same: all connectors are told of the same calls`,
    advice: `write it once, as service.steps.${key}`,
  })
}
