/**
 * `npm run docs`: writes docs/configuration.md, the reference of every key of every component, from the schemas that the
 * daemon checks configs with.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import type { Factory } from '../src/component.ts'
import { components } from '../src/components.ts'
import { SECTIONS } from '../src/config/declared.ts'
import { type JsonSchema, jsonSchemaOf } from '../src/config/schema/json_schema.ts'
import { serviceSchema } from '../src/config/schema/service.ts'

/** What docs/configuration.md has to be. */
export function configurationReference(factories: readonly Factory[]): string {
  const introduction = readFileSync(new URL('configuration_introduction.md', import.meta.url), 'utf8')
  const sections = SECTIONS.map(([section, kind]) => {
    const those = factories.filter((factory) => factory.kind === kind).sort((a, b) => a.type.localeCompare(b.type))
    return `## ${section[0]!.toUpperCase()}${section.slice(1)}\n\n${those.map(componentText).join('\n')}`
  })
  const service = `## service\n\n${tableOf(jsonSchemaOf(serviceSchema))}`
  return `${introduction}\n${[...sections, service].join('\n')}`
}

function componentText(factory: Factory): string {
  const readme = `../src/${factory.kind}s/${factory.type}/README.md`
  const aliases = factory.aliases?.length ? ` Also answers to \`${factory.aliases.join('`, `')}\`.` : ''
  const table = tableOf(jsonSchemaOf(factory.schema))
  return `### ${factory.type}\n\n${factory.summary}${aliases} ${signalsText(factory)}[More](${readme})\n\n${table}`
}

function signalsText(factory: Factory): string {
  if (factory.kind === 'extension') return ''
  const signals =
    factory.kind === 'connector' ? factory.signals.map(([from, to]) => `${from} → ${to}`) : factory.signals
  return `For ${signals.join(', ')}. `
}

interface Row {
  readonly key: string
  readonly type: string
  readonly fallback: string
  readonly description: string
}

function tableOf(root: JsonSchema): string {
  const rows = rowsOf(root, root, '', new Map())
  if (rows.length === 0) return 'It has no keys.\n'
  const cells = rows.map(
    ({ key, type, fallback, description }) => `| \`${key}\` | ${type} | ${fallback} | ${description} |`,
  )
  return `| Key | Value | Default | Meaning |\n| --- | --- | --- | --- |\n${cells.join('\n')}\n`
}

/** What the way to a schema has been through: definitions, and lists of maps with the keys of these. */
type Open = ReadonlyMap<string, readonly string[]>

/** A row for each key, and below it those of what it holds. */
function rowsOf(root: JsonSchema, schema: JsonSchema, prefix: string, open: Open): Row[] {
  return alternativesOf(root, schema).flatMap((alternative) => {
    const properties = Object.entries(alternative.properties ?? {}).flatMap(([name, inner]) => {
      const key = prefix === '' ? name : `${prefix}.${name}`
      const required = alternative.required?.includes(name) ?? false
      return [rowOf(root, inner, key, required), ...innerRows(root, inner, key, open)]
    })
    const { items, additionalProperties: others } = alternative
    if (items) properties.push(...itemRows(root, items, `${prefix}[]`, open))
    if (typeof others === 'object') properties.push(...innerRows(root, others, `${prefix}.<name>`, open))
    return properties
  })
}

/** Of maps in a list. A list inside it with maps of the same keys is not told again. */
function itemRows(root: JsonSchema, items: JsonSchema, prefix: string, open: Open): Row[] {
  const names = keysOf(root, items)
  const [same] = [...open].find(([, outer]) => names.length > 3 && names.every((name) => outer.includes(name))) ?? []
  if (same !== undefined) return [{ key: prefix, type: 'map', fallback: '', description: `Keys as in \`${same}\`.` }]
  return innerRows(root, items, prefix, new Map([...open, [prefix, names]]))
}

function keysOf(root: JsonSchema, schema: JsonSchema): string[] {
  return [...new Set(alternativesOf(root, schema).flatMap(({ properties }) => Object.keys(properties ?? {})))]
}

function innerRows(root: JsonSchema, schema: JsonSchema, prefix: string, open: Open): Row[] {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref
  if (reference !== undefined && open.has(reference)) return []
  return rowsOf(root, schema, prefix, reference === undefined ? open : new Map([...open, [reference, []]]))
}

function rowOf(root: JsonSchema, schema: JsonSchema, key: string, required: boolean): Row {
  const [first] = alternativesOf(root, schema)
  const description = schema.description ?? (schema.$ref ? first?.description : undefined) ?? ''
  const fallback = schema.default ?? first?.default
  return {
    key,
    type: [...new Set(alternativesOf(root, schema).map(typeText))].join(' or '),
    fallback: required && fallback === undefined ? '*required*' : defaultText(fallback),
    description: cell(description),
  }
}

/** What the schema may be, with references and unions resolved. */
function alternativesOf(root: JsonSchema, schema: JsonSchema): JsonSchema[] {
  if (schema.$ref === '#') return [root]
  if (schema.$ref) return alternativesOf(root, root.$defs?.[schema.$ref.replace('#/$defs/', '')] ?? {})
  const inner = schema.anyOf ?? schema.oneOf ?? schema.allOf
  return inner ? inner.flatMap((one) => alternativesOf(root, one)) : [schema]
}

function typeText(schema: JsonSchema): string {
  if (schema.const !== undefined) return code(schema.const)
  if (schema.enum) return schema.enum.map(code).join(', ')
  if (schema.properties) return 'map'
  const types = schema.type === undefined ? ['any'] : [schema.type].flat()
  return types.map((type) => TYPES[type] ?? type).join(' or ')
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'whole number',
  boolean: '`true`, `false`',
  object: 'map',
  array: 'list',
  null: '`null`',
}

function defaultText(fallback: unknown): string {
  if (fallback === undefined) return ''
  if (typeof fallback === 'object' && fallback !== null && Object.keys(fallback).length === 0) return ''
  return code(fallback)
}

function code(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text === '' ? '`""`' : `\`${cell(text.length > 200 ? `${text.slice(0, 200)}…` : text)}\``
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')
}

if (process.argv[1] === import.meta.filename)
  writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationReference(components))
