/**
 * A config document as a tree that remembers where each key and value was written.
 *
 * Made from YAML by hand rather than by `toJS()`: so anchors and merge keys are bounded, duplicate keys are found with
 * both places, and `__proto__` never becomes a property.
 */
import type { Finding, Path } from '../problem.ts'
import { markKey, type Place } from './source.ts'
import { withoutUrlSecrets } from './url_secrets.ts'

export type Plain = string | number | boolean | null

interface Common {
  readonly place: Place
  /** The text as substituted, for fields that want a string: `${env:X}` holding 010 is the number 8 and the text 010. */
  readonly original?: string | undefined
  /** True where the value came from an environment variable or a file: messages do not show it. */
  readonly concealed?: boolean | undefined
}
export interface ScalarNode extends Common {
  readonly kind: 'scalar'
  readonly value: Plain
}
export interface ListNode extends Common {
  readonly kind: 'list'
  readonly items: readonly Node[]
}
export interface MapNode extends Common {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
}
export interface Entry {
  /** Where the key was written. */
  readonly key: Place
  readonly value: Node
}
export type Node = ScalarNode | ListNode | MapNode

/** Merges `over` onto `base`: maps deeply, lists and scalars replaced, as the Collector does. */
export function mergeTrees(base: Node, over: Node): Node {
  if (base.kind !== 'map' || over.kind !== 'map') return over
  const entries = new Map(base.entries)
  for (const [key, entry] of over.entries) {
    const existing = entries.get(key)
    entries.set(key, existing ? { key: entry.key, value: mergeTrees(existing.value, entry.value) } : entry)
  }
  return { ...over, entries }
}

/** The tree as plain objects, lists and scalars. */
export function toPlain(node: Node): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(toPlain)
  return Object.fromEntries([...node.entries].map(([key, entry]) => [key, toPlain(entry.value)]))
}

export function childOf(node: Node | undefined, key: string | number): Node | undefined {
  if (node?.kind === 'map') return node.entries.get(String(key))?.value
  if (node?.kind === 'list') return node.items[Number(key)]
  return undefined
}

/** The node at the end of `path`. */
export function nodeAt(node: Node | undefined, path: Path): Node | undefined {
  return path.reduce<Node | undefined>(childOf, node)
}

/** Where the key at the end of `path` was written; for a list's element the element; the nearest parent if it is missing. */
export function keyPlace(root: Entry, path: Path): Place {
  const last = path.at(-1)
  if (last === undefined) return root.key
  const parent = nodeAt(root.value, path.slice(0, -1))
  if (parent?.kind === 'map') {
    const entry = parent.entries.get(String(last))
    if (entry) return entry.key
  }
  return childOf(parent, last)?.place ?? keyPlace(root, path.slice(0, -1))
}

/** Where the value at `path` was written; the key where the value is empty or a map that begins on another line. */
export function valuePlace(root: Entry, path: Path): Place {
  const node = nodeAt(root.value, path)
  if (node === undefined || node.kind === 'map') return keyPlace(root, path)
  return node.place.end > node.place.start ? node.place : keyPlace(root, path)
}

/** The words of a message for a value: `the text "abc"`, `the number 5`, `a map`. */
export function describeNode(node: Node | undefined, showValue: boolean): string {
  if (node === undefined) return 'nothing'
  if (node.kind !== 'scalar') return node.kind === 'map' ? 'a map' : 'a list'
  const { value } = node
  if (value === null) return 'an empty value'
  const noun = typeof value === 'string' ? 'text' : typeof value === 'number' ? 'number' : 'value'
  if (!showValue || node.concealed)
    return noun === 'text' || noun === 'value' ? `a ${noun} (not shown)` : 'a number (not shown)'
  if (typeof value !== 'string') return `the ${noun} ${value}`
  return value === '' ? 'an empty text' : `the text ${JSON.stringify(shortened(withoutUrlSecrets(value)))}`
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 59)}…` : text
}

/** Lets excerpts show the keys of a map. */
export function markKeys(node: Node): void {
  if (node.kind === 'map') for (const { key } of node.entries.values()) markKey(key)
}

export type ReportFinding = (finding: Finding) => void
