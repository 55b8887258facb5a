/**
 * The daemon: builds the graph of a config, starts it in order, reloads it without losing what it holds, and stops it
 * in reverse under one deadline.
 */
import type { Component, DaemonView } from './component.ts'
import { fixedKeys } from './config/compare.ts'
import type { ParsedConfig } from './config/parse.ts'
import { Adoption } from './lifecycle/adoption.ts'
import { Assembly, type DaemonOptions } from './lifecycle/assembly.ts'
import { Running } from './lifecycle/running.ts'
import type { Graph, Instance, Part } from './pipeline/graph.ts'
import type { Balance, Ledger } from './pipeline/ledger.ts'
import { planOf } from './pipeline/plan.ts'

/** How long batches on the ways of a graph that is replaced may take before what is gone is stopped. */
const SETTLE_MS = 1000

export class Daemon implements DaemonView {
  readonly version: string
  readonly startedAt_ms: number
  readonly #options: DaemonOptions
  /** Some of its keys hold for the daemon's life. */
  readonly #fixed: ParsedConfig['service']
  #config: ParsedConfig
  readonly #assembly: Assembly
  readonly #running: Running
  #graph: Graph | undefined
  /** Start and reloads, one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  #stopped: Promise<number> | undefined

  constructor(config: ParsedConfig, options: DaemonOptions) {
    this.version = options.version
    this.startedAt_ms = options.clock.now_ms()
    this.#options = options
    this.#fixed = config.service
    this.#config = config
    this.#assembly = new Assembly(config.service, () => this.#config.service, this, options)
    this.#running = new Running({ ...options, shutdown_timeout_ms: () => this.#config.service.shutdown_timeout })
  }

  get ledger(): Ledger {
    return this.#assembly.ledger
  }

  /**
   * Builds the whole and starts it. Rejects with a BuildError or RawPathError, or if a component cannot start; those
   * started are stopped then.
   */
  start(): Promise<void> {
    return this.#next(() => this.#start())
  }

  /** Builds the whole without starting it. Throws what `start` would. */
  check(): void {
    this.#assembly.build(this.#config)
  }

  ready(): boolean {
    return this.#graph !== undefined && this.#stopped === undefined
  }

  snapshot(): { version: string; ready: boolean; pipelines: unknown; components: unknown; ledger: Balance[] } {
    return {
      version: this.version,
      ready: this.ready(),
      pipelines: this.#graph?.plan.pipelines ?? [],
      components: this.#graph?.instances.map(({ key }) => ({ id: key, ...this.#assembly.statusOf(key) })) ?? [],
      ledger: this.ledger.snapshot(),
    }
  }

  /**
   * Takes a new config. Components whose config is the same go on, others take theirs in place where they can, the rest
   * are replaced. Rejects, with the old config running on, if the new one cannot be built or started.
   */
  reload(config: ParsedConfig): Promise<void> {
    return this.#next(() => this.#reload(config))
  }

  /** Stops in reverse order. Resolves to how many items were not handed on before the deadline. */
  stop(): Promise<number> {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** The running component with that key (`receiver/otlp`), for tests. */
  component(key: string): Component | undefined {
    return this.#graph?.instances.find((instance) => instance.key === key)?.component
  }

  #next(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  async #start(): Promise<void> {
    if (this.#stopped !== undefined) return
    const graph = this.#assembly.build(this.#config)
    // Receivers take data as soon as they have started.
    this.#assembly.marks.take(graph.plan, graph.instances)
    try {
      await this.#running.startAll(graph.parts)
    } catch (error) {
      await this.#running.stopAll(graph.parts)
      throw error
    }
    this.#assembly.showBranches()
    graph.activate()
    this.#graph = graph
  }

  async #stop(): Promise<number> {
    const before = shutdownDrops(this.ledger.snapshot())
    const deadline = this.#running.halt()
    await Promise.race([this.#turn, this.#running.overdue(deadline.signal)])
    await this.#running.stopAll(this.#graph?.parts ?? [], deadline.signal)
    deadline.cancel()
    await this.#assembly.close()
    const after = this.ledger.snapshot()
    return heldItems(after) + shutdownDrops(after) - before
  }

  /** In three steps: what goes on of the old graph, the new graph takes over, and, if either fails, all the way back. */
  async #reload(config: ParsedConfig): Promise<void> {
    const old = this.#graph
    if (old === undefined || this.#stopped !== undefined) throw new Error('the daemon is not running')
    const adoption = new Adoption()
    let graph: Graph | undefined
    try {
      await adoption.take(old, planOf(config), this.#assembly)
      graph = this.#assembly.build(config, adoption.adopted)
      await this.#handOver(old, graph, old.parts)
    } catch (error) {
      await this.#rollBack(old, graph, adoption).catch((reason) => {
        this.#options.log.error({ err: reason }, 'after a failed reload the old config could not be restored')
      })
      throw error
    }
    this.#config = config
    const keys = fixedKeys(this.#fixed, config.service)
    if (keys.length > 0)
      this.#options.log.warn({ keys }, 'these keys are taken at the next start; until then the old values hold')
  }

  /**
   * Starts what is new in `graph`, lets the batches flow there, and stops those of `parts` that it does not have. `from`: where
   * batches may be under way that still need them.
   */
  async #handOver(from: Graph | undefined, graph: Graph, parts: readonly Part[]): Promise<void> {
    const running = this.#running
    const kept = new Set(graph.parts.map(({ component }) => component))
    const gone = parts.filter(({ component }) => !kept.has(component))
    const fresh = graph.parts.filter(({ component }) => !running.has(component))
    const isReceiver = ({ plan }: Part) => plan?.kind === 'receiver'
    await running.startAll(
      fresh.filter((part) => !isReceiver(part)),
      gone,
    )
    graph.activate()
    await running.startAll(fresh.filter(isReceiver), gone)
    this.#graph = graph
    await running.left()
    if (from !== undefined) await this.#settle(from)
    await running.stopAll(gone)
  }

  /** Batches that entered on the old ways get a moment to arrive, so that nothing is asked after it was stopped. */
  async #settle(graph: Graph): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#options.clock.after(SETTLE_MS, resolve)
    await Promise.race([graph.idle(), promise])
    timer.cancel()
  }

  /** Gives the old config back to who took the new one, and creates again what of the old graph was stopped for the failed one. */
  async #rollBack(old: Graph, failed: Graph | undefined, adoption: Adoption): Promise<void> {
    await this.#running.left()
    const stuck = await adoption.giveBack()
    // What has passed meanwhile was judged by a config that does not hold.
    if (adoption.updated.some(({ component }) => 'reconsider' in component)) this.#assembly.marks.distrust()
    const goesOn = (instance: Instance) => this.#running.has(instance.component) && !stuck.includes(instance)
    if (failed === undefined && old.instances.every(goesOn)) return
    const adopted = new Map(old.instances.filter(goesOn).map((instance) => [instance.key, instance]))
    const graph = this.#assembly.build(this.#config, adopted)
    await this.#handOver(failed, graph, [...old.parts, ...(failed?.parts ?? [])])
  }
}

function heldItems(balances: readonly Balance[]): number {
  return balances.reduce((sum, { held }) => sum + held.in_flight + held.pending + held.queued + held.rescuable, 0)
}

function shutdownDrops(balances: readonly Balance[]): number {
  return balances.reduce((sum, { dropped }) => sum + (dropped['shutdown'] ?? 0), 0)
}
