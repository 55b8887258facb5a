/** A tree against a zod schema: the parsed value, or a finding for every mismatch at its place. */
import type { z } from 'zod'
import type { Finding, Path } from '../problem.ts'
import { suggestion } from '../suggest.ts'
import { markHarmless, markKey, type Place, shownKey } from '../text/source.ts'
import {
  childOf,
  describeNode,
  type Entry,
  keyPlace,
  type Node,
  nodeAt,
  type ReportFinding,
  toPlain,
  valuePlace,
} from '../text/tree.ts'
import { isSecretText, type JsonSchema, jsonSchemaOf, knownKeys, visibility } from './json_schema.ts'

/** A value that fits its schema. */
export interface Valid<T> {
  readonly value: T
  /** What the schema was given: as written in the config, substituted, without defaults. */
  readonly input: unknown
}

/**
 * Checks the value of `entry` and parses it. Undefined after mistakes, which `report` gets with paths that begin with `base`.
 * Two things are put right on the way, as the Collector does: a substituted value becomes its original text where the
 * schema wants a text, and an empty value means the default (`batch:` is a batch with all defaults).
 */
export function validate<T>(
  schema: z.ZodType<T>,
  entry: Entry,
  base: Path,
  report: ReportFinding,
): Valid<T> | undefined {
  const node = entry.value
  const json = jsonSchemaOf(schema)
  markOpen(node, json, [])
  const holder = { input: toPlain(node) }
  const repaired = new Set<string>()
  for (;;) {
    const result = schema.safeParse(holder.input)
    if (result.success) return { value: result.data, input: holder.input }
    const repairs = result.error.issues.filter((issue) => repair(issue, node, holder, repaired))
    if (repairs.length > 0) continue
    for (const issue of result.error.issues) {
      for (const finding of explain(issue, entry, json)) report({ ...finding, path: [...base, ...finding.path] })
    }
    return undefined
  }
}

type Issue = z.core.$ZodIssue

/** Lets excerpts show the values that the schema knows and that are no secrets. */
function markOpen(node: Node, json: JsonSchema, path: Path): void {
  if (node.kind === 'map') {
    for (const [key, entry] of node.entries) {
      const inner = [...path, key]
      const secret = isSecretText(json, path) || (visibility(json, inner) === 'unknown' && isBare(entry.key))
      if (!secret) markKey(entry.key)
      markOpen(entry.value, json, inner)
    }
  } else if (node.kind === 'list')
    for (const [index, item] of node.items.entries()) markOpen(item, json, [...path, index])
  else if (visibility(json, path) === 'open') markHarmless(node.place)
}

/** True if the input was changed so that another attempt is worth while. */
function repair(issue: Issue, node: Node, holder: { input: unknown }, repaired: Set<string>): boolean {
  return flatten(issue).some(({ issue: inner, path }) => {
    const target = nodeAt(node, path)
    if (target === undefined) return false
    const key = JSON.stringify(path)
    if (target.original !== undefined && wantsText(inner)) {
      if (repaired.has(`text ${key}`)) return false
      repaired.add(`text ${key}`)
      return setAt(holder, path, target.original)
    }
    if (target.kind !== 'scalar' || target.value !== null || repaired.has(`empty ${key}`)) return false
    // Where a union stands itself, its alternatives are not tried one by one: the empty value goes.
    if (inner !== issue && path.length === issue.path.length) return false
    repaired.add(`empty ${key}`)
    const map = inner.code === 'invalid_type' && (inner.expected === 'object' || inner.expected === 'record')
    return setAt(holder, path, map ? {} : undefined)
  })
}

function wantsText(issue: Issue): boolean {
  if (issue.code === 'invalid_type') return issue.expected === 'string'
  return (
    issue.code === 'custom' ||
    (issue.code === 'invalid_value' && issue.values.some((value) => typeof value === 'string'))
  )
}

/** An issue and, of a union, the issues of its alternatives, with whole paths. */
function flatten(issue: Issue, base: Path = []): { issue: Issue; path: Path }[] {
  const path = [...base, ...(issue.path as Path)]
  const inner = issue.code === 'invalid_union' ? issue.errors.flat().flatMap((error) => flatten(error, path)) : []
  return [...inner, { issue, path }]
}

function setAt(holder: { input: unknown }, path: Path, value: unknown): boolean {
  let parent = holder as Record<string | number, unknown>
  let key: string | number = 'input'
  for (const next of path) {
    const inner = parent[key]
    if (typeof inner !== 'object' || inner === null) return false
    parent = inner as Record<string | number, unknown>
    key = next
  }
  if (value === undefined && Array.isArray(parent)) return false
  if (value === undefined) delete parent[key]
  else parent[key] = value
  return true
}

/** Findings for one issue of zod. */
function explain(issue: Issue, root: Entry, json: JsonSchema, base: Path = []): Finding[] {
  const path = [...base, ...(issue.path as Path)]
  const node = nodeAt(root.value, path)
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey(key, path, root, json))
  if (issue.code === 'invalid_union') return explainUnion(issue, path, root, json)
  const place = valuePlace(root, path)
  if (node === undefined && issue.code !== 'custom') {
    const key = path.at(-1)
    const message = `the required key \`${key}\` is missing, expected ${expected(issue)}`
    return [{ place, path: path.slice(0, -1), message, advice: `add \`${key}:\`` }]
  }
  if (issue.code === 'invalid_key') {
    return [
      {
        place: keyPlace(root, path),
        path,
        message: 'found a key with characters that are not allowed',
        advice: 'use letters, digits and -',
      },
    ]
  }
  const { message, advice } = words(issue, node, visibility(json, path) === 'open')
  return [{ place, path, message, advice }]
}

function unknownKey(key: string, path: Path, root: Entry, json: JsonSchema): Finding {
  const value = childOf(nodeAt(root.value, path), key)
  const place = keyPlace(root, [...path, key])
  // The content of a substituted secret can look like a map; a comma instead of a colon makes a value a key.
  const substituted = value?.concealed === true && !/\.ya?ml$/.test(place.source.name)
  const secret = substituted || (isBare(place) && visibility(json, path) === 'secret')
  if (secret)
    return {
      place,
      path,
      message: 'found an unknown key (not shown)',
      advice: 'check commas, colons and substituted values',
    }
  return {
    place,
    path,
    message: `unknown key \`${shownKey(key)}\``,
    advice: suggestion(key, knownKeys(json, path), 'keys here'),
  }
}

/** A key without a colon, as in `{a, b}`. */
function isBare({ source, end }: Place): boolean {
  return !source.text.slice(end).trimStart().startsWith(':')
}

/** Of a union, the alternative that comes nearest; otherwise what all of them expect. */
function explainUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  path: Path,
  root: Entry,
  json: JsonSchema,
): Finding[] {
  const node = nodeAt(root.value, path)
  const inside = issue.errors.filter((errors) =>
    errors.every(({ path: inner, code }) => inner.length > 0 || code === 'unrecognized_keys'),
  )
  const nearest = inside.sort((a, b) => a.length - b.length)[0]
  if (nearest) return nearest.flatMap((error) => explain(error, root, json, path))
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options.map(String) : []
  const expectations = issue.errors.flat().filter((error) => error.path.length === 0)
  const wanted = options.length > 0 ? oneOf(options) : [...new Set(expectations.map(expected))].join(' or ')
  const place = valuePlace(root, path)
  if (node === undefined) {
    const message = `the required key \`${path.at(-1)}\` is missing, expected ${wanted}`
    return [{ place, path: path.slice(0, -1), message, advice: `add \`${path.at(-1)}:\`` }]
  }
  const known =
    options.length > 0
      ? options
      : expectations.flatMap((error) => (error.code === 'invalid_value' ? error.values.map(String) : []))
  const open = visibility(json, path) === 'open'
  const message = `found ${describeNode(node, open)}, expected ${wanted}`
  return [{ place, path, message, advice: meantValue(node, open, known) }]
}

function words(issue: Issue, node: Node | undefined, open: boolean): { message: string; advice: string | undefined } {
  if (issue.code === 'custom') {
    const { expected: wanted, advice } = (issue.params ?? {}) as { expected?: string; advice?: string }
    const subject = node?.kind === 'scalar' ? describeNode(node, open) : undefined
    const message =
      wanted === undefined ? issue.message : subject ? `found ${subject}, expected ${wanted}` : `expected ${wanted}`
    return { message, advice }
  }
  const message = `found ${describeNode(node, open)}, expected ${expected(issue)}`
  if (issue.code === 'invalid_value') return { message, advice: meantValue(node, open, issue.values.map(String)) }
  return { message, advice: issue.code === 'invalid_type' ? typeAdvice(issue.expected, node) : undefined }
}

function meantValue(node: Node | undefined, open: boolean, known: readonly string[]): string | undefined {
  if (!open || node?.kind !== 'scalar' || typeof node.value !== 'string' || node.concealed || known.length === 0)
    return undefined
  const advice = suggestion(node.value, known, 'values')
  return advice.startsWith('did') ? advice : undefined
}

function typeAdvice(wanted: string, node: Node | undefined): string | undefined {
  if (node?.kind === 'scalar' && wanted === 'string' && node.value !== null) return 'put it in quotes'
  if (node?.kind === 'scalar' && (wanted === 'object' || wanted === 'record'))
    return 'write `key: value` on the lines below, indented, with a space after the colon'
  if (wanted === 'array') return 'write a list: [a, b], or lines that begin with "- "'
  return undefined
}

const TYPES: { readonly [expected: string]: string } = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'nothing',
}

/** What the schema wanted there. */
function expected(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected
    case 'invalid_value':
      return oneOf(issue.values.map(String))
    case 'too_small':
      return `${issue.inclusive === false ? 'more than' : 'at least'} ${issue.minimum}${unit(issue.origin)}`
    case 'too_big':
      return `${issue.inclusive === false ? 'less than' : 'at most'} ${issue.maximum}${unit(issue.origin)}`
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`
    case 'invalid_format':
      return issue.message.startsWith('expected ')
        ? issue.message.slice('expected '.length)
        : `a text of the form ${issue.format}`
    case 'custom':
      return (issue.params?.['expected'] as string | undefined) ?? issue.message
    default:
      return 'something else'
  }
}

function unit(origin: string): string {
  if (origin === 'string') return ' characters'
  return origin === 'array' || origin === 'set' ? ' elements' : origin === 'map' || origin === 'record' ? ' keys' : ''
}

function oneOf(values: readonly string[]): string {
  if (values.length <= 1) return values[0] ?? 'something else'
  return `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`
}
