/**
 * What is wrong with a config: findings while it is read, problems when they are told.
 *
 * A finding points at characters of a source; a problem is the same thing made ready for a person, with the line's
 * excerpt in which everything is masked that is not known to be harmless.
 */
import { type ConfigSource, isHarmless, type Place, shownKey } from './text/source.ts'
import { urlSecrets } from './text/url_secrets.ts'

export type Path = readonly (string | number)[]

/** Something to tell, while reading is still under way. */
export interface Finding {
  /** Where; undefined for a source that could not be read at all. */
  readonly place?: Place | undefined
  /** Name of the source where there is no place. */
  readonly file?: string | undefined
  readonly path: Path
  /** What was found and what was expected. Never a secret's value. */
  readonly message: string
  /** What to do. */
  readonly advice?: string | undefined
}

/** One thing wrong in a config, ready to be shown. */
export interface Problem {
  /** Path of the file, or `env:NAME`, `yaml:…`, `--set key`. */
  readonly file: string
  /** Counted from 1; 0 where the whole source is meant. */
  readonly line: number
  /** Counted from 1 in characters. */
  readonly column: number
  /** Key path such as `processors::batch::timeout`; empty for the whole config. */
  readonly path: string
  /** What was found and what was expected. */
  readonly message: string
  /** What to do. */
  readonly advice?: string | undefined
  /** The line, masked, and where the caret goes: `from` characters in, `length` wide. */
  readonly excerpt?: { readonly text: string; readonly from: number; readonly length: number } | undefined
}

/** The config cannot be used. Carries every problem found. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(`${problems.length === 1 ? '1 problem' : `${problems.length} problems`} in the config`)
    this.problems = problems
  }
}

/**
 * Problems as plain text for a terminal, a blank line between them.
 * `severity` is written before each: `error` (default) or `warning`.
 */
export function formatProblems(problems: readonly Problem[], severity: 'error' | 'warning' = 'error'): string {
  return problems.map((problem) => formatProblem(problem, severity)).join('\n')
}

function formatProblem({ file, line, column, path, message, advice, excerpt }: Problem, severity: string): string {
  const where = line === 0 ? file : `${file}:${line}:${column}`
  const lines = [`${where}: ${severity}: ${path === '' ? '' : `${path}: `}${message}`]
  if (excerpt) {
    const number = String(line).padStart(5)
    lines.push(`${number} | ${excerpt.text}`)
    lines.push(`${' '.repeat(number.length)} | ${' '.repeat(excerpt.from)}${'^'.repeat(excerpt.length)}`)
  }
  if (advice) lines.push(`      → ${advice}`)
  return `${lines.join('\n')}\n`
}

/** Makes problems of findings: places become lines and columns, sorted by source and position, each told once. */
export function toProblems(findings: readonly Finding[], sources: readonly ConfigSource[]): Problem[] {
  const order = new Map(sources.map((source, index) => [source, index]))
  const rank = ({ place }: Finding) => (place ? (order.get(place.source) ?? sources.length) : -1)
  const sorted = [...findings].sort((a, b) => rank(a) - rank(b) || (a.place?.start ?? 0) - (b.place?.start ?? 0))
  const told = new Map(sorted.map((finding) => toProblem(finding)).map((problem) => [JSON.stringify(problem), problem]))
  return [...told.values()]
}

function toProblem({ place, file, path, message, advice }: Finding): Problem {
  const shown = { path: path.map((key) => shownKey(String(key))).join('::'), message, advice }
  if (!place) return { file: file ?? 'config', line: 0, column: 0, ...shown }
  const { source, start, end } = place
  const lineStart = source.text.lastIndexOf('\n', start - 1) + 1
  let line = 1
  for (let at = source.text.indexOf('\n'); at !== -1 && at < lineStart; at = source.text.indexOf('\n', at + 1)) line++
  const excerpt = source.hidden ? undefined : excerptOf(source, lineStart, start, end)
  return { file: source.name, line, column: start - lineStart + 1, ...shown, excerpt }
}

const EXCERPT_CHARACTERS_MAX = 120

function excerptOf(source: ConfigSource, lineStart: number, start: number, end: number): Problem['excerpt'] {
  const newline = source.text.indexOf('\n', lineStart)
  const lineEnd = newline === -1 ? source.text.length : newline
  const text = maskLine(source, lineStart, lineEnd).trimEnd()
  if (text.trim() === '') return undefined
  // A long line is shown around the caret.
  const skipped = Math.max(0, Math.min(start - lineStart - 40, text.length - EXCERPT_CHARACTERS_MAX))
  const cut = text.slice(skipped, skipped + EXCERPT_CHARACTERS_MAX)
  const from = start - lineStart - skipped
  const length = Math.max(1, Math.min(end, lineStart + skipped + cut.length) - start)
  return { text: skipped > 0 ? `…${cut.slice(1)}` : cut, from, length }
}

/** The line with every character masked that may belong to a secret. Keeps length, so that the caret stays right. */
function maskLine(source: ConfigSource, lineStart: number, lineEnd: number): string {
  let line = ''
  const secrets = urlSecrets(source.text.slice(lineStart, lineEnd))
  const isSecret = (at: number) => secrets.some(([start, end]) => at >= start && at < end)
  let quiet = false
  for (let at = lineStart; at < lineEnd; at++) {
    const character = source.text[at]!
    const harmless = isHarmless(source, at) && !isSecret(at - lineStart)
    // A comment may hold a value that was commented out.
    if (!harmless && character === '#' && /\s/.test(source.text[at - 1] ?? ' ')) quiet = true
    line += quiet ? ' ' : harmless || STRUCTURE.test(character) ? character : '*'
  }
  return line
}

const STRUCTURE = /[\s:,[\]{}"'&|>-]/
