/** The labels of a series, as the text that stands between the braces. */

import { labelName } from './metric_names.ts'
import { type KeyValue, plainTextOf, type Resource, type Scope } from './points/point.ts'
import { isPlainLabel } from './scrape/escaping.ts'

export interface LabelOptions {
  readonly const_labels: Readonly<Record<string, string>>
  readonly without_scope_info: boolean
  readonly resource_to_telemetry_conversion: {
    readonly enabled: boolean
    readonly exclude_service_attributes: boolean
  }
  /** Names keep all their characters, in quotes where Prometheus' text wants them. */
  readonly utf8: boolean
}

/** What all points of one scope have in common. */
export interface Shared {
  /** Names that attributes cannot take: constant labels, scope, job and instance. */
  readonly fixed: ReadonlyMap<string, string>
  /** Attributes of the resource that every point gets. */
  readonly attributes: readonly KeyValue[]
  readonly utf8: boolean
}

/** Text of `target_info` for a resource; undefined where it has no job or no instance. */
export function targetLabels(resource: Resource, utf8: boolean): string | undefined {
  const identity = identityOf(resource)
  if (identity.size < 2) return undefined
  const rest = (resource.attributes ?? []).filter(({ key }) => !IDENTITY.includes(key ?? ''))
  return render(joined(rest, identity, utf8), identity)
}

/** `own`: made by this program, shown without the scope. */
export function sharedLabels(
  resource: Resource,
  scope: Scope,
  schemaUrl: string,
  own: boolean,
  options: LabelOptions,
): Shared {
  const fixed = new Map<string, string>()
  if (!options.without_scope_info && !own) {
    for (const { key = '', value } of scope.attributes ?? []) {
      if (!['', 'name', 'version', 'schema_url'].includes(key))
        fixed.set(labelName(`otel_scope_${key}`, options.utf8), plainTextOf(value))
    }
    fixed.set('otel_scope_name', scope.name ?? '')
    fixed.set('otel_scope_version', scope.version ?? '')
    fixed.set('otel_scope_schema_url', schemaUrl)
  }
  for (const [name, value] of identityOf(resource)) fixed.set(name, value)
  for (const [name, value] of Object.entries(options.const_labels)) fixed.set(labelName(name, options.utf8), value)
  return { fixed, attributes: converted(resource, options), utf8: options.utf8 }
}

/** Attributes of the resource that become labels. */
function converted({ attributes = [] }: Resource, options: LabelOptions): readonly KeyValue[] {
  const { enabled, exclude_service_attributes } = options.resource_to_telemetry_conversion
  if (!enabled) return []
  return exclude_service_attributes ? attributes.filter(({ key }) => !IDENTITY.includes(key ?? '')) : attributes
}

/**
 * Labels in order of their names, without those whose value is empty: Prometheus takes the two for the same.
 * Attributes whose names become equal are joined with `;` in order of their keys. An attribute whose name is taken
 * (by a fixed label, or by `reserved`: `le`, `quantile`) gets `exported_` before it, as Prometheus itself does.
 */
export function seriesLabels(attributes: readonly KeyValue[], shared: Shared, reserved = ''): string {
  const all = shared.attributes.length === 0 ? attributes : overridden(attributes, shared.attributes)
  return render(joined(all, shared.fixed, shared.utf8, reserved), shared.fixed)
}

/** A label's text within quotes. NUL ends the text for some parsers. */
export function escapeLabel(value: string): string {
  if (!/[\\"\n\0]/.test(value)) return value
  return value.replace(/[\\"\n\0]/g, (character) => ESCAPES[character]!)
}
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\0': '\ufffd' }

/** Attributes of a resource that become `job` and `instance`. */
export const IDENTITY: readonly string[] = ['service.name', 'service.namespace', 'service.instance.id']

function identityOf(resource: Resource): Map<string, string> {
  const identity = new Map<string, string>()
  const value = (key: string) => resource.attributes?.find((attribute) => attribute.key === key)?.value
  const [service, namespace, instance] = IDENTITY.map(value)
  if (service !== undefined) identity.set('job', (namespace ? `${plainTextOf(namespace)}/` : '') + plainTextOf(service))
  if (instance !== undefined) identity.set('instance', plainTextOf(instance))
  return identity
}

function overridden(attributes: readonly KeyValue[], by: readonly KeyValue[]): KeyValue[] {
  const keys = new Set(by.map(({ key }) => key))
  return [...attributes.filter(({ key }) => !keys.has(key)), ...by]
}

function joined(
  attributes: readonly KeyValue[],
  fixed: ReadonlyMap<string, string>,
  utf8: boolean,
  reserved = '',
): Map<string, string> {
  const labels = new Map<string, string>()
  for (const { key = '', value } of byKey(attributes)) {
    if (key === '') continue
    let name = utf8 ? labelName(key, true) : cachedName(key)
    while (fixed.has(name) || name === reserved) name = `exported_${name}`
    const other = labels.get(name)
    labels.set(name, other === undefined ? plainTextOf(value) : `${other};${plainTextOf(value)}`)
  }
  return labels
}

function byKey(attributes: readonly KeyValue[]): readonly KeyValue[] {
  if (attributes.length < 2) return attributes
  return [...attributes].sort((a, b) => ((a.key ?? '') < (b.key ?? '') ? -1 : 1))
}

function render(labels: Map<string, string>, fixed: ReadonlyMap<string, string>): string {
  for (const [name, value] of fixed) labels.set(name, value)
  let text = ''
  for (const name of [...labels.keys()].sort()) {
    const value = labels.get(name)!
    if (value !== '') text += `${text === '' ? '' : ','}${quoted(name)}="${escapeLabel(value)}"`
  }
  return text
}

function quoted(name: string): string {
  return isPlainLabel(name) ? name : `"${escapeLabel(name)}"`
}

const NAMES_MAX = 10_000
const NAME_LENGTH_MAX = 256
const names = new Map<string, string>()

function cachedName(key: string): string {
  if (key.length > NAME_LENGTH_MAX) return labelName(key)
  let name = names.get(key)
  if (name !== undefined) return name
  if (names.size >= NAMES_MAX) names.clear()
  name = labelName(key)
  names.set(key, name)
  return name
}
