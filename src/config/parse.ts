/** A merged and substituted tree + factories → a typed config. */
import type { Factory } from '../component.ts'
import type { ComponentConfig } from './component_config.ts'
import { type Declarations, type Declared, declare, resolveId, SECTIONS, type Section, splitId } from './declared.ts'
import { checkPipelines, type PipelineConfig } from './pipelines.ts'
import type { Finding } from './problem.ts'
import { withContentKeys } from './said_content.ts'
import type { WhenFull } from './schema/blocks.ts'
import { type ServiceSettings, serviceSchema, type Telemetry } from './schema/service.ts'
import { withSteps } from './schema/steps.ts'
import { type Valid, validate } from './schema/validate.ts'
import { suggestion } from './suggest.ts'
import { shownKey } from './text/source.ts'
import { describeNode, markKeys, type Node, type ReportFinding } from './text/tree.ts'

/** A config that can be built. */
export interface ParsedConfig {
  readonly receivers: ReadonlyMap<string, ComponentConfig>
  readonly processors: ReadonlyMap<string, ComponentConfig>
  readonly exporters: ReadonlyMap<string, ComponentConfig>
  readonly connectors: ReadonlyMap<string, ComponentConfig>
  readonly extensions: ReadonlyMap<string, ComponentConfig>
  readonly service: {
    readonly pipelines: ReadonlyMap<string, PipelineConfig>
    /** Ids of the extensions that run, in order. */
    readonly extensions: readonly string[]
    readonly telemetry: Telemetry
    /** Milliseconds. */
    readonly shutdown_timeout: number
    readonly data_directory?: string | undefined
    readonly shards: number
    readonly fan_out_bytes_max?: number | undefined
    readonly fan_out_when_full: WhenFull
    /** As written, without defaults. */
    readonly input: unknown
  }
}

export interface Parsed {
  /** Undefined if there are errors. */
  readonly config: ParsedConfig | undefined
  readonly errors: readonly Finding[]
  readonly warnings: readonly Finding[]
}

/** Checks everything in one go: the errors are all there are. `spare`: ids that are left unused on purpose. */
export function parseConfig(tree: Node, factories: readonly Factory[], spare: ReadonlySet<string> = new Set()): Parsed {
  const errors: Finding[] = []
  const warnings: Finding[] = []
  const report: ReportFinding = (finding) => errors.push(finding)
  markSections(tree)
  checkTopLevel(tree, report)
  const parsed = {} as Record<Section, Map<string, ComponentConfig>>
  const declared = {} as { [S in Section]: Declarations[S] }
  for (const [section, kind] of SECTIONS) {
    declared[section] = declare(tree, section, kind, factories, report, (finding) => warnings.push(finding))
    parsed[section] = new Map()
    for (const declaration of declared[section].values()) {
      const component = parseComponent(section, declaration, report)
      if (component) parsed[section].set(component.id, component)
    }
  }
  const service = parseService(tree, report)
  const pipelines = checkPipelines(tree, service?.value, declared, report, (finding) => {
    if (!spare.has(String(finding.path.at(-1)))) warnings.push(finding)
  })
  const connectors = service && withSteps(tree, service.value.steps, parsed.connectors, report)
  if (errors.length > 0 || !service || !connectors) return { config: undefined, errors, warnings }
  const { extensions, telemetry, pipelines: _, steps: __, ...rest } = service.value
  const resolved = extensions.map((id) => resolveId(id, declared.extensions) ?? id)
  const config = { ...rest, pipelines, extensions: resolved, telemetry, input: service.input }
  const processors = withContentKeys(parsed.processors)
  return { config: { ...parsed, processors, connectors, service: config }, errors, warnings }
}

/** What stands inside a component is its schema's to say. */
function markSections(tree: Node): void {
  markKeys(tree)
  if (tree.kind !== 'map') return
  for (const [section] of SECTIONS) {
    const node = tree.entries.get(section)?.value
    if (node) markKeys(node)
  }
}

function checkTopLevel(tree: Node, report: ReportFinding): void {
  if (tree.kind !== 'map') return
  const known = [...SECTIONS.map(([section]) => section as string), 'service']
  for (const [key, { key: place, value }] of tree.entries) {
    if (key === 'service') continue
    if (!known.includes(key))
      report({
        place,
        path: [],
        message: `unknown key \`${shownKey(key)}\``,
        advice: suggestion(key, known, 'keys here'),
      })
    else if (value.kind !== 'map' && !(value.kind === 'scalar' && value.value === null)) {
      const message = `found ${describeNode(value, false)}, expected a map of components`
      report({
        place: value.place,
        path: [key],
        message,
        advice: 'write `type:` or `type/name:` on the lines below, indented',
      })
    }
  }
}

function parseComponent(
  section: Section,
  { kind, id, entry, factory }: Declared,
  report: ReportFinding,
): ComponentConfig | undefined {
  if (!factory) return undefined
  const valid = validate<unknown>(factory.schema, entry, [section, id], report)
  if (!valid) return undefined
  const { type, name } = splitId(id)
  const aliasUsed = factory.type === type ? undefined : type
  const { value: config, input } = valid
  return { kind, id, type, canonicalType: factory.type, name, factory, config, input, aliasUsed }
}

function parseService(tree: Node, report: ReportFinding): Valid<ServiceSettings> | undefined {
  const entry = tree.kind === 'map' ? tree.entries.get('service') : undefined
  if (entry) return validate(serviceSchema, entry, ['service'], report)
  const advice = 'add service: {pipelines: {traces: {receivers: [otlp], exporters: [debug]}}}'
  report({
    place: tree.place.source ? { ...tree.place, end: tree.place.start } : undefined,
    path: [],
    message: 'the section `service` is missing',
    advice,
  })
  return undefined
}
