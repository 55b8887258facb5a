/**
 * The configuration of Sluice, from the command line to what the daemon builds.
 *
 * ```
 * --config, --set ─ inputs ─▶ trees ─ merge ─▶ one tree ─ substitute ─▶ ReadConfig, which says what it declares
 *   ReadConfig, factories of that ─ parse (zod, pipelines) ─▶ LoadedConfig
 * ```
 * - `source`, `yaml`, `tree`, `inputs`: text to trees that know file, line and column of each key and value
 * - `substitute`: `${env:NAME:-default}`, `${file:…}`, `${yaml:…}`
 * - `validate`, `declared`, `parse`, `pipelines`, `service`: trees against the factories' schemas, all mistakes at once
 * - `problem`, `suggest`: mistakes as text, secrets masked
 * - `blocks`, `units`: schema blocks for components (durations, endpoints, TLS, retry, queue, …)
 * - `commands`, `json_schema`: the bodies of `components`, `print-config` and `schema`
 * - `compare`: what a reload has to touch
 *
 * The syntax, the order of merging and the defaults are the OpenTelemetry Collector's.
 */
import type { Factory } from '../component.ts'
import { type DeclaredType, declaredTypes } from './declared.ts'
import { type ParsedConfig, parseConfig } from './parse.ts'
import { ConfigError, type Finding, type Problem, toProblems } from './problem.ts'
import { type Inputs, readInputs } from './text/inputs.ts'
import type { ConfigSource, Environment } from './text/source.ts'
import { substitute } from './text/substitute.ts'
import { mergeTrees, type Node } from './text/tree.ts'

export interface LoadedConfig extends ParsedConfig {
  /** What is worth a log line and no reason to stop: older names, unset variables, unused components. */
  readonly warnings: readonly Problem[]
  /** Paths of the files that were read, substituted ones included: a change of one may change the config. */
  readonly files: readonly string[]
}

/** A config that was read, merged and substituted; what its components are like is not known yet. */
export interface ReadConfig {
  /** Kinds and types of the components that it declares. */
  readonly types: readonly DeclaredType[]
  readonly tree: Node
  readonly sources: readonly ConfigSource[]
  readonly files: readonly string[]
  readonly spare: ReadonlySet<string>
  readonly errors: readonly Finding[]
  readonly warnings: readonly Finding[]
}

/** Throws a `ConfigError` if something cannot be read as YAML, which hides all other problems. */
export function readConfig(inputs: Inputs, environment: Environment): ReadConfig {
  const errors: Finding[] = []
  const { trees, sources, files } = readInputs(inputs, environment, (finding) => errors.push(finding))
  const [first, ...rest] = trees
  const unread = trees.length < inputs.configs.length + (inputs.sets?.length ?? 0)
  if (unread || first === undefined) throw new ConfigError(toProblems(errors, sources))
  const substituted = substitute(rest.reduce<Node>(mergeTrees, first), environment)
  return {
    types: declaredTypes(substituted.tree),
    tree: substituted.tree,
    sources: [...sources, ...substituted.sources],
    files: [...new Set([...files, ...substituted.files])],
    spare: substituted.spare,
    errors: [...errors, ...substituted.errors],
    warnings: substituted.warnings,
  }
}

/** Throws a `ConfigError` with every problem found. `factories`: at least those of the types that it declares. */
export function checkConfig(read: ReadConfig, factories: readonly Factory[]): LoadedConfig {
  const { config, errors, warnings } = parseConfig(read.tree, factories, read.spare)
  const problems = [...read.errors, ...errors]
  if (config === undefined || problems.length > 0) throw new ConfigError(toProblems(problems, read.sources))
  return { ...config, warnings: toProblems([...read.warnings, ...warnings], read.sources), files: read.files }
}

/** Reads and checks. Throws a `ConfigError`. */
export function loadConfig(inputs: Inputs, factories: readonly Factory[], environment: Environment): LoadedConfig {
  return checkConfig(readConfig(inputs, environment), factories)
}
