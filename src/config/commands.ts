// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the config's syntax in texts for people
/** The bodies of sub-commands: text in, text out. What goes to stdout and with which exit code is `main`'s. */
import { stringify } from 'yaml'
import type { Factory } from '../component.ts'
import { SECTIONS } from './declared.ts'
import type { ParsedConfig } from './parse.ts'
import { isRecord, type JsonSchema, jsonSchemaOf, redact, withDefaults } from './schema/json_schema.ts'
import { serviceSchema } from './schema/service.ts'

export interface Build {
  readonly name: string
  readonly description: string
  readonly version: string
}

/** `components`: what this build contains, as YAML, in the order of the Collector's command. */
export function listComponents(factories: readonly Factory[], build: Build): string {
  const sections = SECTIONS.map(([section, kind]) => {
    const those = factories.filter((factory) => factory.kind === kind).sort((a, b) => a.type.localeCompare(b.type))
    return [section, those.map(describeFactory)] as const
  })
  const providers = ['env', 'file', 'yaml'].map((scheme) => ({ scheme }))
  const buildinfo = { command: build.name, description: build.description, version: build.version }
  return stringify({ buildinfo, ...Object.fromEntries(sections), providers })
}

function describeFactory(factory: Factory) {
  const { type: name, aliases, summary } = factory
  const signals =
    factory.kind === 'extension'
      ? undefined
      : factory.kind === 'connector'
        ? factory.signals.map(([from, to]) => `${from} → ${to}`)
        : [...factory.signals]
  return {
    name,
    ...(aliases?.length ? { deprecated_names: [...aliases] } : {}),
    summary,
    ...(signals ? { signals } : {}),
  }
}

export const REDACTED = '[REDACTED]'

/** `print-config`: the config that results, defaults included, in the form in which it is written. */
export function printConfig(
  config: ParsedConfig,
  options: { mode?: 'redacted' | 'unredacted'; format?: 'yaml' | 'json' } = {},
): string {
  const { mode = 'redacted', format = 'yaml' } = options
  const show = (schema: JsonSchema, input: unknown) => {
    const filled = withDefaults(schema, schema, input ?? {})
    return mode === 'unredacted' ? filled : redact(schema, filled, REDACTED)
  }
  const printed: Record<string, unknown> = {}
  for (const [section] of SECTIONS) {
    const components = [...config[section].values()]
    if (components.length === 0) continue
    printed[section] = Object.fromEntries(
      components.map(({ id, factory, input }) => [id, show(jsonSchemaOf(factory.schema), input)]),
    )
  }
  printed['service'] = show(jsonSchemaOf(serviceSchema), config.service.input)
  return format === 'json'
    ? `${JSON.stringify(printed, null, 2)}\n`
    : stringify(printed, { aliasDuplicateObjects: false })
}

const SUBSTITUTION = '#/$defs/substitution'
const SUBSTITUTION_PATTERN = '\\$\\{[^}]+\\}'

/** `schema`: JSON Schema (draft 2020-12) of a whole config file, for editors. Substitutions may stand for any value. */
export function configSchema(factories: readonly Factory[]): JsonSchema {
  const $defs: Record<string, JsonSchema> = {
    substitution: {
      type: 'string',
      pattern: SUBSTITUTION_PATTERN,
      description: 'Substituted: ${env:NAME:-default}, ${file:/path}.',
    },
  }
  const properties: Record<string, JsonSchema> = {}
  for (const [section, kind] of SECTIONS) {
    const patternProperties: Record<string, JsonSchema> = {}
    for (const factory of factories.filter((one) => one.kind === kind)) {
      const name = `${kind}.${factory.type}`
      const schema = hoist(jsonSchemaOf(factory.schema), name, $defs)
      $defs[name] = { ...allowSubstitution(schema), description: factory.summary }
      for (const type of [factory.type, ...(factory.aliases ?? [])])
        patternProperties[`^${type}(/.+)?$`] = { $ref: `#/$defs/${name}` }
    }
    const description = `The ${section} by id: \`type\` or \`type/name\`.`
    properties[section] = { description, type: ['object', 'null'], patternProperties, additionalProperties: false }
  }
  properties['service'] = allowSubstitution(pipelineNames(hoist(jsonSchemaOf(serviceSchema), 'service', $defs)))
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    description: 'Configuration of Sluice.',
    type: 'object',
    properties,
    required: ['service'],
    additionalProperties: false,
    $defs,
  }
}

function pipelineNames(service: JsonSchema): JsonSchema {
  const { additionalProperties, propertyNames: _, ...pipelines } = service.properties?.['pipelines'] ?? {}
  const named = { '^(traces|metrics|logs)(/.+)?$': additionalProperties as JsonSchema }
  return {
    ...service,
    properties: {
      ...service.properties,
      pipelines: { ...pipelines, patternProperties: named, additionalProperties: false },
    },
  }
}

/** Moves a schema's own definitions to the common ones. */
function hoist(schema: JsonSchema, name: string, $defs: Record<string, JsonSchema>): JsonSchema {
  const { $defs: own = {}, $schema: _, ...rest } = schema
  const rename = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rename)
    if (!isRecord(value)) return value
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        if (key !== '$ref' || typeof inner !== 'string') return [key, rename(inner)]
        return [key, inner === '#' ? `#/$defs/${name}` : inner.replace('#/$defs/', `#/$defs/${name}.`)]
      }),
    )
  }
  for (const [key, inner] of Object.entries(own))
    $defs[`${name}.${key}`] = allowSubstitution(rename(inner) as JsonSchema)
  return rename(rest) as JsonSchema
}

/** Lets `${…}` stand where something else than a free text is wanted, and nothing where there is a default. */
function allowSubstitution(schema: JsonSchema): JsonSchema {
  const inner = allowInside(schema)
  const { description, default: fallback, writeOnly, ...bare } = inner
  const alternatives = bare.anyOf ?? bare.oneOf ?? [bare]
  const free = bare.enum === undefined && alternatives.some(takesAnyText)
  if (free || Object.keys(bare).length === 0) return inner
  const empty = fallback !== undefined || alternatives.some(({ type }) => type === 'object')
  const nothing = empty ? ['null'] : []
  // A pattern binds only texts, so one flat schema says it all, and editors explain mistakes better.
  if (isFlat(bare))
    return { ...inner, type: [bare.type as string, 'string', ...nothing], pattern: SUBSTITUTION_PATTERN }
  const annotations = Object.fromEntries(
    Object.entries({ description, default: fallback, writeOnly }).filter(([, value]) => value !== undefined),
  )
  const flat = bare.anyOf && Object.keys(bare).length === 1 ? bare.anyOf : [bare]
  return { ...annotations, anyOf: [...flat, { $ref: SUBSTITUTION }, ...nothing.map((type) => ({ type }))] }
}

function isFlat({ type, enum: values, const: constant, anyOf, oneOf, $ref }: JsonSchema): boolean {
  if (typeof type !== 'string' || type === 'string') return false
  return [values, constant, anyOf, oneOf, $ref].every((keyword) => keyword === undefined)
}

function takesAnyText({ type, enum: values, const: constant, pattern }: JsonSchema): boolean {
  return [type].flat().includes('string') && [values, constant, pattern].every((keyword) => keyword === undefined)
}

/** The same for everything inside. Alternatives of a union are one place, so they are opened but not doubled. */
function allowInside(schema: JsonSchema): JsonSchema {
  const each = (schemas: { readonly [key: string]: JsonSchema }) =>
    Object.fromEntries(Object.entries(schemas).map(([key, inner]) => [key, allowSubstitution(inner)]))
  const { properties, patternProperties, additionalProperties, items, prefixItems, anyOf, oneOf, allOf } = schema
  return {
    ...schema,
    ...(properties ? { properties: each(properties) } : {}),
    ...(patternProperties ? { patternProperties: each(patternProperties) } : {}),
    ...(isRecord(additionalProperties)
      ? { additionalProperties: allowSubstitution(additionalProperties as JsonSchema) }
      : {}),
    ...(items ? { items: allowSubstitution(items) } : {}),
    ...(prefixItems ? { prefixItems: prefixItems.map(allowSubstitution) } : {}),
    ...(anyOf ? { anyOf: anyOf.map(allowInside) } : {}),
    ...(oneOf ? { oneOf: oneOf.map(allowInside) } : {}),
    ...(allOf ? { allOf: allOf.map(allowInside) } : {}),
  }
}
