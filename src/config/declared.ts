/** What a config declares: components by section and id, whatever their own settings look like. */
import type { Factory } from '../component.ts'
import { nearest, suggestion } from './suggest.ts'
import { shownKey } from './text/source.ts'
import type { Entry, Node, ReportFinding } from './text/tree.ts'

export type Kind = Factory['kind']

export type Section = 'receivers' | 'processors' | 'exporters' | 'connectors' | 'extensions'

/** Sections of a config and the kind of component in each, in the order of the data. */
export const SECTIONS: readonly (readonly [Section, Kind])[] = [
  ['receivers', 'receiver'],
  ['processors', 'processor'],
  ['exporters', 'exporter'],
  ['connectors', 'connector'],
  ['extensions', 'extension'],
]

/** A component as declared: enough to check references even if its own config is wrong. */
export interface Declared {
  readonly kind: Kind
  readonly id: string
  readonly entry: Entry
  /** Undefined for an unknown type. */
  readonly factory: Factory | undefined
}
export type Declarations = { readonly [S in Section]: ReadonlyMap<string, Declared> }

/** What a component is said to be. */
export interface DeclaredType {
  readonly kind: Kind
  /** As written: there may be no such type. */
  readonly type: string
}

export function declaredTypes(tree: Node): DeclaredType[] {
  return SECTIONS.flatMap(([section, kind]) => idsIn(tree, section).map(([id]) => ({ kind, type: splitId(id).type })))
}

/** Components of one section. Unknown types are errors, older names warnings (one a name). */
export function declare(
  tree: Node,
  section: Section,
  kind: Kind,
  factories: readonly Factory[],
  report: ReportFinding,
  warn: ReportFinding,
): ReadonlyMap<string, Declared> {
  const declared = new Map<string, Declared>()
  const warned = new Set<string>()
  for (const [id, entry] of idsIn(tree, section)) {
    const { type, name } = splitId(id)
    const path = [section, id]
    if (!/^[a-zA-Z]\w{0,62}(\/\S(.*\S)?)?$/.test(id)) {
      report({
        place: entry.key,
        path,
        message: 'found an id of another form, expected `type` or `type/name`',
        advice: 'rename it',
      })
    }
    const factory = factories.find((one) => one.kind === kind && (one.type === type || one.aliases?.includes(type)))
    if (!factory) reportType(type, kind, entry, path, factories, report)
    else if (factory.type !== type && !warned.has(type)) {
      warned.add(type)
      const advice = `write \`${factory.type}${name && `/${name}`}:\`, also in service.pipelines`
      warn({ place: entry.key, path, message: `\`${type}\` is an older name of \`${factory.type}\``, advice })
    }
    declared.set(id, { kind, id, entry, factory })
  }
  return declared
}

function idsIn(tree: Node, section: Section): (readonly [id: string, entry: Entry])[] {
  const node = tree.kind === 'map' ? tree.entries.get(section)?.value : undefined
  return node?.kind === 'map' ? [...node.entries] : []
}

/** The declared id that `id` means: itself, or the same with the type's other name. */
export function resolveId(id: string, declared: ReadonlyMap<string, Declared>): string | undefined {
  if (declared.has(id)) return id
  const { type, name } = splitId(id)
  for (const { id: other, factory } of declared.values()) {
    if (splitId(other).name === name && factory && (factory.type === type || factory.aliases?.includes(type)))
      return other
  }
  return undefined
}

export function splitId(id: string): { type: string; name: string } {
  const slash = id.indexOf('/')
  return slash === -1 ? { type: id, name: '' } : { type: id.slice(0, slash), name: id.slice(slash + 1) }
}

function reportType(
  type: string,
  kind: Kind,
  { key }: Entry,
  path: string[],
  factories: readonly Factory[],
  report: ReportFinding,
): void {
  const known = factories.filter((factory) => factory.kind === kind).map((factory) => factory.type)
  const elsewhere = factories.find((factory) => factory.kind !== kind && factory.type === type)
  const article = (noun: string) => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`
  const message = `unknown ${kind} type \`${shownKey(type)}\``
  const moved =
    elsewhere && nearest(type, known) === undefined
      ? `\`${type}\` is ${article(elsewhere.kind)}: move it to \`${elsewhere.kind}s\``
      : undefined
  report({ place: key, path, message, advice: moved ?? suggestion(type, known, `${kind}s`) })
}
