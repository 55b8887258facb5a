/** YAML text → tree, with every mistake told at its place. */
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type Node as ParsedNode,
  parseDocument,
  type Scalar,
  type YAMLError,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import type { Place, Source } from './source.ts'
import type { Entry, MapNode, Node, Plain, Report, ScalarNode } from './tree.ts'

/** Most values in one document once its aliases are written out. */
export const NODES_MAX = 100_000
/** Deepest nesting. */
export const DEPTH_MAX = 100

/**
 * Reads the YAML of a source from the character `from` on.
 * Undefined after a syntax error; an empty document is a null. `report` gets every mistake.
 */
export function readYaml(source: Source, report: Report, from = 0): Node | undefined {
  const text = source.text.slice(from)
  const place = (start: number, end: number): Place => ({ source, start: from + start, end: from + Math.max(start, end) })
  try {
    const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, logLevel: 'silent' })
    const mistakes = [...document.errors, ...document.warnings]
    for (const mistake of mistakes) reportSyntax(mistake, place, report, text)
    if (mistakes.length > 0) return undefined
    return new Reader(place, report).read(document.contents as ParsedNode | null)
  } catch (error) {
    // The parser recurses: absurd nesting ends its stack.
    if (!(error instanceof RangeError) && !(error instanceof TooMuch)) throw error
    const [message, at] = error instanceof TooMuch ? [error.message, error.at] : ['the YAML is nested too deeply', 0]
    report({ place: place(at, at + 1), path: [], message, advice: `at most ${NODES_MAX} values, ${DEPTH_MAX} levels deep` })
    return undefined
  }
}

class TooMuch extends Error {
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

/** Walks one parsed document. Aliases are written out as they are met, counted like everything else. */
class Reader {
  readonly #place: (start: number, end: number) => Place
  readonly #report: Report
  readonly #anchors = new Map<string, ParsedNode>()
  readonly #open = new Set<ParsedNode>()
  #count = 0

  constructor(place: (start: number, end: number) => Place, report: Report) {
    this.#place = place
    this.#report = report
  }

  read(node: ParsedNode | null, depth = 0): Node {
    const at = node?.range?.[0] ?? 0
    if (++this.#count > NODES_MAX) throw new TooMuch('the YAML aliases stand for too many values', at)
    if (depth > DEPTH_MAX) throw new TooMuch('the YAML is nested too deeply', at)
    if (node === null) return this.#null(at)
    if (isAlias(node)) return this.#alias(node, depth)
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    this.#open.add(node)
    const read = isMap(node) ? this.#map(node, depth) : isSeq(node) ? this.#list(node, depth) : this.#scalar(node as Scalar)
    this.#open.delete(node)
    return read
  }

  #at(node: ParsedNode): Place {
    return this.#place(node.range?.[0] ?? 0, node.range?.[1] ?? 0)
  }

  #null(at: number): ScalarNode {
    return { kind: 'scalar', value: null, place: this.#place(at, at) }
  }

  #scalar(node: Scalar): Node {
    const { value } = node
    const known = value === null || ['string', 'number', 'boolean'].includes(typeof value)
    // Infinity and NaN have no meaning in a config; as text they fail where a number is wanted.
    const plain = known && !(typeof value === 'number' && !Number.isFinite(value)) ? (value as Plain) : (node.source ?? '')
    return { kind: 'scalar', value: plain, place: this.#at(node) }
  }

  #list(node: YAMLSeq, depth: number): Node {
    const items = node.items.map((item) => this.read(item as ParsedNode | null, depth + 1))
    return { kind: 'list', items, place: this.#at(node) }
  }

  #alias(node: Alias, depth: number): Node {
    const target = this.#anchors.get(node.source)
    if (target && !this.#open.has(target)) return { ...this.read(target, depth + 1) }
    const message = target ? `the alias *${node.source} contains itself` : `the alias *${node.source} has no anchor before it`
    this.#report({ place: this.#at(node), path: [], message, advice: `write &${node.source} at a value above this line` })
    return this.#null(node.range?.[0] ?? 0)
  }

  #map(node: YAMLMap, depth: number): MapNode {
    const entries = new Map<string, Entry>()
    const merged: MapNode[] = []
    for (const pair of node.items) this.#pair(pair as Pair<ParsedNode, ParsedNode | null>, depth, entries, merged)
    // A merge key gives what the map itself does not say; of several the first wins (YAML 1.1, `<<`).
    for (const [key, entry] of merged.flatMap((map) => [...map.entries])) if (!entries.has(key)) entries.set(key, entry)
    return { kind: 'map', entries, place: this.#at(node) }
  }

  #pair(pair: Pair<ParsedNode, ParsedNode | null>, depth: number, entries: Map<string, Entry>, merged: MapNode[]): void {
    const place = this.#at(pair.key)
    const key = isScalar(pair.key) ? (typeof pair.key.value === 'string' ? pair.key.value : (pair.key.source ?? '')) : ''
    if (!isScalar(pair.key) || key === '') {
      this.#report({ place, path: [], message: 'found a key that is not a text', advice: 'write a word before the colon' })
      return
    }
    if (pair.key.anchor !== undefined) this.#anchors.set(pair.key.anchor, pair.key)
    const at = pair.value?.range ? pair.value.range[0] : (pair.key.range?.[1] ?? 0)
    const value = pair.value === null ? this.#null(at) : this.read(pair.value, depth + 1)
    if (key === '<<') return this.#merge(value, merged)
    const first = entries.get(key)
    if (key === '__proto__') {
      this.#report({ place, path: [], message: 'the key `__proto__` is not allowed', advice: 'remove it' })
    } else if (first) {
      const line = first.key.source.text.slice(0, first.key.start).split('\n').length
      const message = `the key \`${key}\` is already given in line ${line}`
      this.#report({ place, path: [], message, advice: 'keep one of the two, or merge their contents' })
    } else entries.set(key, { key: place, value })
  }

  #merge(value: Node, merged: MapNode[]): void {
    for (const item of value.kind === 'list' ? value.items : [value]) {
      if (item.kind === 'map') merged.push(item)
      else this.#report({ place: item.place, path: [], message: 'the merge key `<<` wants a map', advice: 'write <<: *anchor' })
    }
  }
}

/** The parser's mistakes in the words of somebody who writes configs. */
const SYNTAX: { readonly [code in YAMLError['code']]?: readonly [message: string, advice: string] } = {
  TAB_AS_INDENT: ['found a tab in the indentation', 'indent with spaces'],
  BAD_INDENT: ['the indentation does not fit the lines above', 'align it with the other keys of the same map'],
  BLOCK_AS_IMPLICIT_KEY: ['found a second `key: value` in a value', 'put the value in quotes, or the inner key on a line of its own'],
  MULTILINE_IMPLICIT_KEY: ['found a line that is neither a key nor a value', 'a key needs a colon and a space after it'],
  BAD_SCALAR_START: ['found a value that begins with a reserved character', 'put the value in quotes'],
  BAD_DQ_ESCAPE: ['found an unknown escape in a text in double quotes', 'use single quotes, or double the backslash'],
  MULTIPLE_DOCS: ['found a second document (`---`)', 'a config is one document; give the second as another --config'],
  TAG_RESOLVE_FAILED: ['found an unknown tag (`!…`)', 'remove the tag, or put the value in quotes'],
  BAD_COLLECTION_TYPE: ['found an unknown tag (`!…`)', 'remove the tag, or put the value in quotes'],
  BAD_ALIAS: ['found a broken alias or anchor', 'put a value that begins with * or & in quotes'],
}

function reportSyntax(error: YAMLError, place: (start: number, end: number) => Place, report: Report, text: string): void {
  const [message, advice] = SYNTAX[error.code] ?? [unbalanced(error), 'check quotes, brackets and braces in this line and above']
  const lineStart = text.lastIndexOf('\n', error.pos[0] - 1) + 1
  const line = text.slice(lineStart).split('\n', 1)[0] ?? ''
  const inFlow = /[[{][^'"]*\$\{/.test(line) && !SYNTAX[error.code]
  const end = Math.min(error.pos[1], lineStart + line.length)
  report({
    place: place(error.pos[0], Math.max(end, error.pos[0] + 1)),
    path: [],
    message: `the YAML is broken: ${message}`,
    advice: inFlow ? 'inside [ ] and { } put "${…}" in quotes' : advice,
  })
}

function unbalanced(error: YAMLError): string {
  const expected = /Missing closing (["'])|expected.*?(["']?[\]}])/i.exec(error.message)
  const quote = /closing (["'])/.exec(error.message)?.[1]
  if (quote) return `a quote ${quote} is not closed`
  return expected ? 'a bracket is not closed' : 'found something unexpected'
}
