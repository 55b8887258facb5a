/** Do the pipelines fit together: ids, signals, connectors, circles. */
import type { Signal } from '../component.ts'
import { type Declarations, type Declared, resolveId, type Section, splitId } from './declared.ts'
import type { Path } from './problem.ts'
import type { ServiceSettings } from './schema/service.ts'
import { nearest, suggestion } from './suggest.ts'
import type { Place } from './text/source.ts'
import { type Entry, keyPlace, type Node, nodeAt, type ReportFinding } from './text/tree.ts'

/** One pipeline whose ids are those of declared components. */
export interface PipelineConfig {
  /** `traces` or `traces/name`. */
  readonly id: string
  readonly signal: Signal
  /** What follows the slash; empty without one. */
  readonly name: string
  /** Ids of receivers, and of connectors that feed this pipeline. */
  readonly receivers: readonly string[]
  /** Ids of processors, in order. */
  readonly processors: readonly string[]
  /** Ids of exporters, and of connectors that this pipeline feeds. */
  readonly exporters: readonly string[]
}

const SIGNALS: readonly Signal[] = ['traces', 'metrics', 'logs']
const ROLES = ['receivers', 'processors', 'exporters'] as const
type Role = (typeof ROLES)[number]

/** Where a connector stands in a pipeline. */
interface Use {
  readonly connector: Declared
  readonly signal: Signal
  readonly pipeline: string
  readonly place: Place
  readonly path: Path
}

/** Checks all pipelines and the list of extensions. What is declared and not used is only warned of. */
export function checkPipelines(
  tree: Node,
  service: ServiceSettings | undefined,
  declared: Declarations,
  report: ReportFinding,
  warn: ReportFinding,
): ReadonlyMap<string, PipelineConfig> {
  const root = { key: tree.place, value: tree }
  const check = new PipelineCheck(root, declared, report)
  // Of a service that does not parse, the pipelines are still looked at as written.
  const pipelines = service?.pipelines ?? writtenPipelines(tree)
  const extensions = service?.extensions ?? writtenIds(nodeAt(tree, ['service', 'extensions'])) ?? []
  for (const [id, pipeline] of Object.entries(pipelines)) check.pipeline(id, pipeline)
  if (service && Object.keys(pipelines).length === 0) {
    const place = keyPlace(root, ['service', 'pipelines'])
    report({
      place,
      path: ['service', 'pipelines'],
      message: 'found no pipeline, expected at least one',
      advice: 'add traces: {receivers: […], exporters: […]}',
    })
  }
  for (const [index, id] of extensions.entries()) check.reference(id, ['service', 'extensions', index], ['extensions'])
  check.ambiguousIds()
  check.connectors()
  check.unused(warn)
  return check.pipelines
}

class PipelineCheck {
  readonly pipelines = new Map<string, PipelineConfig>()
  readonly #tree: Entry
  readonly #declared: Declarations
  readonly #report: ReportFinding
  readonly #used = new Set<Declared>()
  readonly #entries: Use[] = []
  readonly #exits: Use[] = []

  constructor(tree: Entry, declared: Declarations, report: ReportFinding) {
    this.#tree = tree
    this.#declared = declared
    this.#report = report
  }

  pipeline(id: string, pipeline: { readonly [R in Role]: readonly string[] }): void {
    const path = ['service', 'pipelines', id]
    const { type: signal, name } = splitId(id)
    if (!isSignal(signal) || (id.includes('/') && name === '')) return this.#wrongSignal(id, signal, path)
    const resolved = { receivers: [] as string[], processors: [] as string[], exporters: [] as string[] }
    for (const role of ROLES) {
      const ids = pipeline[role]
      if (ids.length === 0 && role !== 'processors') {
        const message = `the pipeline has no ${role}`
        this.#report({ place: keyPlace(this.#tree, [...path, role]), path, message, advice: `add ${role}: […]` })
      }
      for (const [index, written] of ids.entries()) {
        const found = this.#member(written, signal, id, role, [...path, role, index], resolved[role])
        if (found !== undefined) resolved[role].push(found)
      }
    }
    this.pipelines.set(id, { id, signal, name, ...resolved })
  }

  /** The declared component that an id means. */
  reference(id: string, path: Path, sections: readonly Section[]): Declared | undefined {
    for (const section of sections) {
      const component = this.#declared[section].get(resolveId(id, this.#declared[section]) ?? '')
      if (!component) continue
      this.#used.add(component)
      return component
    }
    const place = this.#place(path)
    const known = sections.flatMap((section) => [...this.#declared[section].keys()])
    const nouns = sections.join(' or ')
    const meant = nearest(id, known)
    const advice = meant
      ? `did you mean "${meant}"?`
      : `declare it under \`${sections[0]}\`, or use one of: ${known.join(', ') || '(none)'}`
    this.#report({ place, path: path.slice(0, -1), message: `\`${id}\` is not declared under ${nouns}`, advice })
    return undefined
  }

  #member(
    id: string,
    signal: Signal,
    pipeline: string,
    role: Role,
    path: Path,
    before: readonly string[],
  ): string | undefined {
    const component = this.reference(id, path, role === 'processors' ? ['processors'] : [role, 'connectors'])
    if (!component) return undefined
    if (before.includes(component.id)) {
      const message = `\`${id}\` stands in the list twice`
      this.#report({ place: this.#place(path), path: path.slice(0, -1), message, advice: 'remove one of the two' })
      return undefined
    }
    const { factory } = component
    if (!factory || factory.kind === 'extension') return component.id
    if (factory.kind === 'connector') {
      const use = { connector: component, signal, pipeline, place: this.#place(path), path: path.slice(0, -1) }
      ;(role === 'receivers' ? this.#entries : this.#exits).push(use)
    }
    const signals =
      factory.kind === 'connector'
        ? factory.signals.map(([from, to]) => (role === 'receivers' ? to : from))
        : factory.signals
    if (!signals.includes(signal)) {
      const does = factory.kind !== 'connector' ? 'supports' : role === 'receivers' ? 'gives' : 'takes'
      const message = `the ${component.kind} \`${id}\` does not support ${signal}`
      const advice = `it ${does} ${[...new Set(signals)].join(' and ')}: use it in such a pipeline`
      this.#report({ place: this.#place(path), path: path.slice(0, -1), message, advice })
    }
    return component.id
  }

  /** A connector id that is also another component's would be ambiguous in a pipeline. */
  ambiguousIds(): void {
    for (const [id, { entry }] of this.#declared.connectors) {
      const other = this.#declared.receivers.has(id)
        ? 'receiver'
        : this.#declared.exporters.has(id)
          ? 'exporter'
          : undefined
      if (!other) continue
      const message = `\`${id}\` is also the id of a ${other}`
      this.#report({ place: entry.key, path: ['connectors', id], message, advice: `name one of them, such as ${id}/2` })
    }
  }

  /** Both sides of every connector, and no way round in a circle. */
  connectors(): void {
    const next = new Map<string, Use[]>()
    for (const exit of this.#exits) {
      const fed = this.#entries.filter((entry) => joins(exit, entry))
      if (fed.length === 0) this.#oneSided(exit, 'exporter', 'receivers', this.#entries)
      next.set(exit.pipeline, [
        ...(next.get(exit.pipeline) ?? []),
        ...fed.map((entry) => ({ ...exit, pipeline: entry.pipeline })),
      ])
    }
    for (const entry of this.#entries) {
      if (!this.#exits.some((exit) => joins(exit, entry))) this.#oneSided(entry, 'receiver', 'exporters', this.#exits)
    }
    const done = new Set<string>()
    for (const id of next.keys()) this.#circle(id, next, [], done)
  }

  unused(warn: ReportFinding): void {
    for (const section of ['receivers', 'processors', 'exporters', 'connectors', 'extensions'] as const) {
      for (const component of this.#declared[section].values()) {
        if (this.#used.has(component) || !component.factory) continue
        const where = section === 'extensions' ? 'service.extensions' : 'any pipeline'
        const path = [section, component.id]
        warn({
          place: component.entry.key,
          path,
          message: `the ${component.kind} is not used in ${where}`,
          advice: 'it does not run; use it or remove it',
        })
      }
    }
  }

  #place(path: Path): Place {
    return nodeAt(this.#tree.value, path)?.place ?? keyPlace(this.#tree, path)
  }

  #wrongSignal(id: string, signal: string, path: Path): void {
    const place = keyPlace(this.#tree, path)
    if (signal === 'profiles') {
      const message = 'pipelines for profiles are not supported'
      this.#report({ place, path, message, advice: 'remove the pipeline; Sluice takes traces, metrics and logs' })
    } else if (isSignal(signal)) {
      this.#report({
        place,
        path,
        message: 'found no name after the slash',
        advice: `write \`${signal}:\` or \`${signal}/name:\``,
      })
    } else {
      const message = `\`${id}\` is no pipeline, expected traces, metrics or logs, with /name if there are several`
      this.#report({ place, path, message, advice: suggestion(signal, SIGNALS, 'signals') })
    }
  }

  #oneSided({ connector, signal, place, path }: Use, role: string, otherSide: Role, others: readonly Use[]): void {
    const { factory, id } = connector
    if (factory?.kind !== 'connector') return
    const pairs = factory.signals.filter(([from, to]) => (role === 'exporter' ? from : to) === signal)
    // That it does not support the signal at all has been said.
    if (pairs.length === 0) return
    const fitting = [...new Set(pairs.map(([from, to]) => (role === 'exporter' ? to : from)))].join(' or ')
    const elsewhere = others.find((use) => use.connector === connector)
    const message = elsewhere
      ? `the connector \`${id}\` does not lead from ${role === 'exporter' ? signal : elsewhere.signal} to ${role === 'exporter' ? elsewhere.signal : signal}`
      : `the connector \`${id}\` is used as ${role} only`
    this.#report({ place, path, message, advice: `list it under \`${otherSide}\` of a ${fitting} pipeline as well` })
  }

  #circle(id: string, next: ReadonlyMap<string, readonly Use[]>, way: readonly string[], done: Set<string>): void {
    if (done.has(id)) return
    for (const use of next.get(id) ?? []) {
      const from = [...way, id].indexOf(use.pipeline)
      if (from === -1) {
        this.#circle(use.pipeline, next, [...way, id], done)
        continue
      }
      const round = [...way, id, use.pipeline].slice(from).join(' → ')
      this.#report({
        place: use.place,
        path: use.path,
        message: `pipelines form a circle: ${round}`,
        advice: `remove \`${use.connector.id}\` from one of them`,
      })
    }
    done.add(id)
  }
}

function joins(exit: Use, entry: Use): boolean {
  const { factory } = exit.connector
  if (exit.connector !== entry.connector || factory?.kind !== 'connector') return false
  return factory.signals.some(([from, to]) => from === exit.signal && to === entry.signal)
}

function isSignal(text: string): text is Signal {
  return (SIGNALS as readonly string[]).includes(text)
}

function writtenPipelines(tree: Node): ServiceSettings['pipelines'] {
  const node = nodeAt(tree, ['service', 'pipelines'])
  const pipelines: ServiceSettings['pipelines'] = {}
  for (const [id, { value }] of node?.kind === 'map' ? node.entries : []) {
    const roles = ROLES.map((role) => [role, writtenIds(nodeAt(value, [role]))] as const)
    // A role of another shape has been told of already.
    if (roles.every(([, ids]) => ids !== undefined))
      pipelines[id] = Object.fromEntries(roles) as ServiceSettings['pipelines'][string]
  }
  return pipelines
}

function writtenIds(node: Node | undefined): string[] | undefined {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return []
  if (node.kind !== 'list') return undefined
  return node.items.flatMap((item) => (item.kind === 'scalar' && typeof item.value === 'string' ? [item.value] : []))
}
