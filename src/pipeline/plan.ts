/**
 * What is to run: the parsed config as the graph needs it, and the checks that need the whole of it.
 */
import type { Factory, Signal } from '../component.ts'
import type { ParsedConfig } from '../config/parse.ts'

export interface ComponentPlan {
  readonly kind: Factory['kind']
  /** `type` or `type/name`, as written. */
  readonly id: string
  readonly factory: Factory
  /** Parsed by the factory's schema. */
  readonly config: unknown
  /** What it was parsed from. */
  readonly input?: unknown
  /** What of `service.steps` is in `config`. */
  readonly steps?: unknown
}

export interface PipelinePlan {
  /** `traces`, `traces/in`. */
  readonly id: string
  readonly signal: Signal
  readonly receivers: readonly string[]
  readonly processors: readonly string[]
  readonly exporters: readonly string[]
}

export interface Plan {
  readonly components: readonly ComponentPlan[]
  readonly pipelines: readonly PipelinePlan[]
  readonly extensions: readonly string[]
}

/** The part of a config that the graph is built from. */
export function planOf(config: ParsedConfig): Plan {
  const { receivers, processors, exporters, connectors, extensions, service } = config
  return {
    components: [receivers, processors, exporters, connectors, extensions].flatMap((section) => [...section.values()]),
    pipelines: [...service.pipelines.values()],
    extensions: service.extensions,
  }
}

/** The component of one of those kinds with that id; the config's checks have made sure that it is there. */
export function componentOf(plan: Plan, id: string, ...kinds: readonly Factory['kind'][]): ComponentPlan {
  const found = plan.components.find((component) => component.id === id && kinds.includes(component.kind))
  if (found === undefined) throw new Error(`no ${kinds.join(' or ')} ${id}`)
  return found
}

/** Ids of the connectors whose metrics come to the exporter, also through connectors that pass on what they get. */
export function makersFor(plan: Plan, exporter: string): string[] {
  const found = new Set<string>()
  const seen = new Set<string>()
  const follow = (end: string): void => {
    if (seen.has(end)) return
    seen.add(end)
    for (const { signal, exporters, receivers } of plan.pipelines) {
      if (signal !== 'metrics' || !exporters.includes(end)) continue
      for (const { id, factory } of plan.components.filter((one) => receivers.includes(one.id))) {
        if (factory.kind !== 'connector') continue
        if (factory.passesItems) follow(id)
        else found.add(id)
      }
    }
  }
  follow(exporter)
  return [...found]
}

/** A pipeline that hands raw content to something that writes it down or sends it. */
export interface RawPath {
  readonly pipeline: string
  /** Id of the exporter or connector, or of the processor that keeps its items in a storage. */
  readonly exporter: string
  /** The way from a receiver, for the message. */
  readonly path: readonly string[]
}

/**
 * Every way on which content reaches an exporter, a connector that makes labels or records of it, or a storage,
 * without having passed a processor that redacts. Exporters that discard everything do not count;
 * `allow_raw_content: true` allows it. What a connector makes of raw content that it is allowed to have is raw too.
 */
export function rawPaths(plan: Plan): RawPath[] {
  const found: RawPath[] = []
  const seen = new Set<string>()
  const follow = (pipeline: PipelinePlan, path: readonly string[]): void => {
    if (seen.has(pipeline.id)) return
    seen.add(pipeline.id)
    const report = (id: string) =>
      found.push({ pipeline: pipeline.id, exporter: id, path: [...path, `pipeline ${pipeline.id}`, id] })
    for (const id of pipeline.processors) {
      if (redacts(plan, id)) return
      const processor = componentOf(plan, id, 'processor')
      if (stores(processor) && !allowsRaw(processor)) report(id)
    }
    for (const id of pipeline.exporters) {
      const component = componentOf(plan, id, 'exporter', 'connector')
      const passes = component.factory.kind === 'connector' && component.factory.passesItems
      if (!passes && !allowsRaw(component)) report(id)
      else if (component.kind === 'connector') {
        const here = [...path, `pipeline ${pipeline.id}`, id]
        for (const next of plan.pipelines) if (next.receivers.includes(id)) follow(next, here)
      }
    }
  }
  for (const pipeline of plan.pipelines) {
    const receiver = pipeline.receivers.find((id) => isReceiver(plan, id))
    if (receiver !== undefined) follow(pipeline, [receiver])
  }
  return found
}

/** Does any pipeline of the plan redact? */
export function hasRedaction(plan: Plan): boolean {
  return plan.pipelines.some((pipeline) => pipeline.processors.some((id) => redacts(plan, id)))
}

function redacts(plan: Plan, id: string): boolean {
  const { factory, config } = componentOf(plan, id, 'processor')
  if (factory.kind !== 'processor') return false
  return typeof factory.redacts === 'function' ? factory.redacts(config) : factory.redacts === true
}

function allowsRaw(component: ComponentPlan): boolean {
  if (component.factory.kind === 'exporter' && component.factory.discards === true) return true
  return (component.config as { allow_raw_content?: boolean } | null)?.allow_raw_content === true
}

function stores(component: ComponentPlan): boolean {
  return (component.config as { storage?: string } | null)?.storage !== undefined
}

function isReceiver(plan: Plan, id: string): boolean {
  return plan.components.some((component) => component.kind === 'receiver' && component.id === id)
}
