/**
 * The configuration of Sluice, from the command line to what the daemon builds.
 *
 * ```
 * --config, --set ─ inputs ─▶ trees ─ merge ─▶ one tree ─ substitute ─▶ ─ parse (zod, pipelines) ─▶ LoadedConfig
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
import { type ParsedConfig, parseConfig } from './parse.ts'
import { ConfigError, type Finding, type Problem, toProblems } from './problem.ts'
import { type Inputs, readInputs } from './text/inputs.ts'
import type { Environment } from './text/source.ts'
import { substitute } from './text/substitute.ts'
import { mergeTrees, type Node } from './text/tree.ts'

export interface LoadedConfig extends ParsedConfig {
  /** What is worth a log line and no reason to stop: older names, unset variables, unused components. */
  readonly warnings: readonly Problem[]
  /** Paths of the files that were read, substituted ones included: a change of one may change the config. */
  readonly files: readonly string[]
}

/**
 * Reads, merges, substitutes and checks a config. Throws a `ConfigError` with every problem found; only what could
 * not be read as YAML hides problems behind it.
 */
export function loadConfig(inputs: Inputs, factories: readonly Factory[], environment: Environment): LoadedConfig {
  const errors: Finding[] = []
  const { trees, sources, files } = readInputs(inputs, environment, (finding) => errors.push(finding))
  const [first, ...rest] = trees
  const unread = trees.length < inputs.configs.length + (inputs.sets?.length ?? 0)
  if (unread || first === undefined) throw new ConfigError(toProblems(errors, sources))
  const merged = rest.reduce<Node>(mergeTrees, first)
  const substituted = substitute(merged, environment)
  const { config, errors: mistakes, warnings } = parseConfig(substituted.tree, factories, substituted.spare)
  const all = [...sources, ...substituted.sources]
  const problems = [...errors, ...substituted.errors, ...mistakes]
  if (config === undefined || problems.length > 0) throw new ConfigError(toProblems(problems, all))
  return {
    ...config,
    warnings: toProblems([...substituted.warnings, ...warnings], all),
    files: [...new Set([...files, ...substituted.files])],
  }
}
