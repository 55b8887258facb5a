/**
 * The messages of OTLP 1.11 (opentelemetry-proto: collector, trace, logs, metrics, common, resource) as one table.
 * The validating walk, the regular form, the object codec and the JSON codec all read it.
 */

export type Scalar =
  | 'string'
  | 'bytes'
  | 'bool'
  | 'int32'
  | 'uint32'
  | 'sint32'
  | 'int64'
  | 'uint64'
  | 'fixed32'
  | 'fixed64'
  | 'sfixed64'
  | 'double'
  | 'enum'

export interface Field {
  readonly number: number
  /** The JSON name (lowerCamelCase). */
  readonly name: string
  /** A scalar, or the name of a message. `id` is bytes that JSON writes in hex. */
  readonly type: Scalar | 'id' | MessageName
  readonly repeated: boolean
  /** Members of the same oneof share a name. */
  readonly oneof: string | undefined
}

/** Grammar of a row: `number name type`, `*` after the type for repeated, `|group` for a member of a oneof. */
const messages = {
  TracesRequest: ['1 resourceSpans ResourceSpans*'],
  ResourceSpans: ['1 resource Resource', '2 scopeSpans ScopeSpans*', '3 schemaUrl string'],
  ScopeSpans: ['1 scope Scope', '2 spans Span*', '3 schemaUrl string'],
  Span: [
    '1 traceId id',
    '2 spanId id',
    '3 traceState string',
    '4 parentSpanId id',
    '5 name string',
    '6 kind enum',
    '7 startTimeUnixNano fixed64',
    '8 endTimeUnixNano fixed64',
    '9 attributes KeyValue*',
    '10 droppedAttributesCount uint32',
    '11 events Event*',
    '12 droppedEventsCount uint32',
    '13 links Link*',
    '14 droppedLinksCount uint32',
    '15 status Status',
    '16 flags fixed32',
  ],
  Event: ['1 timeUnixNano fixed64', '2 name string', '3 attributes KeyValue*', '4 droppedAttributesCount uint32'],
  Link: [
    '1 traceId id',
    '2 spanId id',
    '3 traceState string',
    '4 attributes KeyValue*',
    '5 droppedAttributesCount uint32',
    '6 flags fixed32',
  ],
  Status: ['2 message string', '3 code enum'],
  LogsRequest: ['1 resourceLogs ResourceLogs*'],
  ResourceLogs: ['1 resource Resource', '2 scopeLogs ScopeLogs*', '3 schemaUrl string'],
  ScopeLogs: ['1 scope Scope', '2 logRecords LogRecord*', '3 schemaUrl string'],
  LogRecord: [
    '1 timeUnixNano fixed64',
    '2 severityNumber enum',
    '3 severityText string',
    '5 body AnyValue',
    '6 attributes KeyValue*',
    '7 droppedAttributesCount uint32',
    '8 flags fixed32',
    '9 traceId id',
    '10 spanId id',
    '11 observedTimeUnixNano fixed64',
    '12 eventName string',
  ],
  MetricsRequest: ['1 resourceMetrics ResourceMetrics*'],
  ResourceMetrics: ['1 resource Resource', '2 scopeMetrics ScopeMetrics*', '3 schemaUrl string'],
  ScopeMetrics: ['1 scope Scope', '2 metrics Metric*', '3 schemaUrl string'],
  Metric: [
    '1 name string',
    '2 description string',
    '3 unit string',
    '5 gauge Gauge |data',
    '7 sum Sum |data',
    '9 histogram Histogram |data',
    '10 exponentialHistogram ExponentialHistogram |data',
    '11 summary Summary |data',
    '12 metadata KeyValue*',
  ],
  Gauge: ['1 dataPoints NumberDataPoint*'],
  Sum: ['1 dataPoints NumberDataPoint*', '2 aggregationTemporality enum', '3 isMonotonic bool'],
  Histogram: ['1 dataPoints HistogramDataPoint*', '2 aggregationTemporality enum'],
  ExponentialHistogram: ['1 dataPoints ExponentialHistogramDataPoint*', '2 aggregationTemporality enum'],
  Summary: ['1 dataPoints SummaryDataPoint*'],
  NumberDataPoint: [
    '2 startTimeUnixNano fixed64',
    '3 timeUnixNano fixed64',
    '4 asDouble double |value',
    '5 exemplars Exemplar*',
    '6 asInt sfixed64 |value',
    '7 attributes KeyValue*',
    '8 flags uint32',
  ],
  HistogramDataPoint: [
    '2 startTimeUnixNano fixed64',
    '3 timeUnixNano fixed64',
    '4 count fixed64',
    '5 sum double',
    '6 bucketCounts fixed64*',
    '7 explicitBounds double*',
    '8 exemplars Exemplar*',
    '9 attributes KeyValue*',
    '10 flags uint32',
    '11 min double',
    '12 max double',
  ],
  ExponentialHistogramDataPoint: [
    '1 attributes KeyValue*',
    '2 startTimeUnixNano fixed64',
    '3 timeUnixNano fixed64',
    '4 count fixed64',
    '5 sum double',
    '6 scale sint32',
    '7 zeroCount fixed64',
    '8 positive Buckets',
    '9 negative Buckets',
    '10 flags uint32',
    '11 exemplars Exemplar*',
    '12 min double',
    '13 max double',
    '14 zeroThreshold double',
  ],
  Buckets: ['1 offset sint32', '2 bucketCounts uint64*'],
  SummaryDataPoint: [
    '2 startTimeUnixNano fixed64',
    '3 timeUnixNano fixed64',
    '4 count fixed64',
    '5 sum double',
    '6 quantileValues ValueAtQuantile*',
    '7 attributes KeyValue*',
    '8 flags uint32',
  ],
  ValueAtQuantile: ['1 quantile double', '2 value double'],
  Exemplar: [
    '2 timeUnixNano fixed64',
    '3 asDouble double |value',
    '4 spanId id',
    '5 traceId id',
    '6 asInt sfixed64 |value',
    '7 filteredAttributes KeyValue*',
  ],
  Resource: ['1 attributes KeyValue*', '2 droppedAttributesCount uint32', '3 entityRefs EntityRef*'],
  EntityRef: ['1 schemaUrl string', '2 type string', '3 idKeys string*', '4 descriptionKeys string*'],
  Scope: ['1 name string', '2 version string', '3 attributes KeyValue*', '4 droppedAttributesCount uint32'],
  KeyValue: ['1 key string', '2 value AnyValue'],
  AnyValue: [
    '1 stringValue string |value',
    '2 boolValue bool |value',
    '3 intValue int64 |value',
    '4 doubleValue double |value',
    '5 arrayValue ArrayValue |value',
    '6 kvlistValue KeyValueList |value',
    '7 bytesValue bytes |value',
  ],
  ArrayValue: ['1 values AnyValue*'],
  KeyValueList: ['1 values KeyValue*'],
  ExportResponse: ['1 partialSuccess PartialSuccess'],
  PartialSuccess: ['1 rejected int64', '2 errorMessage string'],
} as const

export type MessageName = keyof typeof messages

/** Protobuf wire types. */
export const VARINT = 0
export const FIXED64 = 1
export const LENGTH = 2
export const FIXED32 = 5

const wireTypes: Record<Scalar | 'id', number> = {
  string: LENGTH,
  bytes: LENGTH,
  id: LENGTH,
  bool: VARINT,
  int32: VARINT,
  uint32: VARINT,
  sint32: VARINT,
  int64: VARINT,
  uint64: VARINT,
  enum: VARINT,
  fixed32: FIXED32,
  fixed64: FIXED64,
  sfixed64: FIXED64,
  double: FIXED64,
}

const names = Object.keys(messages) as MessageName[]
/** Message ids are positions in the table plus one, so that 0 means none. */
export const messageId = Object.fromEntries(names.map((name, at) => [name, at + 1])) as Readonly<
  Record<MessageName, number>
>

export const fieldsOf = Object.fromEntries(
  names.map((name) => [name, (messages[name] as readonly string[]).map(parseRow)]),
) as unknown as Readonly<Record<MessageName, readonly Field[]>>

/** Row of a field in the tables below: message id times 32 plus field number (no OTLP field is above 31). */
export const FIELDS_PER_MESSAGE = 32
const size = (names.length + 1) * FIELDS_PER_MESSAGE

/** 0: unknown field; otherwise wire type, plus flags. */
export const KNOWN = 8
export const REPEATED = 16
/** Repeated numbers: packed (LENGTH) and unpacked are both right. */
export const PACKABLE = 32
export const fieldKind = new Uint8Array(size)
/** Message id of a message field, 0 for a scalar. */
export const fieldMessage = new Uint8Array(size)
/** A bit per singular field; members of a oneof share one. Seen twice: the message is not in regular form. */
export const fieldOnce = new Uint32Array(size)

for (const name of names) {
  for (const field of fieldsOf[name]) {
    const at = messageId[name] * FIELDS_PER_MESSAGE + field.number
    const message = messageId[field.type as MessageName] ?? 0
    const wire = message > 0 ? LENGTH : wireTypes[field.type as Scalar]
    fieldKind[at] = KNOWN | wire | (field.repeated ? REPEATED : 0) | (field.repeated && wire !== LENGTH ? PACKABLE : 0)
    fieldMessage[at] = message
    const first = fieldsOf[name].find((other) => field.oneof !== undefined && other.oneof === field.oneof) ?? field
    fieldOnce[at] = field.repeated ? 0 : (1 << first.number) >>> 0
  }
}

/** The wire type a single (unpacked) value of the field has. */
export function wireTypeOf(field: Field): number {
  return wireTypes[field.type as Scalar] ?? LENGTH
}

export function isMessage(type: Field['type']): type is MessageName {
  return type in messages
}

function parseRow(row: string): Field {
  const [number, name, type, oneof] = row.split(' ') as [string, string, string, string | undefined]
  return {
    number: Number(number),
    name,
    type: type.replace('*', '') as Field['type'],
    repeated: type.endsWith('*'),
    oneof: oneof?.slice(1),
  }
}
