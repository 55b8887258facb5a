/**
 * The daemon: builds the graph of a config, starts it in order, reloads it without losing what it holds, and stops it
 * in reverse under one deadline.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Logger } from 'pino'
import type { Component, DaemonView, Extension, Factory, Host } from './component.ts'
import type { ParsedConfig } from './config/parse.ts'
import { buildGraph, type Graph, type Instance } from './pipeline/graph.ts'
import { type Balance, Ledger } from './pipeline/ledger.ts'
import { type ComponentPlan, type Plan, planOf } from './pipeline/plan.ts'
import { checkRawPaths } from './pipeline/raw_paths.ts'
import { watchLedger } from './pipeline/watch_ledger.ts'
import type { Clock } from './self/clock.ts'
import type { SelfMetrics } from './self/registry.ts'

export interface DaemonOptions {
  readonly log: Logger
  readonly clock: Clock
  readonly meter: SelfMetrics
  readonly version: string
}

type State = 'ok' | 'recoverable' | 'permanent'

export class Daemon implements DaemonView {
  readonly version: string
  readonly startedAt_ms: number
  readonly ledger = new Ledger()
  readonly #options: DaemonOptions
  #config: ParsedConfig
  #graph: Graph | undefined
  #isReady = false
  #reloading: Promise<unknown> = Promise.resolve()
  readonly #running = new Set<Component>()
  readonly #shared = new Map<string, unknown>()
  readonly #states = new Map<string, { state: State; message: string | undefined }>()

  constructor(config: ParsedConfig, options: DaemonOptions) {
    this.#config = config
    this.#options = options
    this.version = options.version
    this.startedAt_ms = options.clock.now_ms()
    watchLedger(options.meter, this.ledger)
  }

  /** Checks that the whole can be built, creates it and starts it. If a component cannot start, those started are stopped. */
  async start(): Promise<void> {
    const graph = this.#build(this.#config)
    try {
      await this.#startAll(graph.instances)
    } catch (error) {
      await this.#stopAll(graph.instances, AbortSignal.abort())
      throw error
    }
    graph.activate()
    this.#graph = graph
    this.#isReady = true
  }

  /** Builds the whole without starting it. Throws what `start` would. */
  check(): void {
    this.#build(this.#config)
  }

  ready(): boolean {
    return this.#isReady
  }

  snapshot(): { version: string; ready: boolean; pipelines: unknown; components: unknown; ledger: Balance[] } {
    return {
      version: this.version,
      ready: this.#isReady,
      pipelines: this.#graph?.plan.pipelines ?? [],
      components:
        this.#graph?.instances.map(({ key }) => ({ id: key, ...(this.#states.get(key) ?? { state: 'ok' }) })) ?? [],
      ledger: this.ledger.snapshot(),
    }
  }

  /**
   * Takes a new config. Components whose config is the same go on, others take theirs in place where they can, the rest
   * are replaced. Rejects, with the old config running on, if the new one cannot be built or started.
   */
  reload(config: ParsedConfig): Promise<void> {
    const turn = this.#reloading.then(() => this.#reload(config))
    this.#reloading = turn.catch(() => undefined)
    return turn
  }

  /** Stops in reverse order. Resolves to how many items were not handed on before the deadline. */
  async stop(): Promise<number> {
    await this.#reloading
    this.#isReady = false
    const before = shutdownDrops(this.ledger.snapshot())
    const deadline = new AbortController()
    const timer = this.#options.clock.after(this.#config.service.shutdown_timeout, () => deadline.abort())
    await this.#stopAll(this.#graph?.instances ?? [], deadline.signal)
    timer.cancel()
    const after = this.ledger.snapshot()
    return heldItems(after) + shutdownDrops(after) - before
  }

  /** The running component with that key (`receiver/otlp`), for tests. */
  component(key: string): Component | undefined {
    return this.#graph?.instances.find((instance) => instance.key === key)?.component
  }

  #build(config: ParsedConfig, adopt?: (key: string, plan: ComponentPlan) => Instance | undefined): Graph {
    const plan = planOf(config)
    checkRawPaths(plan, this.#options.log, this.#options.meter)
    return buildGraph(plan, {
      ledger: this.ledger,
      hostOf: (kind, id, pipeline) => this.#hostOf(kind, id, pipeline),
      ...(adopt && { adopt }),
    })
  }

  async #reload(config: ParsedConfig): Promise<void> {
    const old = this.#graph!
    const updated: Instance[] = []
    const adopted = await this.#adoptable(old, planOf(config), updated)
    let graph: Graph
    try {
      graph = this.#build(config, (key) => adopted.get(key))
    } catch (error) {
      for (const instance of updated) await instance.component.update?.(instance.plan.config)
      throw error
    }
    const kept = new Set(graph.instances.map((instance) => instance.component))
    const gone = old.instances.filter((instance) => !kept.has(instance.component))
    try {
      await this.#exchange(graph, gone)
    } catch (error) {
      await this.#restore(old, graph, updated)
      throw error
    }
    this.#graph = graph
    this.#config = config
  }

  /** The instances that go on under the new plan, by key. Those that took a new config in place are added to `updated`. */
  async #adoptable(old: Graph, plan: Plan, updated: Instance[]): Promise<Map<string, Instance>> {
    const adopted = new Map<string, Instance>()
    for (const instance of old.instances) {
      const next = plan.components.find((one) => one.kind === instance.plan.kind && one.id === instance.plan.id)
      if (next === undefined || next.factory !== instance.plan.factory) continue
      if (isDeepStrictEqual(next.config, instance.plan.config)) adopted.set(instance.key, instance)
      else if (await instance.component.update?.(next.config)) {
        adopted.set(instance.key, instance)
        updated.push(instance)
      }
    }
    return adopted
  }

  /** Starts what is new, lets the batches flow there, stops what is gone. */
  async #exchange(graph: Graph, gone: readonly Instance[]): Promise<void> {
    const fresh = graph.instances.filter((instance) => !this.#running.has(instance.component))
    await this.#startAll(
      fresh.filter((instance) => instance.plan.kind !== 'receiver'),
      gone,
    )
    graph.activate()
    await this.#startAll(
      fresh.filter((instance) => instance.plan.kind === 'receiver'),
      gone,
    )
    await this.#stopAll(gone, this.#deadline())
  }

  /** The new graph could not be started: what of the old one was stopped for it is created again. */
  async #restore(old: Graph, failed: Graph, updated: readonly Instance[]): Promise<void> {
    for (const instance of updated) await instance.component.update?.(instance.plan.config)
    const ours = new Set(old.instances.map((instance) => instance.component))
    const running = new Map(
      old.instances.filter(({ component }) => this.#running.has(component)).map((one) => [one.key, one]),
    )
    const graph = this.#build(this.#config, (key) => running.get(key))
    await this.#startAll(graph.instances.filter((instance) => !this.#running.has(instance.component)))
    graph.activate()
    await this.#stopAll(
      failed.instances.filter((instance) => !ours.has(instance.component)),
      this.#deadline(),
    )
    this.#graph = graph
  }

  /** Starts in order. Where the address is taken by an instance that is to go, that one goes first. */
  async #startAll(instances: readonly Instance[], gone: readonly Instance[] = []): Promise<void> {
    for (const { key, component } of instances) {
      const before = gone.find((instance) => instance.key === key && this.#running.has(instance.component))
      this.#running.add(component)
      try {
        await component.start?.()
      } catch (error) {
        if (before === undefined || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw withKey(error, key)
        await this.#stopAll([before], this.#deadline())
        await component.start?.()
      }
    }
  }

  async #stopAll(instances: readonly Instance[], deadline: AbortSignal): Promise<void> {
    for (const { key, component } of instances.toReversed()) {
      if (!this.#running.delete(component)) continue
      try {
        await Promise.race([component.shutdown?.(deadline), overdue(deadline, this.#options.clock)])
      } catch (error) {
        this.#options.log.error({ err: error, component: key }, 'a bug: a component failed to stop')
      }
    }
  }

  #deadline(): AbortSignal {
    const deadline = new AbortController()
    this.#options.clock.after(this.#config.service.shutdown_timeout, () => deadline.abort())
    return deadline.signal
  }

  #hostOf(kind: Factory['kind'], id: string, pipeline?: string): Host {
    const key = pipeline === undefined ? `${kind}/${id}` : `${kind}/${id} @ ${pipeline}`
    return {
      id,
      log: this.#options.log.child({ kind, id, ...(pipeline !== undefined && { pipeline }) }),
      clock: this.#options.clock,
      meter: this.#options.meter,
      shards: this.#config.service.shards,
      daemon: this,
      extension: (other) => this.component(`extension/${other}`) as Extension | undefined,
      shared: (name, make) => {
        if (!this.#shared.has(name)) this.#shared.set(name, make())
        return this.#shared.get(name) as ReturnType<typeof make>
      },
      status: (state, message) => void this.#states.set(key, { state, message }),
    }
  }
}

/** How long after the deadline a component that does not stop is waited for. */
const OVERDUE_MS = 1000

function overdue(deadline: AbortSignal, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const wait = (): void => void clock.after(OVERDUE_MS, resolve)
    if (deadline.aborted) wait()
    else deadline.addEventListener('abort', wait, { once: true })
  })
}

function withKey(error: unknown, key: string): Error {
  const message = error instanceof Error ? error.message : String(error)
  return Object.assign(new Error(`${key} cannot start: ${message}`, { cause: error }), {
    code: (error as NodeJS.ErrnoException).code,
  })
}

function heldItems(balances: readonly Balance[]): number {
  return balances.reduce((sum, { held }) => sum + held.in_flight + held.pending + held.queued + held.rescuable, 0)
}

function shutdownDrops(balances: readonly Balance[]): number {
  return balances.reduce((sum, { dropped }) => sum + (dropped['shutdown'] ?? 0), 0)
}
