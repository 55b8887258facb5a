/** Small OTLP requests as batches, and back. */
import { decode, encode, type Message, type Value } from '../../src/otlp/codec.ts'
import type { MessageName } from '../../src/otlp/schema.ts'
import { type AnyBatch, type Batches, type Signal, trusted } from '../../src/telemetry/batch.ts'

/** A whole number becomes an int, any other number a double; `bigint` is an int too. */
export type Plain =
  | string
  | number
  | bigint
  | boolean
  | Buffer
  | null
  | readonly Plain[]
  | { readonly [key: string]: Plain }
export type PlainAttributes = { readonly [key: string]: Plain } | readonly (readonly [key: string, value: Plain])[]

export interface GroupOptions {
  readonly resource?: PlainAttributes
  readonly scope?: { readonly name?: string; readonly version?: string; readonly attributes?: PlainAttributes }
}

export interface SpanOptions {
  /** 32 hexadecimal digits. */
  readonly trace?: string
  /** 16 hexadecimal digits. */
  readonly id?: string
  readonly parent?: string
  readonly name?: string
  readonly kind?: number
  /** Unix milliseconds. */
  readonly start_ms?: number
  readonly end_ms?: number
  readonly attributes?: PlainAttributes
  readonly status?: { readonly code?: number; readonly message?: string }
  readonly events?: readonly { readonly name: string; readonly attributes?: PlainAttributes }[]
  /** Any other field by its JSON name, over the ones above. */
  readonly more?: Message
}

export interface LogOptions {
  readonly body?: Plain
  readonly severity?: number
  readonly severityText?: string
  readonly event?: string
  readonly trace?: string
  readonly span?: string
  readonly time_ms?: number
  readonly attributes?: PlainAttributes
  readonly more?: Message
}

export interface MetricOptions {
  readonly name: string
  /** Default `sum`, which is cumulative and monotonic. */
  readonly kind?: 'gauge' | 'sum'
  readonly unit?: string
  /** Default one point of value 1. */
  readonly points?: readonly {
    readonly value?: number
    readonly attributes?: PlainAttributes
    readonly time_ms?: number
  }[]
  readonly more?: Message
}

const START_MS = 1_700_000_000_000
const TRACE = '0102030405060708090a0b0c0d0e0f10'
const SPAN = '1112131415161718'

export function traceBatch(spans: readonly SpanOptions[], group: GroupOptions = {}): Batches['traces'] {
  return batchOf('traces', { resourceSpans: [resourceGroup(group, 'scopeSpans', 'spans', spans.map(spanMessage))] })
}

export function logBatch(records: readonly LogOptions[], group: GroupOptions = {}): Batches['logs'] {
  return batchOf('logs', { resourceLogs: [resourceGroup(group, 'scopeLogs', 'logRecords', records.map(logMessage))] })
}

export function metricBatch(metrics: readonly MetricOptions[], group: GroupOptions = {}): Batches['metrics'] {
  return batchOf('metrics', {
    resourceMetrics: [resourceGroup(group, 'scopeMetrics', 'metrics', metrics.map(metricMessage))],
  })
}

/** `count` items of that signal, with nothing special about them: spans, log records, metrics of one point each. */
export function anyBatch<S extends Signal>(signal: S, count: number, group: GroupOptions = {}): Batches[S] {
  const list = Array.from({ length: count }, (_, at) => at)
  if (signal === 'traces')
    return traceBatch(
      list.map((at) => ({ id: (at + 1).toString(16).padStart(16, '0'), name: `span ${at}` })),
      group,
    ) as unknown as Batches[S]
  if (signal === 'logs')
    return logBatch(
      list.map((at) => ({ body: `record ${at}` })),
      group,
    ) as unknown as Batches[S]
  return metricBatch(
    list.map((at) => ({ name: `metric.${at}` })),
    group,
  ) as unknown as Batches[S]
}

/** A batch of a request given with the JSON names of OTLP. */
export function batchOf<S extends Signal>(signal: S, request: Message): Batches[S] {
  return trusted(signal, encode(requestName(signal), request).take())
}

/** The request with the JSON names of OTLP: bigints for 64-bit integers, Buffers for ids. */
export function requestOf(batch: AnyBatch | Batches[Signal]): Message {
  return decode(requestName(batch.signal), batch.bytes)
}

/** All spans, log records or metrics of a batch, in order. */
export function itemsOf(batch: AnyBatch | Batches[Signal]): Message[] {
  const [groups, scopes, items] = {
    traces: ['resourceSpans', 'scopeSpans', 'spans'],
    logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
    metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
  }[batch.signal] as [string, string, string]
  const inside = (messages: Message[], name: string) =>
    messages.flatMap((message) => (message[name] ?? []) as Message[])
  return inside(inside(inside([requestOf(batch)], groups), scopes), items)
}

/** Attributes of a decoded message (or its `name` field) as key and plain value, duplicates included. */
export function attributesOf(message: Message | undefined, name = 'attributes'): [key: string, value: Plain][] {
  return ((message?.[name] ?? []) as Message[]).map(({ key, value }) => [
    (key ?? '') as string,
    plainOf(value as Message | undefined),
  ])
}

export function keyValues(attributes: PlainAttributes = {}): Message[] {
  const entries = Array.isArray(attributes) ? attributes : Object.entries(attributes)
  return (entries as [string, Plain][]).map(([key, value]) => ({ key, value: anyValue(value) }))
}

export function anyValue(value: Plain): Message {
  if (value === null) return {}
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'bigint') return { intValue: value }
  if (typeof value === 'number') return Number.isInteger(value) ? { intValue: BigInt(value) } : { doubleValue: value }
  if (Buffer.isBuffer(value)) return { bytesValue: value }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } }
  return { kvlistValue: { values: keyValues(value as PlainAttributes) } }
}

function plainOf(value: Message | undefined): Plain {
  if (value === undefined) return null
  const { arrayValue, kvlistValue, ...scalars } = value
  if (arrayValue !== undefined) return (((arrayValue as Message)['values'] ?? []) as Message[]).map(plainOf)
  if (kvlistValue !== undefined) return Object.fromEntries(attributesOf(kvlistValue as Message, 'values'))
  const scalar = Object.values(scalars)[0] as Value | undefined
  if (scalar === undefined) return null
  return typeof scalar === 'bigint' && BigInt(Number(scalar)) === scalar ? Number(scalar) : (scalar as Plain)
}

function resourceGroup({ resource, scope }: GroupOptions, scopes: string, items: string, list: Message[]): Message {
  const { attributes, ...names } = scope ?? {}
  const scopeMessage = scope && { ...names, ...(attributes && { attributes: keyValues(attributes) }) }
  return {
    ...(resource && { resource: { attributes: keyValues(resource) } }),
    [scopes]: [{ ...(scopeMessage && { scope: scopeMessage as Message }), [items]: list }],
  }
}

function spanMessage(span: SpanOptions): Message {
  return {
    traceId: Buffer.from(span.trace ?? TRACE, 'hex'),
    spanId: Buffer.from(span.id ?? SPAN, 'hex'),
    ...(span.parent !== undefined && { parentSpanId: Buffer.from(span.parent, 'hex') }),
    name: span.name ?? 'span',
    ...(span.kind !== undefined && { kind: span.kind }),
    startTimeUnixNano: nanos(span.start_ms ?? START_MS),
    endTimeUnixNano: nanos(span.end_ms ?? START_MS + 10),
    attributes: keyValues(span.attributes),
    ...(span.events && {
      events: span.events.map(({ name, attributes }) => ({ name, attributes: keyValues(attributes) })),
    }),
    ...(span.status && { status: { ...span.status } }),
    ...span.more,
  }
}

function logMessage(log: LogOptions): Message {
  return {
    timeUnixNano: nanos(log.time_ms ?? START_MS),
    ...(log.severity !== undefined && { severityNumber: log.severity }),
    ...(log.severityText !== undefined && { severityText: log.severityText }),
    ...(log.body !== undefined && { body: anyValue(log.body) }),
    attributes: keyValues(log.attributes),
    ...(log.trace !== undefined && { traceId: Buffer.from(log.trace, 'hex') }),
    ...(log.span !== undefined && { spanId: Buffer.from(log.span, 'hex') }),
    ...(log.event !== undefined && { eventName: log.event }),
    ...log.more,
  }
}

function metricMessage(metric: MetricOptions): Message {
  const points = (metric.points ?? [{}]).map((point) => ({
    timeUnixNano: nanos(point.time_ms ?? START_MS),
    asDouble: point.value ?? 1,
    attributes: keyValues(point.attributes),
  }))
  return {
    name: metric.name,
    ...(metric.unit !== undefined && { unit: metric.unit }),
    ...(metric.kind === 'gauge'
      ? { gauge: { dataPoints: points } }
      : { sum: { dataPoints: points, aggregationTemporality: 2, isMonotonic: true } }),
    ...metric.more,
  }
}

function nanos(time_ms: number): bigint {
  return BigInt(time_ms) * 1_000_000n
}

function requestName(signal: Signal): MessageName {
  return ({ traces: 'TracesRequest', metrics: 'MetricsRequest', logs: 'LogsRequest' } as const)[signal]
}
