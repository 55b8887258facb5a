/** What a reload has to touch: two parsed configs, component by component. */
import { isDeepStrictEqual } from 'node:util'
import type { ComponentConfig } from './component_config.ts'
import { type Kind, SECTIONS } from './declared.ts'
import type { ParsedConfig } from './parse.ts'
import { digestsIn } from './schema/file_content.ts'

export type Change = 'unchanged' | 'changed' | 'added' | 'removed'

/** The fate of one component. `before` and `after` are undefined where it does not exist. */
export interface ComponentChange {
  readonly kind: Kind
  readonly id: string
  readonly change: Change
  readonly before: ComponentConfig | undefined
  readonly after: ComponentConfig | undefined
}

export interface ConfigChanges {
  readonly components: readonly ComponentChange[]
  /** By pipeline id: another order or other members is `changed`. */
  readonly pipelines: ReadonlyMap<string, Change>
  /** True if the rest of `service` differs: extensions that run, telemetry and the like. */
  readonly service: boolean
}

/** Compares what components would be built with, so that writing out a default is no change. */
export function compareConfigs(before: ParsedConfig, after: ParsedConfig): ConfigChanges {
  const components = SECTIONS.flatMap(([section, kind]) =>
    compareMaps(before[section], after[section], sameConfig).map(([id, change]) => {
      return { kind, id, change, before: before[section].get(id), after: after[section].get(id) }
    }),
  )
  const pipelines = new Map(compareMaps(before.service.pipelines, after.service.pipelines, isDeepStrictEqual))
  return { components, pipelines, service: !isDeepStrictEqual(rest(before), rest(after)) }
}

function compareMaps<T>(before: ReadonlyMap<string, T>, after: ReadonlyMap<string, T>, same: (a: T, b: T) => boolean) {
  const changes: [id: string, change: Change][] = []
  for (const [id, value] of after) {
    const old = before.get(id)
    changes.push([id, old === undefined ? 'added' : same(old, value) ? 'unchanged' : 'changed'])
  }
  for (const id of before.keys()) if (!after.has(id)) changes.push([id, 'removed'])
  return changes
}

/**
 * Would the two be built alike? A default that was written out is no change; and since a parsed config may hold
 * functions, which equal only themselves, neither is what was written alike, unless a file that it names has changed.
 */
export function sameConfig(one: Comparable, other: Comparable): boolean {
  if (one.factory !== other.factory) return false
  if (isDeepStrictEqual(one.config, other.config)) return true
  return (
    one.input !== undefined &&
    isDeepStrictEqual(one.input, other.input) &&
    isDeepStrictEqual(one.steps, other.steps) &&
    isDeepStrictEqual(one.contentKeys, other.contentKeys) &&
    isDeepStrictEqual(digestsIn(one.config), digestsIn(other.config))
  )
}

type Comparable = Pick<ComponentConfig, 'factory' | 'config'> &
  Partial<Record<'input' | 'steps' | 'contentKeys', unknown>>

function rest({ service: { pipelines: _, input: __, ...rest } }: ParsedConfig) {
  return rest
}

const FIXED = ['data_directory', 'shards'] as const

/** Keys of `service` that a running daemon cannot change, and that differ. */
export function fixedKeys(before: ParsedConfig['service'], after: ParsedConfig['service']): string[] {
  return FIXED.filter((key) => before[key] !== after[key]).map((key) => `service.${key}`)
}
