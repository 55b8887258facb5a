/**
 * `service.steps`: how long reports of what an application did wait for each other, and how many. Connectors have the
 * same keys, from before there was one place for them; where both are written they have to be equal.
 */
import { z } from 'zod'
import type { ComponentConfig } from '../component_config.ts'
import type { Path } from '../problem.ts'
import type { Place } from '../text/source.ts'
import { describeNode, type Node, nodeAt, type ReportFinding, valuePlace } from '../text/tree.ts'
import { duration } from './blocks.ts'

/** The keys and their meaning, for `service.steps` and for connectors that wait for calls. */
export const stepKeys = {
  settle_after: duration()
    .prefault('5s')
    .describe(
      'A call is counted and told this long after the last report of its trace came, when its relatives are there.',
    ),
  settle_max: duration()
    .prefault('30s')
    .describe('And at the latest this long after the first; not less than settle_after.'),
  calls_max: z
    .int()
    .min(1)
    .default(200_000)
    .describe(
      'Model calls that wait for their trace to settle, where a sixteenth of the memory limit holds so many; over it the longest waiting settle early.',
    ),
  duplicates_window: z
    .int()
    .min(1000)
    .default(1_000_000)
    .describe(
      'A span or log record that comes again within so many model calls is a duplicate, and does not count again; within fewer where a sixteenth of the memory limit does not hold so many.',
    ),
}

export const stepsSchema = z
  .strictObject(stepKeys)
  .prefault({})
  .describe('How long reports of one call wait for each other, and how many; for all connectors that take calls.')

export type StepsSettings = z.output<typeof stepsSchema>
type Key = keyof StepsSettings

const KEYS = Object.keys(stepKeys) as Key[]

/**
 * The connectors with one value for each key: what is written somewhere, else the default. Unequal values are reported,
 * and a `settle_max` that is shorter than `settle_after`.
 */
export function withSteps(
  tree: Node,
  steps: StepsSettings,
  connectors: ReadonlyMap<string, ComponentConfig>,
  report: ReportFinding,
): ReadonlyMap<string, ComponentConfig> {
  const taking = [...connectors.values()].filter(({ factory }) => factory.kind === 'connector' && factory.takesSteps)
  const settled = { ...steps }
  const written = new Map<Key, Path>()
  for (const key of KEYS) {
    const inService = ['service', 'steps', key]
    if (nodeAt(tree, inService) !== undefined) written.set(key, inService)
    for (const { id, config } of taking) {
      const path = ['connectors', id, key]
      if (nodeAt(tree, path) === undefined) continue
      const value = (config as StepsSettings)[key]
      const first = written.get(key)
      if (first === undefined) {
        settled[key] = value
        written.set(key, path)
      } else if (value !== settled[key]) reportUnequal(tree, path, first, report)
    }
  }
  if (settled.settle_after > settled.settle_max) reportOrder(tree, settled, written, report)
  return new Map(
    [...connectors].map(([id, component]) => [
      id,
      taking.includes(component)
        ? { ...component, config: { ...(component.config as object), ...settled }, steps: settled }
        : component,
    ]),
  )
}

function reportUnequal(tree: Node, path: Path, first: Path, report: ReportFinding): void {
  report({
    place: placeIn(tree, path),
    path,
    message: `found another value than \`${first.join('::')}\` has, expected the same: all connectors are told of the same calls`,
    advice: `write it once, as service.steps.${path.at(-1)}`,
  })
}

/** The defaults are in order, so one of the two is written. */
function reportOrder(tree: Node, steps: StepsSettings, written: ReadonlyMap<Key, Path>, report: ReportFinding): void {
  const path = written.get('settle_max') ?? written.get('settle_after')!
  const expected =
    path.at(-1) === 'settle_max'
      ? `at least settle_after (${steps.settle_after}ms)`
      : `at most settle_max (${steps.settle_max}ms)`
  report({
    place: placeIn(tree, path),
    path,
    message: `found ${describeNode(nodeAt(tree, path), true)}, expected ${expected}`,
    advice: 'settle_after counts from the last report of a trace, settle_max from the first: set both',
  })
}

function placeIn(tree: Node, [section, ...path]: Path): Place {
  return valuePlace((tree as Extract<Node, { kind: 'map' }>).entries.get(String(section))!, path)
}
