/** protobufjs with the schemas of `proto/` as an independent reader and writer of the same bytes. Tests only. */
import { readdirSync, readFileSync } from 'node:fs'
import protobuf from 'protobufjs'
import type { MessageName } from './schema.ts'

const directory = new URL('../../proto/opentelemetry/', import.meta.url)
const root = new protobuf.Root()
for (const path of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
  if (path.endsWith('.proto')) protobuf.parse(readFileSync(new URL(path, directory), 'utf8'), root)
}
root.resolveAll()

const packages = 'opentelemetry.proto.'
const typeNames: Partial<Record<MessageName, string>> = {
  TracesRequest: 'collector.trace.v1.ExportTraceServiceRequest',
  LogsRequest: 'collector.logs.v1.ExportLogsServiceRequest',
  MetricsRequest: 'collector.metrics.v1.ExportMetricsServiceRequest',
  Span: 'trace.v1.Span',
  AnyValue: 'common.v1.AnyValue',
}

/** Type names of the table that differ from the specification's. */
const tableNames: Record<string, string> = { InstrumentationScope: 'Scope' }

export function oracleType(name: MessageName): protobuf.Type {
  return root.lookupType(packages + typeNames[name])
}

/** The message as protobufjs reads it: absent scalars as defaults, 64-bit integers and bytes as text. */
export function oracleObject(name: MessageName, bytes: Uint8Array): Record<string, unknown> {
  const type = oracleType(name)
  return type.toObject(type.decode(bytes), { longs: String, bytes: String, defaults: true })
}

export interface OracleField {
  readonly number: number
  readonly name: string
  readonly repeated: boolean
  readonly type: string
}

/** All messages of the schemas, by the table's names, for comparison with the table. */
export function oracleFields(): Map<string, OracleField[]> {
  const found = new Map<string, OracleField[]>()
  const visit = (space: protobuf.NamespaceBase) => {
    for (const one of space.nestedArray) {
      if (one instanceof protobuf.Type) found.set(tableNames[one.name] ?? one.name, one.fieldsArray.map(fieldOf))
      if (one instanceof protobuf.Namespace) visit(one)
    }
  }
  visit(root)
  return found
}

function fieldOf(field: protobuf.Field): OracleField {
  const type = field.resolvedType instanceof protobuf.Enum ? 'enum' : (field.resolvedType?.name ?? field.type)
  return { number: field.id, name: field.name, repeated: field.repeated, type: tableNames[type] ?? type }
}
