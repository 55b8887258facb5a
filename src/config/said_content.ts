/** What components say of attributes that hold content, handed to those that treat content. */
import type { ContentNames } from '../component.ts'
import type { ComponentConfig } from './component_config.ts'

type Components = ReadonlyMap<string, ComponentConfig>

/** The processors; those that take content keys have in their config what all of them say, in `content_keys`. */
export function withContentKeys(processors: Components): Components {
  const said: ContentNames[] = []
  for (const { factory, config } of processors.values())
    if (factory.kind === 'processor' && factory.contentKeys !== undefined) said.push(factory.contentKeys(config))
  if (said.length === 0) return processors
  const content_keys = joined(said)
  return new Map(
    [...processors].map(([id, component]) => {
      const { factory } = component
      if (factory.kind !== 'processor' || factory.takesContentKeys !== true) return [id, component]
      return [
        id,
        { ...component, config: { ...(component.config as object), content_keys }, contentKeys: content_keys },
      ]
    }),
  )
}

/** All names of each group, each once. */
function joined(said: readonly ContentNames[]): ContentNames {
  const found: Record<string, string[]> = {}
  for (const names of said)
    for (const [group, those = []] of Object.entries(names))
      found[group] = [...new Set([...(found[group] ?? []), ...those])]
  return found
}
