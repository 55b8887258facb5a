/** JSON Schema made from the zod schemas: for editors, for `print-config`, and to know which values are secret. */
import { z } from 'zod'
import type { Path } from '../problem.ts'
import { withoutUrlSecrets } from '../text/url_secrets.ts'

/** The parts of JSON Schema that zod writes and this layer reads. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly writeOnly?: boolean
  readonly properties?: { readonly [key: string]: JsonSchema }
  readonly patternProperties?: { readonly [pattern: string]: JsonSchema }
  readonly additionalProperties?: boolean | JsonSchema
  readonly propertyNames?: JsonSchema
  readonly items?: JsonSchema
  readonly prefixItems?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly allOf?: readonly JsonSchema[]
  readonly required?: readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly pattern?: string
  readonly $ref?: string
  readonly $defs?: { readonly [name: string]: JsonSchema }
  readonly $schema?: string
}

const made = new WeakMap<z.ZodType, JsonSchema>()

/** What may be written in a config for `schema` (its input, draft 2020-12). Made once per schema. */
export function jsonSchemaOf(schema: z.ZodType): JsonSchema {
  let json = made.get(schema)
  if (json === undefined) {
    json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', target: 'draft-2020-12' }) as JsonSchema
    made.set(schema, json)
  }
  return json
}

/**
 * Whether a value may be shown: `secret` if it is one or holds one, `unknown` if the schema does not have the path.
 * A map that stands where secrets belong is secret as a whole, so that a missing space after a colon gives none away.
 */
export function visibility(root: JsonSchema, path: Path): 'open' | 'secret' | 'unknown' {
  const found = path.reduce<JsonSchema[]>(
    (schemas, key) => schemas.flatMap((schema) => step(root, schema, key)),
    [root],
  )
  if (found.length === 0) return 'unknown'
  return found.some((schema) => holdsSecret(root, schema, new Set())) ? 'secret' : 'open'
}

/** Whether a secret text itself belongs there: then what looks like a map's keys may be one. */
export function isSecretText(root: JsonSchema, path: Path): boolean {
  const found = path.reduce<JsonSchema[]>(
    (schemas, key) => schemas.flatMap((schema) => step(root, schema, key)),
    [root],
  )
  return found.some((schema) => spread(root, schema).some((alternative) => alternative.writeOnly === true))
}

/** Keys that the map at `path` may have. */
export function knownKeys(root: JsonSchema, path: Path): string[] {
  const found = path.reduce<JsonSchema[]>(
    (schemas, key) => schemas.flatMap((schema) => step(root, schema, key)),
    [root],
  )
  return [
    ...new Set(
      found.flatMap((schema) => spread(root, schema)).flatMap(({ properties = {} }) => Object.keys(properties)),
    ),
  ]
}

/** Adds to `value` every default that the schema knows; returns a copy. */
export function withDefaults(root: JsonSchema, schema: JsonSchema, value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = spread(root, schema).find((alternative) => alternative.items)?.items
    return items ? value.map((item) => withDefaults(root, items, item)) : value
  }
  if (!isRecord(value)) return value
  const maps = spread(root, schema).filter((alternative) => alternative.properties || alternative.additionalProperties)
  // Of several kinds of map it is not known which is meant.
  const [map, other] = maps.filter(({ properties = {} }) => matchesConstants(properties, value))
  if (!map || other) return value
  const filled: Record<string, unknown> = { ...value }
  for (const [key, property] of Object.entries(map.properties ?? {})) {
    if (filled[key] === undefined && property.default !== undefined) filled[key] = structuredClone(property.default)
  }
  const rest = isRecord(map.additionalProperties) ? (map.additionalProperties as JsonSchema) : undefined
  for (const [key, inner] of Object.entries(filled)) {
    const property = map.properties?.[key] ?? rest
    if (property) filled[key] = withDefaults(root, property, inner)
  }
  return filled
}

/** Replaces every secret in `value`, and everything that the schema does not know, by `replacement`; in URLs what is secret of them. */
export function redact(root: JsonSchema, value: unknown, replacement: string, path: Path = []): unknown {
  if (Array.isArray(value)) return value.map((item, index) => redact(root, item, replacement, [...path, index]))
  if (isRecord(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, redact(root, item, replacement, [...path, key])]),
    )
  }
  if (value !== null && visibility(root, path) !== 'open') return replacement
  return typeof value === 'string' ? withoutUrlSecrets(value) : value
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The schema itself and its alternatives, references followed. */
function spread(root: JsonSchema, schema: JsonSchema, seen = new Set<JsonSchema>()): JsonSchema[] {
  if (seen.has(schema)) return []
  seen.add(schema)
  const referred = schema.$ref === undefined ? [] : [resolve(root, schema.$ref)]
  const inner = [...referred, ...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  return [schema, ...inner.flatMap((alternative) => spread(root, alternative, seen))]
}

function resolve(root: JsonSchema, reference: string): JsonSchema {
  if (reference === '#') return root
  return root.$defs?.[reference.replace('#/$defs/', '')] ?? {}
}

function step(root: JsonSchema, schema: JsonSchema, key: string | number): JsonSchema[] {
  return spread(root, schema).flatMap((alternative) => {
    if (isUnlimited(alternative)) return [alternative]
    if (typeof key === 'number') {
      const item = alternative.prefixItems?.[key] ?? alternative.items
      if (item) return [item]
    }
    const property = alternative.properties?.[String(key)]
    if (property) return [property]
    return isRecord(alternative.additionalProperties) ? [alternative.additionalProperties as JsonSchema] : []
  })
}

/** `{}`: anything may stand there, and anything in it. */
function isUnlimited(schema: JsonSchema): boolean {
  return Object.keys(schema).every((key) => key === 'description' || key === 'default' || key === '$schema')
}

function holdsSecret(root: JsonSchema, schema: JsonSchema, seen: Set<JsonSchema>): boolean {
  if (schema.writeOnly === true) return true
  if (seen.has(schema)) return false
  seen.add(schema)
  const {
    properties = {},
    additionalProperties,
    items,
    prefixItems = [],
    anyOf = [],
    oneOf = [],
    allOf = [],
    $ref,
  } = schema
  const inner = [...Object.values(properties), ...prefixItems, ...anyOf, ...oneOf, ...allOf]
  if (items) inner.push(items)
  if (isRecord(additionalProperties)) inner.push(additionalProperties as JsonSchema)
  if ($ref !== undefined) inner.push(resolve(root, $ref))
  return inner.some((part) => holdsSecret(root, part, seen))
}

function matchesConstants(properties: { readonly [key: string]: JsonSchema }, value: Record<string, unknown>): boolean {
  return Object.entries(properties).every(
    ([key, { const: constant }]) => constant === undefined || value[key] === constant,
  )
}
