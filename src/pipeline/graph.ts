/**
 * Components joined to pipelines, built from the exporters back: the order of creation is the order of start.
 *
 * A reload builds a second graph that adopts the instances of the first that are unchanged. Nothing flows differently
 * until `activate`, which points all switches at the new ways at once.
 */
import type { Component, Connector, Consumer, Factory, Host, Ports, Processor, Signal } from '../component.ts'
import type { Branch } from './branch.ts'
import type { CopyRoom } from './copies.ts'
import { Edge, FanOut, Split, Switch, Way } from './edge.ts'
import { Gate } from './gate.ts'
import type { Ledger } from './ledger.ts'
import { type ComponentPlan, componentOf, makersFor, type PipelinePlan, type Plan } from './plan.ts'
import type { PolicyOf } from './policy_of.ts'
import type { RedactionMarks } from './redaction_marks.ts'

/** What starts and stops with a graph. */
export interface Part {
  /** `exporter/debug`, `processor/batch @ traces/in`; a branch's has its arrow. */
  readonly key: string
  readonly component: Component
  /** A branch has none. */
  readonly plan?: ComponentPlan
}

/** A component that exists: created, perhaps started. */
export interface Instance extends Part {
  readonly plan: ComponentPlan
  /** What it was given as next, by signal. */
  readonly nexts: ReadonlyMap<Signal, Switch<Signal>>
}

export interface Surroundings {
  readonly ledger: Ledger
  readonly marks: RedactionMarks
  /** For what branches hold. */
  readonly room: CopyRoom
  /** The branch of that name, the same on each call: it outlives reloads, as its account does. */
  branch(name: string, signal: Signal): Branch<Signal>
  hostOf(kind: Factory['kind'], id: string, pipeline?: string): Host
  /** An instance of an earlier graph that may serve as this one: same key, same configuration. */
  adopt?(key: string, plan: ComponentPlan): Instance | undefined
  /** Told of each instance as soon as it exists. */
  created?(instance: Instance): void
}

/** A component cannot be made of its config: a file that is missing, say. The message begins with the component's key. */
export class BuildError extends Error {
  override readonly name = 'BuildError'
}

type AnyConsumer = Consumer<Signal>

export class Graph {
  readonly plan: Plan
  readonly instances: readonly Instance[]
  /** Instances and branches in start order: extensions, then downstream first, receivers last. */
  readonly parts: readonly Part[]
  readonly #switches: readonly (() => void)[]
  readonly #ways: readonly Way<Signal>[]
  readonly #marks: RedactionMarks

  constructor(parts: {
    plan: Plan
    marks: RedactionMarks
    parts: readonly Part[]
    switches: readonly (() => void)[]
    ways: readonly Way<Signal>[]
  }) {
    this.plan = parts.plan
    this.parts = parts.parts
    this.instances = parts.parts.filter((part): part is Instance => part.plan !== undefined)
    this.#switches = parts.switches
    this.#ways = parts.ways
    this.#marks = parts.marks
  }

  /** Lets batches flow on the ways of this graph, and judges by its redactions what is held from now on. */
  activate(): void {
    this.#marks.take(this.plan, this.instances)
    for (const point of this.#switches) point()
  }

  /** Resolves when no batch is under way on the ways of this graph. */
  async idle(): Promise<void> {
    await Promise.all(this.#ways.map((way) => way.idle()))
  }
}

/** Creates what cannot be adopted. Throws a BuildError, also if connectors feed each other in a circle. */
export function buildGraph(plan: Plan, surroundings: Surroundings): Graph {
  return new Builder(plan, surroundings).build()
}

class Builder {
  readonly #plan: Plan
  readonly #around: Surroundings
  readonly #instances = new Map<string, Instance>()
  readonly #entries = new Map<string, AnyConsumer>()
  readonly #underWay: string[] = []
  readonly #parts: Part[] = []
  readonly #switches: (() => void)[] = []
  readonly #ways: Way<Signal>[] = []

  constructor(plan: Plan, surroundings: Surroundings) {
    this.#plan = plan
    this.#around = surroundings
  }

  build(): Graph {
    for (const id of this.#plan.extensions) {
      const plan = componentOf(this.#plan, id, 'extension')
      this.#obtain(`extension/${id}`, plan, [], () => {
        if (plan.factory.kind !== 'extension') throw new TypeError(`${id} is no extension`)
        return plan.factory.create(plan.config, this.#around.hostOf('extension', id))
      })
    }
    for (const pipeline of this.#plan.pipelines) this.#entry(pipeline)
    const receivers = this.#plan.pipelines.flatMap((pipeline) => pipeline.receivers)
    for (const id of new Set(receivers.filter((id) => this.#isReceiver(id)))) this.#receiver(id)
    return new Graph({
      plan: this.#plan,
      marks: this.#around.marks,
      parts: this.#parts,
      switches: this.#switches,
      ways: this.#ways,
    })
  }

  /** The first consumer of a pipeline; everything behind it is built on the first call. */
  #entry(pipeline: PipelinePlan): AnyConsumer {
    const known = this.#entries.get(pipeline.id)
    if (known !== undefined) return known
    if (this.#underWay.includes(pipeline.id)) {
      throw new BuildError(`pipelines feed each other in a circle: ${[...this.#underWay, pipeline.id].join(' → ')}`)
    }
    this.#underWay.push(pipeline.id)
    let next = this.#end(pipeline)
    for (const id of pipeline.processors.toReversed()) next = this.#processor(id, pipeline, next)
    this.#underWay.pop()
    this.#entries.set(pipeline.id, next)
    return next
  }

  /** The exporters and connectors at the end of a pipeline, as one consumer. */
  #end(pipeline: PipelinePlan): AnyConsumer {
    const ends = pipeline.exporters.map((id) => {
      const plan = componentOf(this.#plan, id, 'exporter', 'connector')
      const inputs = plan.kind === 'exporter' ? this.#exporter(plan) : this.#connector(plan)
      const input = inputs[pipeline.signal] as AnyConsumer | undefined
      if (input === undefined) throw new BuildError(`${id} takes no ${pipeline.signal}`)
      const looked = pipeline.signal === 'metrics' ? this.#lookedThrough(plan, input) : input
      return { plan, input: new Gate(looked, this.#around.marks.unmarked) }
    })
    if (ends.length === 1) return ends[0]!.input
    const branches = ends.map(({ plan, input }) => ({
      counts: countsOnly(plan),
      branch: this.#branch(`${pipeline.id} → ${plan.kind}/${plan.id}`, pipeline.signal, input),
    }))
    return new FanOut(this.#split(branches))
  }

  /** Before an exporter stand the connectors that look through what comes to it beside their own. They are made after it. */
  #lookedThrough({ kind, id }: ComponentPlan, input: Consumer<'metrics'>): Consumer<'metrics'> {
    const makers = kind === 'exporter' ? makersFor(this.#plan, id) : []
    if (makers.length === 0) return input
    const first = new Switch<'metrics'>(input)
    this.#switches.push(() => {
      const connectors = makers.map((maker) => this.#instances.get(`connector/${maker}`)?.component as Connector)
      first.point(connectors.reduce((next, connector) => connector?.beside?.(next) ?? next, input))
    })
    return first
  }

  #exporter(plan: ComponentPlan): Ports {
    const instance = this.#obtain(`exporter/${plan.id}`, plan, [], () => {
      if (plan.factory.kind !== 'exporter') throw new TypeError(`${plan.id} is no exporter`)
      return plan.factory.create(plan.config, this.#around.hostOf('exporter', plan.id))
    })
    return (instance.component as unknown as { inputs: Ports }).inputs
  }

  #connector(plan: ComponentPlan): Ports {
    const nexts = this.#nextsOf(plan.id, `connector/${plan.id}`)
    const instance = this.#obtain(`connector/${plan.id}`, plan, nexts, (ports) => {
      if (plan.factory.kind !== 'connector') throw new TypeError(`${plan.id} is no connector`)
      return plan.factory.create(plan.config, this.#around.hostOf('connector', plan.id), ports)
    })
    return (instance.component as unknown as { inputs: Ports }).inputs
  }

  #receiver(id: string): void {
    const plan = componentOf(this.#plan, id, 'receiver')
    this.#obtain(`receiver/${id}`, plan, this.#nextsOf(id, `receiver/${id}`), (ports) => {
      if (plan.factory.kind !== 'receiver') throw new TypeError(`${id} is no receiver`)
      return plan.factory.create(plan.config, this.#around.hostOf('receiver', id), ports)
    })
  }

  #processor(id: string, pipeline: PipelinePlan, next: AnyConsumer): AnyConsumer {
    const plan = componentOf(this.#plan, id, 'processor')
    const key = `processor/${id} @ ${pipeline.id}`
    const instance = this.#obtain(key, plan, [[pipeline.signal, next]], (ports) => {
      if (plan.factory.kind !== 'processor') throw new TypeError(`${id} is no processor`)
      const host = this.#around.hostOf('processor', id, pipeline.id)
      return plan.factory.create(plan.config, host, pipeline.signal, ports[pipeline.signal] as AnyConsumer)
    })
    return instance.component as Processor<Signal>
  }

  /** For each signal, the pipelines that take it from this receiver or connector. */
  #nextsOf(id: string, from: string): [Signal, AnyConsumer][] {
    const takers = this.#plan.pipelines.filter((pipeline) => pipeline.receivers.includes(id))
    const bySignal = Map.groupBy(takers, (pipeline) => pipeline.signal)
    return [...bySignal].map(([signal, pipelines]) => {
      const nameOf = (pipeline: PipelinePlan) => `${from} → ${pipeline.id}`
      const [only, ...others] = pipelines as [PipelinePlan, ...PipelinePlan[]]
      if (others.length === 0) return [signal, this.#edge(nameOf(only), signal, this.#entry(only), only.id)]
      const branches = pipelines.map((pipeline) => ({
        // First, because it finds circles.
        branch: this.#branch(nameOf(pipeline), signal, this.#entry(pipeline), pipeline.id),
        counts: this.#counts(pipeline),
      }))
      return [signal, this.#split(branches)]
    })
  }

  /** Those that count are asked last. */
  #split(branches: readonly { readonly branch: Branch<Signal>; readonly counts: boolean }[]): Split<Signal> {
    const { first = [], last = [] } = Object.groupBy(branches, ({ counts }) => (counts ? 'last' : 'first'))
    return new Split(
      first.map(({ branch }) => branch),
      last.map(({ branch }) => branch),
      this.#around.room,
    )
  }

  /** Does something on the way of this pipeline count? Then it is asked after the pipelines in which nothing does. */
  #counts(pipeline: PipelinePlan): boolean {
    return pipeline.exporters.some((id) => {
      const plan = componentOf(this.#plan, id, 'exporter', 'connector')
      if (plan.factory.kind !== 'connector') return false
      if (plan.factory.countsOnly) return true
      const nexts = this.#plan.pipelines.filter((next) => next.receivers.includes(id))
      return nexts.some((next) => this.#counts(next))
    })
  }

  /** `pipeline`: the one into which the edge leads; a branch of a pipeline stays in its own. */
  #edge(name: string, signal: Signal, next: AnyConsumer, pipeline: string): AnyConsumer {
    return new Edge(this.#around.ledger.account(name, signal), this.#way(next), this.#policyOf(pipeline))
  }

  #branch(name: string, signal: Signal, next: AnyConsumer, pipeline?: string): Branch<Signal> {
    const branch = this.#around.branch(name, signal)
    const way = this.#way(next)
    this.#switches.push(() => branch.point(way, this.#policyOf(pipeline)))
    this.#parts.push({ key: name, component: branch })
    return branch
  }

  #policyOf(pipeline: string | undefined): PolicyOf {
    const { marks } = this.#around
    return pipeline === undefined ? (before) => before : (before) => marks.mark(pipeline, before)
  }

  #way(next: AnyConsumer): AnyConsumer {
    const way = new Way(next)
    this.#ways.push(way)
    return way
  }

  #isReceiver(id: string): boolean {
    return this.#plan.components.some((component) => component.kind === 'receiver' && component.id === id)
  }

  #obtain(
    key: string,
    plan: ComponentPlan,
    nexts: readonly (readonly [Signal, AnyConsumer])[],
    create: (ports: Record<Signal, AnyConsumer>) => Component,
  ): Instance {
    const known = this.#instances.get(key)
    if (known !== undefined) return known
    const adopted = this.#around.adopt?.(key, plan)
    const fits =
      adopted !== undefined &&
      adopted.nexts.size === nexts.length &&
      nexts.every(([signal]) => adopted.nexts.has(signal))
    const switches = fits ? adopted.nexts : new Map(nexts.map(([signal, next]) => [signal, new Switch(next)]))
    for (const [signal, next] of nexts) this.#switches.push(() => switches.get(signal)!.point(next))
    const component = fits
      ? adopted.component
      : named(key, () => create(Object.fromEntries(switches) as unknown as Record<Signal, AnyConsumer>))
    const instance: Instance = { key, plan, component, nexts: switches }
    this.#instances.set(key, instance)
    this.#parts.push(instance)
    this.#around.created?.(instance)
    return instance
  }
}

function countsOnly({ factory }: ComponentPlan): boolean {
  return factory.kind === 'connector' && factory.countsOnly
}

function named(key: string, create: () => Component): Component {
  try {
    return create()
  } catch (error) {
    throw new BuildError(`${key}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  }
}
