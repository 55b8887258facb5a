// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's syntax in texts for people
/** YAML text → tree, with every mistake told at its place. */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Pair,
  type Node as ParsedNode,
  parseDocument,
  type Scalar,
  visit,
  type YAMLError,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import type { Finding } from '../problem.ts'
import { type ConfigSource, markHarmless, markKey, type Place, shownKey } from './source.ts'
import type { Entry, MapNode, Node, Plain, ReportFinding, ScalarNode } from './tree.ts'

/** Most values in one document once its aliases are written out. */
export const NODES_MAX = 100_000
/** Most mistakes of syntax told of one document. */
const MISTAKES_MAX = 20
/** Deepest nesting. */
export const DEPTH_MAX = 100

/**
 * Reads the YAML of a source from the character `from` on.
 * Undefined after a syntax error; an empty document is a null. `report` gets every mistake.
 */
export function readYaml(source: ConfigSource, report: ReportFinding, from = 0): Node | undefined {
  const text = source.text.slice(from)
  const place = (start: number, end: number): Place => ({
    source,
    start: from + start,
    end: from + Math.max(start, end),
  })
  try {
    const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, logLevel: 'error' })
    const mistakes = firstUnexpected([...document.errors, ...document.warnings])
    if (mistakes.length > 0) markKeyWords(source, from)
    for (const mistake of mistakes) report(explainSyntax(mistake, place, text, document))
    if (mistakes.length > 0) return undefined
    return new Reader(place, report).read(document.contents as ParsedNode | null)
  } catch (error) {
    // The parser recurses: absurd nesting ends its stack.
    if (!(error instanceof RangeError) && !(error instanceof TooMuch)) throw error
    const [message, at] = error instanceof TooMuch ? [error.message, error.at] : ['the YAML is nested too deeply', 0]
    markKeyWords(source, from)
    report({
      place: place(at, at + 1),
      path: [],
      message,
      advice: `at most ${NODES_MAX} values, ${DEPTH_MAX} levels deep`,
    })
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
  readonly #report: ReportFinding
  readonly #anchors = new Map<string, ParsedNode>()
  readonly #open = new Set<ParsedNode>()
  #count = 0
  /** Start of the outermost alias that is being written out. */
  #aliasAt: number | undefined

  constructor(place: (start: number, end: number) => Place, report: ReportFinding) {
    this.#place = place
    this.#report = report
  }

  read(node: ParsedNode | null, depth = 0): Node {
    const at = this.#aliasAt ?? node?.range?.[0] ?? 0
    if (++this.#count > NODES_MAX) throw new TooMuch('the YAML aliases stand for too many values', at)
    if (depth > DEPTH_MAX) throw new TooMuch('the YAML is nested too deeply', at)
    if (node === null) return this.#null(at)
    if (isAlias(node)) return this.#alias(node, depth)
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    this.#open.add(node)
    const read = isMap(node)
      ? this.#map(node, depth)
      : isSeq(node)
        ? this.#list(node, depth)
        : this.#scalar(node as Scalar)
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
    const plain =
      known && !(typeof value === 'number' && !Number.isFinite(value)) ? (value as Plain) : (node.source ?? '')
    return { kind: 'scalar', value: plain, place: this.#at(node) }
  }

  #list(node: YAMLSeq, depth: number): Node {
    const items = node.items.map((item) => this.read(item as ParsedNode | null, depth + 1))
    return { kind: 'list', items, place: this.#at(node) }
  }

  #alias(node: Alias, depth: number): Node {
    const target = this.#anchors.get(node.source)
    if (target && !this.#open.has(target)) return this.#writeOut(target, node, depth)
    // The name is not shown: a password may begin with an asterisk.
    const message = target
      ? 'found an alias that contains itself'
      : 'found an alias (`*…`) that has no anchor before it'
    const advice = 'put a text that begins with * in quotes, or write the anchor (`&…`) at a value above this line'
    this.#report({ place: this.#at(node), path: [], message, advice })
    return this.#null(node.range?.[0] ?? 0)
  }

  #writeOut(target: ParsedNode, alias: Alias, depth: number): Node {
    const outermost = this.#aliasAt
    this.#aliasAt ??= alias.range?.[0] ?? 0
    const written = this.read(target, depth + 1)
    this.#aliasAt = outermost
    return written
  }

  #map(node: YAMLMap, depth: number): MapNode {
    const entries = new Map<string, Entry>()
    const merged: MapNode[] = []
    for (const pair of node.items) this.#pair(pair as Pair<ParsedNode, ParsedNode | null>, depth, entries, merged)
    // A merge key gives what the map itself does not say; of several the first wins (YAML 1.1, `<<`).
    for (const [key, entry] of merged.flatMap((map) => [...map.entries])) if (!entries.has(key)) entries.set(key, entry)
    return { kind: 'map', entries, place: this.#at(node) }
  }

  #pair(
    pair: Pair<ParsedNode, ParsedNode | null>,
    depth: number,
    entries: Map<string, Entry>,
    merged: MapNode[],
  ): void {
    const place = this.#at(pair.key)
    const key = isScalar(pair.key)
      ? typeof pair.key.value === 'string'
        ? pair.key.value
        : (pair.key.source ?? '')
      : ''
    if (!isScalar(pair.key) || key === '') {
      this.#report({
        place,
        path: [],
        message: 'found a key that is not a text',
        advice: 'write a word before the colon',
      })
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
      markKey(place)
      const line = first.key.source.text.slice(0, first.key.start).split('\n').length
      const message = `the key \`${shownKey(key)}\` is already given in line ${line}`
      this.#report({ place, path: [], message, advice: 'keep one of the two, or merge their contents' })
    } else entries.set(key, { key: place, value })
  }

  #merge(value: Node, merged: MapNode[]): void {
    for (const item of value.kind === 'list' ? value.items : [value]) {
      if (item.kind === 'map') merged.push(item)
      else
        this.#report({
          place: item.place,
          path: [],
          message: 'the merge key `<<` wants a map',
          advice: 'write <<: *anchor',
        })
    }
  }
}

/** The parser's mistakes in the words of somebody who writes configs. */
const SYNTAX: { readonly [code in YAMLError['code']]?: readonly [message: string, advice: string] } = {
  TAB_AS_INDENT: ['found a tab in the indentation', 'indent with spaces'],
  BAD_INDENT: ['the indentation does not fit the lines above', 'align it with the other keys of the same map'],
  BLOCK_AS_IMPLICIT_KEY: [
    'found a second `key: value` in a value',
    'put the value in quotes, or the inner key on a line of its own',
  ],
  MULTILINE_IMPLICIT_KEY: [
    'found a line that is neither a key nor a value',
    'a key needs a colon and a space after it',
  ],
  BAD_SCALAR_START: ['found a value that begins with a reserved character', 'put the value in quotes'],
  BAD_DQ_ESCAPE: ['found an unknown escape in a text in double quotes', 'use single quotes, or double the backslash'],
  MULTIPLE_DOCS: ['found a second document (`---`)', 'a config is one document; give the second as another --config'],
  TAG_RESOLVE_FAILED: ['found an unknown tag (`!…`)', 'remove the tag, or put the value in quotes'],
  BAD_COLLECTION_TYPE: ['found an unknown tag (`!…`)', 'remove the tag, or put the value in quotes'],
  BAD_ALIAS: ['found a broken alias or anchor', 'put a value that begins with * or & in quotes'],
}

function explainSyntax(
  error: YAMLError,
  place: (start: number, end: number) => Place,
  text: string,
  document: Document.Parsed,
): Finding {
  const open = /^Flow|must end with|closing ["']/.test(error.message)
    ? openedBefore(document, text, error.pos[0])
    : undefined
  const at = open?.range?.[0] ?? error.pos[0]
  const lineStart = text.lastIndexOf('\n', at - 1) + 1
  const line = text.slice(lineStart).split('\n', 1)[0] ?? ''
  const end = Math.min(open ? at + 1 : error.pos[1], lineStart + line.length)
  const [message, advice] = open ? unclosed(open) : (SYNTAX[error.code] ?? UNEXPECTED)
  return {
    place: place(at, Math.max(end, at + 1)),
    path: [],
    message: `the YAML is broken: ${message}`,
    advice: substitutesInFlow(line) && !isScalar(open) ? 'inside [ ] and { } put "${…}" in quotes' : advice,
  }
}

/** `{a: ${env:B}}`: the brace ends the value. */
function substitutesInFlow(line: string): boolean {
  const flow = line.search(/[[{]/)
  return flow !== -1 && /[\s,[:]\$\{/.test(line.slice(flow))
}

const UNEXPECTED = [
  'found something that does not belong here',
  'check quotes, brackets and braces in this line and above',
] as const

/** After something that it cannot place, the parser complains of everything behind it. */
function firstUnexpected(errors: readonly YAMLError[]): readonly YAMLError[] {
  const first = errors.findIndex(({ code }) => SYNTAX[code] === undefined)
  return errors.slice(0, first === -1 ? MISTAKES_MAX : Math.min(first + 1, MISTAKES_MAX))
}

/** The parser tells where it missed the end; people look for the beginning. */
function openedBefore(document: Document.Parsed, text: string, at: number): ParsedNode | undefined {
  let found: ParsedNode | undefined
  visit(document, {
    Node(_, node) {
      const opens = isScalar(node) ? /^QUOTE/.test(node.type ?? '') : !isAlias(node) && (node as YAMLMap).flow
      const [start, valueEnd] = node.range ?? [at, at]
      if (opens && start < at && (valueEnd - start < 2 || text[valueEnd - 1] !== closer(node as ParsedNode))) {
        found = node as ParsedNode
      }
    },
  })
  return found
}

function unclosed(node: ParsedNode): readonly [message: string, advice: string] {
  const end = closer(node)
  return [`no ${end} closes this`, `write ${end} at its end`]
}

function closer(node: ParsedNode): string {
  if (isScalar(node)) return node.type === 'QUOTE_SINGLE' ? "'" : '"'
  return isMap(node) ? '}' : ']'
}

/** Lets excerpts of broken YAML show the keys at the beginning of lines. */
function markKeyWords(source: ConfigSource, from: number): void {
  for (const { index, 0: start, 1: key = '' } of source.text.slice(from).matchAll(/^[\s-]*([\w./-]+):(?=\s|$)/gm)) {
    const end = from + index + start.length - 1
    markHarmless({ source, start: end - key.length, end })
  }
}
