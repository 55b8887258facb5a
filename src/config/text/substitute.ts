// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the syntax that this file is about
/**
 * `${env:NAME}`, `${env:NAME:-default}`, `${NAME}`, `${file:PATH}`, `${yaml:…}`, nested, and `$$` for a dollar sign.
 * As the Collector's confmap does it: after merging, in values only, and what was substituted is substituted again.
 * One form more, which shells have: `${env:NAME:+text}` is the text if the variable is set and not empty; otherwise it is
 * nothing, and in a list not even an entry, so that a variable can put an exporter into a pipeline.
 */
import type { Finding, Path } from '../problem.ts'
import {
  type ConfigSource,
  createSource,
  type Environment,
  FILE_BYTES_MAX,
  markHarmless,
  type Place,
} from './source.ts'
import type { Entry, Node, ScalarNode } from './tree.ts'
import { readYaml } from './yaml.ts'

/** Most substitutions in one config. */
export const SUBSTITUTIONS_MAX = 1000
/** Deepest nesting of values that hold further substitutions. */
export const SUBSTITUTION_DEPTH_MAX = 50

export interface Substituted {
  readonly tree: Node
  readonly errors: readonly Finding[]
  readonly warnings: readonly Finding[]
  /** Texts of `${env:NAME:+text}` whose variable is not set: what they name is not used, and meant to be so. */
  readonly spare: ReadonlySet<string>
  /** Files read by `${file:…}`. */
  readonly files: readonly string[]
  readonly sources: readonly ConfigSource[]
}

/** Replaces every substitution in the values of a merged tree. */
export function substitute(tree: Node, environment: Environment): Substituted {
  const substitution = new Substitution(environment)
  const result = substitution.node(tree, [], 0)
  return { tree: result, ...substitution.outcome() }
}

/** A value that was fetched: its text, and where it came from. */
interface Fetched {
  readonly text: string | null
  readonly concealed: boolean
  /** A text even if it looks like something else. */
  readonly verbatim?: boolean
  /** Nothing, and not an entry of a list either. */
  readonly absent?: boolean
  /** Where values inside it are placed: the substituted file, or the place of the `${…}`. */
  readonly source?: ConfigSource
}

const NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/

class Substitution {
  readonly #environment: Environment
  readonly #errors: Finding[] = []
  readonly #warnings: Finding[] = []
  readonly #spare = new Set<string>()
  readonly #files = new Set<string>()
  readonly #sources: ConfigSource[] = []
  #count = 0

  constructor(environment: Environment) {
    this.#environment = environment
  }

  outcome(): Omit<Substituted, 'tree'> {
    const files = [...this.#files]
    return { errors: this.#errors, warnings: this.#warnings, spare: this.#spare, files, sources: this.#sources }
  }

  node(node: Node, path: Path, depth: number): Node {
    if (node.kind === 'list') {
      const items = node.items.map((item, index) => this.node(item, [...path, index], depth))
      return { ...node, items: items.filter((item) => item !== ABSENT) }
    }
    if (node.kind === 'scalar') return this.#scalar(node, path, depth)
    const entries = new Map<string, Entry>()
    for (const [key, entry] of node.entries) {
      entries.set(key, { key: entry.key, value: this.node(entry.value, [...path, key], depth) })
    }
    return { ...node, entries }
  }

  #scalar(node: ScalarNode, path: Path, depth: number): Node {
    const { value, place } = node
    if (typeof value !== 'string' || !value.includes('$')) return node
    markReferences(place)
    const end = closing(value, 0)
    if (end === value.length - 1) return this.#whole(value, node, path, depth)
    const text = this.#text(value, place, path, depth)
    return { ...node, value: text.text, concealed: node.concealed || text.concealed }
  }

  /** The value is one `${…}`: it becomes whatever YAML the text is. */
  #whole(value: string, node: ScalarNode, path: Path, depth: number): Node {
    const { place } = node
    const fetched = this.#fetch(value.slice(2, -1), place, path, depth)
    const { text, concealed } = fetched
    if (fetched.absent && typeof path.at(-1) === 'number') return ABSENT
    if (text === null) return { kind: 'scalar', value: null, place }
    if (fetched.verbatim || text.length > FILE_BYTES_MAX) return { kind: 'scalar', value: text, place, concealed }
    const read = readQuietly(fetched.source ?? createSource('substituted', text, true))
    if (read === undefined || (read.kind === 'scalar' && typeof read.value === 'string')) {
      // A text is taken as it stands, with what YAML would have removed: quotes, a trailing comment.
      const inner: ScalarNode = { kind: 'scalar', value: text, place, concealed }
      const expanded = this.#scalar(inner, path, depth + 1)
      return { ...expanded, concealed: expanded.concealed || concealed }
    }
    const original = text.includes('${') ? this.#text(text, place, path, depth + 1).text : text
    const placed = settle(this.node(read, path, depth + 1), fetched.source ? undefined : place, concealed)
    return { ...placed, place, original }
  }

  /** The text with every substitution in it written out. */
  #text(value: string, place: Place, path: Path, depth: number): { text: string; concealed: boolean } {
    let text = ''
    let concealed = false
    let at = 0
    while (at < value.length) {
      const dollar = value.indexOf('$', at)
      if (dollar === -1) break
      text += value.slice(at, dollar)
      const next = value[dollar + 1]
      const end = next === '{' ? closing(value, dollar) : -1
      if (end === -1) {
        if (next === '{')
          this.#warn(place, path, 'found `${` without `}`', 'close it, or write $${ for the characters ${')
        text += '$'
        at = dollar + (next === '$' ? 2 : 1)
        continue
      }
      const fetched = this.#fetch(value.slice(dollar + 2, end), place, path, depth)
      const inner = fetched.text ?? ''
      const expanded = inner.includes('$')
        ? this.#text(inner, place, path, depth + 1)
        : { text: inner, concealed: false }
      text += expanded.text
      concealed ||= fetched.concealed || expanded.concealed
      at = end + 1
      if (text.length > FILE_BYTES_MAX) {
        this.#error(place, path, 'the substituted text is too long', `at most ${FILE_BYTES_MAX} characters`)
        return { text: '', concealed }
      }
    }
    return { text: text + value.slice(at), concealed }
  }

  #fetch(reference: string, place: Place, path: Path, depth: number): Fetched {
    const nothing = { text: null, concealed: false }
    if (++this.#count > SUBSTITUTIONS_MAX || depth > SUBSTITUTION_DEPTH_MAX) {
      const advice = `at most ${SUBSTITUTIONS_MAX} substitutions, ${SUBSTITUTION_DEPTH_MAX} deep; does a value refer to itself?`
      if (this.#count <= SUBSTITUTIONS_MAX + 1) this.#error(place, path, 'found too many substitutions', advice)
      this.#count = SUBSTITUTIONS_MAX + 1
      return nothing
    }
    const inner = reference.includes('${') ? this.#text(reference, place, path, depth + 1).text : reference
    const [, scheme, opaque = ''] = /^([a-zA-Z][a-zA-Z0-9+.-]*):(?![-+])(.*)$/s.exec(inner) ?? []
    if (scheme === undefined) return this.#variable(inner, place, path)
    if (scheme === 'env') return this.#variable(opaque, place, path)
    if (scheme === 'file') return this.#file(opaque, place, path)
    if (scheme === 'yaml') return { text: opaque, concealed: false }
    const message = `found the unknown scheme "${scheme}" in a substitution`
    this.#error(
      place,
      path,
      message,
      'expected ${env:NAME}, ${file:/path} or ${yaml:…}; write $${ for the characters ${',
    )
    return nothing
  }

  #variable(reference: string, place: Place, path: Path): Fetched {
    const [, name = reference, operator, operand = ''] = /^(.*?):([-+])(.*)$/s.exec(reference) ?? []
    if (!NAME.test(name)) {
      const message = 'found a substitution that is no environment variable: a name has letters, digits and _'
      this.#error(place, path, message, 'write ${env:NAME}, or $${ for the characters ${')
      return { text: null, concealed: false }
    }
    const value = this.#environment.variables[name]
    if (operator === '+') {
      if (value) return { text: operand, concealed: false, verbatim: operand === '' }
      this.#spare.add(operand)
      return { text: null, concealed: false, absent: true }
    }
    if (value !== undefined) return { text: value, concealed: true }
    if (operator === '-') return { text: operand, concealed: false, verbatim: operand === '' }
    this.#warn(
      place,
      path,
      `the environment variable ${name} is not set`,
      `set it, or give a default: \${env:${name}:-default}`,
    )
    return { text: null, concealed: false }
  }

  #file(path: string, place: Place, at: Path): Fetched {
    try {
      const text = this.#environment.readFile(path, FILE_BYTES_MAX).replace(/\r?\n$/, '')
      this.#files.add(path)
      const source = createSource(path, text, true)
      this.#sources.push(source)
      return { text, concealed: true, source }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      const why = code === 'ENOENT' ? 'it does not exist' : (error as Error).message
      this.#error(place, at, `cannot read the substituted file ${path}: ${why}`, 'check the path and its permissions')
      return { text: null, concealed: false }
    }
  }

  #error(place: Place, path: Path, message: string, advice: string): void {
    this.#errors.push({ place, path, message, advice })
  }

  #warn(place: Place, path: Path, message: string, advice: string): void {
    this.#warnings.push({ place, path, message, advice })
  }
}

/** Stands for an entry of a list that is not to be there. */
const ABSENT: Node = { kind: 'scalar', value: null, place: { source: createSource('', '', true), start: 0, end: 0 } }

/** What is referred to is no secret; a default may be one. */
function markReferences({ source, start, end }: Place): void {
  for (const { index, 0: reference } of source.text.slice(start, end).matchAll(/\$\{(?:(?:env|file):)?[\w./-]+\}/g)) {
    markHarmless({ source, start: start + index, end: start + index + reference.length })
  }
}

/** Index of the `}` that closes the `${` at `start`; -1 if there is none there. */
function closing(value: string, start: number): number {
  if (!value.startsWith('${', start)) return -1
  let open = 0
  for (let at = start; at < value.length; at++) {
    if (value.startsWith('${', at)) open++
    else if (value[at] === '}' && --open === 0) return at
  }
  return -1
}

/** Undefined where the text is no YAML: it is then meant literally. */
function readQuietly(source: ConfigSource): Node | undefined {
  let broken = false
  const node = readYaml(source, () => {
    broken = true
  })
  return broken ? undefined : node
}

/** Puts values of no visible source at the place of their `${…}`, and marks what must not be shown. */
function settle(node: Node, place: Place | undefined, concealed: boolean): Node {
  const common = { place: place ?? node.place, concealed: node.concealed || concealed }
  if (node.kind === 'scalar') return { ...node, ...common }
  if (node.kind === 'list')
    return { ...node, ...common, items: node.items.map((item) => settle(item, place, concealed)) }
  const settleEntry = ({ key, value }: Entry): Entry => ({ key: place ?? key, value: settle(value, place, concealed) })
  return { ...node, ...common, entries: new Map([...node.entries].map(([key, entry]) => [key, settleEntry(entry)])) }
}
