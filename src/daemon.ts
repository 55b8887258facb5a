/**
 * The daemon: builds the graph of a config, starts it in order, reloads it without losing what it holds, and stops it
 * in reverse under one deadline.
 */
import type { Logger } from 'pino'
import type { Component, DaemonView, Extension, Factory, Host } from './component.ts'
import { fixedKeys, sameConfig } from './config/compare.ts'
import type { ParsedConfig } from './config/parse.ts'
import { Journals } from './journal/journals.ts'
import { Branches } from './pipeline/branches.ts'
import { buildGraph, type Graph, type Instance, type Part } from './pipeline/graph.ts'
import type { Balance, Ledger } from './pipeline/ledger.ts'
import { type Plan, planOf } from './pipeline/plan.ts'
import { checkRawPaths } from './pipeline/raw_paths.ts'
import { RedactionMarks } from './pipeline/redaction_marks.ts'
import { watchedLedger } from './pipeline/watch_ledger.ts'
import type { Clock } from './self/clock.ts'
import { memoryOf } from './self/memory/process_memory.ts'
import { watchMemory } from './self/metrics/process_metrics.ts'
import type { SelfMetrics } from './self/metrics/registry.ts'
import { MadeServices } from './self/services.ts'

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
  readonly ledger: Ledger
  readonly #options: DaemonOptions
  readonly #branches: Branches
  #config: ParsedConfig
  #graph: Graph | undefined
  /** Start and reloads, one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  #stopped: Promise<number> | undefined
  /** Aborts when the time of the stop is up: what is under way then is cut short. */
  readonly #halt = new AbortController()
  readonly #running = new Set<Component>()
  /** What was told to stop so that something else can take its address. */
  #leaving: Promise<void>[] = []
  /** Extensions of the newest graph, by id. */
  #extensions = new Map<string, Extension>()
  /** Which extensions a component has asked for, by the component's key. */
  readonly #uses = new Map<string, Set<string>>()
  readonly #services: MadeServices
  readonly #states = new Map<string, { state: State; message: string | undefined }>()
  /** Fixed for the daemon's life: what is shared by trace, and what is on the disk, outlives a reload. */
  readonly #fixed: ParsedConfig['service']
  readonly #journals: Journals
  readonly #marks = new RedactionMarks()

  constructor(config: ParsedConfig, options: DaemonOptions) {
    this.#config = config
    this.#options = options
    this.#fixed = config.service
    this.#services = new MadeServices({ ...options, shards: config.service.shards })
    this.#journals = new Journals(config.service.data_directory, options)
    this.version = options.version
    this.startedAt_ms = options.clock.now_ms()
    this.ledger = watchedLedger(options.meter)
    watchMemory(options.meter, memoryOf(this.#services))
    this.#branches = new Branches(
      this.ledger,
      options,
      () => this.#config.service,
      () => memoryOf(this.#services),
    )
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
    this.#build(this.#config)
  }

  ready(): boolean {
    return this.#graph !== undefined && this.#stopped === undefined
  }

  snapshot(): { version: string; ready: boolean; pipelines: unknown; components: unknown; ledger: Balance[] } {
    return {
      version: this.version,
      ready: this.ready(),
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
    const graph = this.#build(this.#config)
    // Receivers take data as soon as they have started.
    this.#marks.take(graph.plan, graph.instances)
    try {
      await this.#startAll(graph.parts)
    } catch (error) {
      await this.#stopAll(graph.parts, this.#deadline())
      throw error
    }
    this.#branches.show(this.#options.meter, memoryOf(this.#services))
    graph.activate()
    this.#graph = graph
  }

  async #stop(): Promise<number> {
    const before = shutdownDrops(this.ledger.snapshot())
    const timer = this.#options.clock.after(this.#config.service.shutdown_timeout, () => this.#halt.abort())
    await Promise.race([this.#turn, overdue(this.#halt.signal, this.#options.clock)])
    await this.#stopAll(this.#graph?.parts ?? [], this.#halt.signal)
    timer.cancel()
    await this.#services.close()
    const after = this.ledger.snapshot()
    return heldItems(after) + shutdownDrops(after) - before
  }

  #build(config: ParsedConfig, adopted: ReadonlyMap<string, Instance> = new Map()): Graph {
    const plan = planOf(config)
    checkRawPaths(plan, this.#options.log, this.#options.meter)
    const before = this.#extensions
    this.#extensions = new Map()
    try {
      return buildGraph(plan, {
        ledger: this.ledger,
        marks: this.#marks,
        room: this.#branches.room,
        branch: (name, signal) => this.#branches.obtain(name, signal),
        hostOf: (kind, id, pipeline) => this.#hostOf(kind, id, pipeline),
        adopt: (key) => adopted.get(key),
        created: ({ plan: { kind, id }, component }) => {
          if (kind === 'extension') this.#extensions.set(id, component)
        },
      })
    } catch (error) {
      this.#extensions = before
      throw error
    }
  }

  async #reload(config: ParsedConfig): Promise<void> {
    const old = this.#graph
    if (old === undefined || this.#stopped !== undefined) throw new Error('the daemon is not running')
    const updated: Instance[] = []
    let graph: Graph | undefined
    try {
      const adopted = await this.#adoptable(old, planOf(config), updated)
      graph = this.#build(config, adopted)
      await this.#exchange(old, graph)
    } catch (error) {
      await this.#restore(old, graph, updated).catch((reason) => {
        this.#options.log.error({ err: reason }, 'after a failed reload the old config could not be restored')
      })
      throw error
    }
    this.#graph = graph
    this.#config = config
    const keys = fixedKeys(this.#fixed, config.service)
    if (keys.length > 0)
      this.#options.log.warn({ keys }, 'these keys are taken at the next start; until then the old values hold')
  }

  /** The instances that go on under the new plan, by key. Those that took a new config in place are added to `updated`. */
  async #adoptable(old: Graph, plan: Plan, updated: Instance[]): Promise<Map<string, Instance>> {
    const adopted = new Map<string, Instance>()
    // Extensions come first: who has asked for one that is replaced or gone has to ask again.
    for (const instance of old.instances) {
      const next = plan.components.find((one) => one.kind === instance.plan.kind && one.id === instance.plan.id)
      if (next === undefined || next.factory !== instance.plan.factory) continue
      if (instance.plan.kind === 'extension' && !plan.extensions.includes(next.id)) continue
      const uses = [...(this.#uses.get(instance.key) ?? [])]
      if (uses.some((id) => plan.extensions.includes(id) !== this.#extensions.has(id))) continue
      if (uses.some((id) => plan.extensions.includes(id) && !adopted.has(`extension/${id}`))) continue
      if (sameConfig(next, instance.plan)) adopted.set(instance.key, instance)
      else if (instance.component.update !== undefined) {
        if (await this.#update(instance, next.config, updated)) adopted.set(instance.key, instance)
      }
    }
    return adopted
  }

  async #update(instance: Instance, config: unknown, updated: Instance[]): Promise<boolean> {
    // One that throws may have taken half of it.
    let touched = true
    try {
      touched = (await instance.component.update?.(config)) === true
    } finally {
      if (touched) updated.push(instance)
    }
    return touched
  }

  /** Starts what is new, lets the batches flow there, stops what is gone. */
  async #exchange(old: Graph, graph: Graph): Promise<void> {
    const kept = new Set(graph.parts.map((part) => part.component))
    const gone = old.parts.filter((part) => !kept.has(part.component))
    const fresh = graph.parts.filter((part) => !this.#running.has(part.component))
    const isReceiver = (part: Part) => part.plan?.kind === 'receiver'
    await this.#startAll(
      fresh.filter((part) => !isReceiver(part)),
      gone,
    )
    graph.activate()
    await this.#startAll(fresh.filter(isReceiver), gone)
    await Promise.all(this.#leaving.splice(0))
    await this.#settle(old)
    await this.#stopAll(gone, this.#deadline())
  }

  /** Batches that entered on the old ways get a moment to arrive, so that nothing is asked after it was stopped. */
  async #settle(old: Graph): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#options.clock.after(SETTLE_MS, resolve)
    await Promise.race([old.idle(), promise])
    timer.cancel()
  }

  /** The new graph could not be built or started: what of the old one was stopped for it is created again. */
  async #restore(old: Graph, failed: Graph | undefined, updated: readonly Instance[]): Promise<void> {
    await Promise.all(this.#leaving.splice(0))
    const stuck = new Set<Component>()
    for (const { component, plan } of updated) if (!(await component.update?.(plan.config))) stuck.add(component)
    // What has passed meanwhile was judged by a config that does not hold.
    if (updated.some(({ component }) => 'reconsider' in component)) this.#marks.distrust()
    const isRunning = ({ component }: Instance) => this.#running.has(component) && !stuck.has(component)
    if (failed === undefined && old.instances.every(isRunning)) return
    const running = new Map(old.instances.filter(isRunning).map((instance) => [instance.key, instance]))
    const graph = this.#build(this.#config, running)
    const kept = new Set(graph.parts.map((part) => part.component))
    const gone = [...old.parts, ...(failed?.parts ?? [])].filter(({ component }) => !kept.has(component))
    await this.#startAll(
      graph.parts.filter((part) => !this.#running.has(part.component)),
      gone,
    )
    graph.activate()
    this.#graph = graph
    await Promise.all(this.#leaving.splice(0))
    if (failed !== undefined) await this.#settle(failed)
    await this.#stopAll(gone, this.#deadline())
  }

  /** Starts in order. Where the address is taken by an instance of that type that is to go, that one goes first. */
  async #startAll(parts: readonly Part[], gone: readonly Part[] = []): Promise<void> {
    for (const { key, component, plan } of parts) {
      this.#running.add(component)
      try {
        await component.start?.()
      } catch (error) {
        const rivals = gone
          .filter((one) => one.plan?.factory === plan?.factory && this.#running.has(one.component))
          .sort((a, b) => Number(b.key === key) - Number(a.key === key))
        if (!(await this.#startInstead(component, rivals, error))) throw withKey(error, key)
      }
    }
  }

  /** Tells one rival after the other to stop until the component finds its address free. False: it did not. */
  async #startInstead(component: Component, rivals: readonly Part[], cause: unknown): Promise<boolean> {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') return false
    for (const rival of rivals) {
      const leaving = this.#stopAll([rival], this.#deadline())
      this.#leaving.push(leaving)
      // A listener closes as soon as it is told to, its requests may take until the deadline.
      if (await started(component)) return true
      await leaving
      if (await started(component)) return true
    }
    return false
  }

  async #stopAll(parts: readonly Part[], deadline: AbortSignal): Promise<void> {
    for (const { key, component } of parts.toReversed()) {
      if (!this.#running.delete(component)) continue
      try {
        await Promise.race([component.shutdown?.(deadline), overdue(deadline, this.#options.clock)])
      } catch (error) {
        this.#options.log.error({ err: error, component: key }, 'a bug: a component failed to stop')
      }
    }
  }

  /** The deadline of a stop that begins now, in a daemon that goes on. */
  #deadline(): AbortSignal {
    const deadline = new AbortController()
    this.#options.clock.after(this.#config.service.shutdown_timeout, () => deadline.abort())
    return AbortSignal.any([deadline.signal, this.#halt.signal])
  }

  #hostOf(kind: Factory['kind'], id: string, pipeline?: string): Host {
    const key = pipeline === undefined ? `${kind}/${id}` : `${kind}/${id} @ ${pipeline}`
    const log = this.#options.log.child({ kind, id, ...(pipeline !== undefined && { pipeline }) })
    const owner = { key, log }
    return {
      id,
      log,
      clock: this.#services.clock,
      meter: this.#services.meter,
      shards: this.#services.shards,
      service: (service) => this.#services.service(service),
      shared: (make) => this.#services.once(`${kind}/${id}`, make),
      journal: (name, settings) => this.#journals.open(name, settings, owner),
      daemon: this,
      extension: (other) => {
        this.#uses.set(key, (this.#uses.get(key) ?? new Set()).add(other))
        return this.#extensions.get(other)
      },
      status: (state, message) => void this.#states.set(key, { state, message }),
    }
  }
}

/** How long batches on the ways of a graph that is replaced may take before what is gone is stopped. */
const SETTLE_MS = 1000
/** How long after the deadline a component that does not stop is waited for. */
const OVERDUE_MS = 1000

function overdue(deadline: AbortSignal, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const wait = (): void => void clock.after(OVERDUE_MS, resolve)
    if (deadline.aborted) wait()
    else deadline.addEventListener('abort', wait, { once: true })
  })
}

/** False: its address is taken. Anything else that keeps it from starting is thrown. */
async function started(component: Component): Promise<boolean> {
  try {
    await component.start?.()
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
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
