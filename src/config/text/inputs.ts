/** `--config` and `--set` arguments → trees, in the order in which they are merged. */
import { type ConfigSource, createSource, type Environment, FILE_BYTES_MAX, type Place, SOURCES_MAX } from './source.ts'
import type { Entry, MapNode, Node, ReportFinding } from './tree.ts'
import { readYaml } from './yaml.ts'

/** What stands on the command line. */
export interface Inputs {
  /** URIs: a path, `file:PATH`, `env:NAME`, `yaml:key::path: value`. */
  readonly configs: readonly string[]
  /** `key.path=value`, applied after all configs. */
  readonly sets?: readonly string[] | undefined
}

export interface InputsRead {
  readonly trees: readonly Node[]
  readonly sources: readonly ConfigSource[]
  /** Paths of the files read, for somebody who watches them. */
  readonly files: readonly string[]
}

/** Reads every input; `report` gets each that cannot be read. */
export function readInputs(inputs: Inputs, environment: Environment, report: ReportFinding): InputsRead {
  const { configs, sets = [] } = inputs
  const sources: ConfigSource[] = []
  const trees: Node[] = []
  const files: string[] = []
  if (configs.length === 0) {
    report({ file: 'command line', path: [], message: 'no config given', advice: 'start with --config collector.yaml' })
  }
  if (configs.length + sets.length > SOURCES_MAX) {
    const message = `found ${configs.length + sets.length} sources, expected at most ${SOURCES_MAX}`
    report({ file: 'command line', path: [], message, advice: 'put several settings into one file' })
    return { trees, sources, files }
  }
  for (const uri of configs) {
    const tree = readConfig(uri, environment, report, sources, files)
    if (tree) trees.push(tree)
  }
  for (const argument of sets) {
    const tree = readSet(argument, report, sources)
    if (tree) trees.push(tree)
  }
  return { trees, sources, files }
}

function readConfig(
  uri: string,
  environment: Environment,
  report: ReportFinding,
  sources: ConfigSource[],
  files: string[],
): Node | undefined {
  // One letter before a colon is a drive, not a scheme.
  const [, scheme = 'file', opaque = uri] = /^([a-z][a-z0-9+.-]+):(.*)$/is.exec(uri) ?? []
  if (scheme === 'yaml') {
    const source = createSource(`yaml:${opaque.split(/:\s|\n/, 1)[0]}`, opaque)
    sources.push(source)
    const tree = readYaml(source, report)
    return tree && mapOnly(splitKeys(tree), report)
  }
  const text =
    scheme === 'file' ? readFile(opaque, environment, report) : readVariable(scheme, opaque, environment, report)
  if (text === undefined) return undefined
  const source = createSource(scheme === 'file' ? opaque : `env:${opaque}`, text)
  sources.push(source)
  if (scheme === 'file') files.push(opaque)
  const tree = readYaml(source, report)
  return tree && mapOnly(tree, report)
}

function readFile(path: string, environment: Environment, report: ReportFinding): string | undefined {
  try {
    return environment.readFile(path, FILE_BYTES_MAX)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const message = `cannot read the file: ${code === 'ENOENT' ? 'it does not exist' : (error as Error).message}`
    report({ file: path, path: [], message, advice: 'check the path given with --config and its permissions' })
    return undefined
  }
}

function readVariable(
  scheme: string,
  name: string,
  environment: Environment,
  report: ReportFinding,
): string | undefined {
  if (scheme !== 'env') {
    const message = `found the scheme "${scheme}", expected file, env or yaml`
    report({ file: '--config', path: [], message, advice: 'give a path, file:PATH, env:NAME or yaml:key::path: value' })
    return undefined
  }
  const text = environment.variables[name]
  if (text !== undefined && text.length <= FILE_BYTES_MAX) return text
  const message = text === undefined ? 'the environment variable is not set' : 'the environment variable is too long'
  report({ file: `env:${name}`, path: [], message, advice: 'let it hold the YAML of a config' })
  return undefined
}

/** A config source has to be a map; an empty one adds nothing. */
function mapOnly(tree: Node, report: ReportFinding): Node | undefined {
  if (tree.kind === 'map') return tree
  if (tree.kind === 'scalar' && tree.value === null) return { kind: 'map', entries: new Map(), place: tree.place }
  const message = `found a ${tree.kind === 'list' ? 'list' : 'text'}, expected a map with receivers, exporters, service, …`
  report({
    place: tree.place,
    path: [],
    message,
    advice: 'begin the lines with `receivers:` and so on, each with a space after the colon',
  })
  return undefined
}

/** `exporters::debug::verbosity: detailed` is a path of keys. */
function splitKeys(node: Node): Node {
  if (node.kind === 'list') return { ...node, items: node.items.map(splitKeys) }
  if (node.kind === 'scalar') return node
  const entries = new Map<string, Entry>()
  for (const [key, { key: place, value }] of node.entries) {
    const [first, ...rest] = placeSegments(key, '::', place)
    let inner = splitKeys(value)
    for (const segment of rest.reverse()) inner = mapOf(segment.name, segment.place, inner)
    entries.set(first!.name, { key: first!.place, value: inner })
  }
  return { ...node, entries }
}

function readSet(argument: string, report: ReportFinding, sources: ConfigSource[]): Node | undefined {
  const equals = argument.indexOf('=')
  const path = argument.slice(0, Math.max(0, equals)).trim()
  const source = createSource(`--set ${path || argument.split('=', 1)[0]}`, argument)
  sources.push(source)
  const key: Place = { source, start: 0, end: equals === -1 ? argument.length : equals }
  if (path === '' || path.split('.').includes('')) {
    report({
      place: key,
      path: [],
      message: 'found no key and value, expected key.path=value',
      advice: 'for example --set processors.batch.timeout=2s',
    })
    return undefined
  }
  const value = readYaml(source, report, equals + 1)
  if (!value) return undefined
  return placeSegments(path, '.', key).reduceRight<Node>((inner, { name, place }) => mapOf(name, place, inner), value)
}

function placeSegments(path: string, separator: string, { source, start }: Place): { name: string; place: Place }[] {
  let at = start
  return path.split(separator).map((name) => {
    const place = { source, start: at, end: at + name.length }
    at = place.end + separator.length
    return { name: name.trim(), place }
  })
}

function mapOf(name: string, place: Place, value: Node): MapNode {
  return { kind: 'map', entries: new Map([[name, { key: place, value }]]), place }
}
