import type { Logger } from 'pino'
import type { DaemonView, Extension, Factory, Host } from '../component.ts'
import type { ParsedConfig } from '../config/parse.ts'
import { Journals } from '../journal/journals.ts'
import { Branches } from '../pipeline/branches.ts'
import { buildGraph, type Graph, type Instance } from '../pipeline/graph.ts'
import type { Ledger } from '../pipeline/ledger.ts'
import { type Plan, planOf } from '../pipeline/plan.ts'
import { checkRawPaths } from '../pipeline/raw_paths.ts'
import { RedactionMarks } from '../pipeline/redaction_marks.ts'
import { watchedLedger } from '../pipeline/watch_ledger.ts'
import type { Clock } from '../self/clock.ts'
import { memoryOf, type ProcessMemory } from '../self/memory/process_memory.ts'
import { watchMemory } from '../self/metrics/process_metrics.ts'
import type { SelfMetrics } from '../self/metrics/registry.ts'
import { MadeServices } from '../self/services.ts'

export interface DaemonOptions {
  readonly log: Logger
  readonly clock: Clock
  readonly meter: SelfMetrics
  readonly version: string
}

export interface Status {
  readonly state: 'ok' | 'recoverable' | 'permanent'
  readonly message?: string | undefined
}

/** Makes the graph of a config, and what all components of a daemon share: it outlives the graphs. */
export class Assembly {
  readonly ledger: Ledger
  readonly marks = new RedactionMarks()
  readonly #options: DaemonOptions
  readonly #view: DaemonView
  readonly #services: MadeServices
  readonly #journals: Journals
  readonly #branches: Branches
  /** Extensions of the newest graph, by id. */
  #extensions = new Map<string, Extension>()
  /** Which extensions a component has asked for, by the component's key. */
  readonly #asked = new Map<string, Set<string>>()
  readonly #statuses = new Map<string, Status>()

  /**
   * `fixed`: of the first config. What is shared by trace, and what is on the disk, outlives a reload. `current`: of the
   * config that holds. `view`: the daemon as components see it.
   */
  constructor(
    fixed: ParsedConfig['service'],
    current: () => ParsedConfig['service'],
    view: DaemonView,
    options: DaemonOptions,
  ) {
    this.#options = options
    this.#view = view
    this.#services = new MadeServices({ ...options, shards: fixed.shards })
    this.#journals = new Journals(fixed.data_directory, options)
    this.ledger = watchedLedger(options.meter)
    watchMemory(options.meter, this.#memory)
    this.#branches = new Branches(this.ledger, options, current, () => this.#memory)
  }

  get #memory(): ProcessMemory {
    return memoryOf(this.#services)
  }

  /** Creates what is not adopted, and joins it. Throws a BuildError or RawPathError; then nothing is changed. */
  build(config: ParsedConfig, adopted: ReadonlyMap<string, Instance> = new Map()): Graph {
    const plan = planOf(config)
    checkRawPaths(plan, this.#options.log, this.#options.meter)
    const before = this.#extensions
    this.#extensions = new Map()
    try {
      return buildGraph(plan, {
        ledger: this.ledger,
        marks: this.marks,
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

  /** Would the component of that key find, under the new plan, the extensions that it has? `goOn`: the keys of those that go on. */
  keepsExtensions(key: string, { extensions }: Plan, goOn: ReadonlyMap<string, unknown>): boolean {
    for (const id of this.#asked.get(key) ?? []) {
      if (extensions.includes(id) !== this.#extensions.has(id)) return false
      if (extensions.includes(id) && !goOn.has(`extension/${id}`)) return false
    }
    return true
  }

  /** What the component of that key says of itself. */
  statusOf(key: string): Status {
    return this.#statuses.get(key) ?? { state: 'ok' }
  }

  /** From now on metrics tell of what branches hold. */
  showBranches(): void {
    this.#branches.show(this.#options.meter, this.#memory)
  }

  async close(): Promise<void> {
    await this.#services.close()
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
      daemon: this.#view,
      extension: (other) => {
        this.#asked.set(key, (this.#asked.get(key) ?? new Set()).add(other))
        return this.#extensions.get(other)
      },
      status: (state, message) => void this.#statuses.set(key, { state, message }),
    }
  }
}
