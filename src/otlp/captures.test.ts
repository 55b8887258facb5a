import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { describe, expect, it } from 'vitest'
import { receive } from '../telemetry/receive.ts'
import { captures, requestNames } from './captures.fixture.ts'
import { decode, encode } from './codec.ts'
import { protobufToJson } from './json_from_protobuf.ts'
import { jsonToProtobuf } from './json_to_protobuf.ts'
import { oracleFields, oracleObject, oracleType } from './oracle.fixture.ts'
import { fieldsOf, type MessageName } from './schema.ts'

const all = captures()
const protobufs = all.filter((capture) => capture.encoding === 'pb')
const jsons = all.filter((capture) => capture.encoding === 'json')
/** Writers that write fields in the order of their numbers, shortest form, no defaults. */
const isCanonical = (path: string) => /^(py|python|rust)[-/]/.test(path)

describe('the table', () => {
  const found = oracleFields()
  const names = Object.keys(fieldsOf).filter((name) => found.has(name)) as MessageName[]
  it.each(names)('%s is as the schema says', (name) => {
    const ours = fieldsOf[name].map(({ number, name, repeated, type }) => ({
      number,
      name,
      repeated,
      type: type === 'id' ? 'bytes' : type,
    }))
    expect(ours).toEqual(found.get(name)!.sort((a, b) => a.number - b.number))
  })

  it('knows all messages', () => expect(names.length).toBe(Object.keys(fieldsOf).length - 5))
})

describe('captured bodies', () => {
  it('are there', () => {
    expect(protobufs.length).toBeGreaterThan(50)
    expect(jsons.length).toBeGreaterThan(10)
  })

  it('protobuf is received as it came, and counted right', () => {
    for (const { path, signal, name, body } of protobufs) {
      const { batch } = receive(signal, body)
      expect(batch.bytes, path).toBe(body)
      const counted = { items: batch.items, count: batch.count }
      expect(counted, path).toEqual(countOf(oracleType(name).decode(body)))
    }
  })

  it('protobuf to JSON to protobuf is the same message', () => {
    for (const { path, name, body } of protobufs) {
      const back = jsonToProtobuf(name, protobufToJson(name, body))
      if (isCanonical(path)) expect(back.equals(body), path).toBe(true)
      expect(oracleObject(name, back), path).toEqual(oracleObject(name, body))
      expect(jsonToProtobuf(name, protobufToJson(name, back)).equals(back), path).toBe(true)
    }
  })

  it('the object codec agrees with protobufjs', () => {
    for (const { path, name, body } of protobufs) {
      const back = encode(name, decode(name, body)).take()
      if (isCanonical(path)) expect(back.equals(body), path).toBe(true)
      expect(oracleObject(name, back), path).toEqual(oracleObject(name, body))
    }
  })

  it('JSON becomes the message that it says, in regular form', () => {
    for (const { path, signal, name, body } of jsons) {
      const bytes = jsonToProtobuf(name, body)
      expect(receive(signal, bytes).batch.bytes, path).toBe(bytes)
      const said = JSON.parse(body.toString()) as Record<string, unknown>
      const read = JSON.parse(protobufToJson(name, bytes).toString()) as Record<string, unknown>
      expect(plain(read), path).toEqual(plain(said))
    }
  })
})

describe('the JavaScript exporters', () => {
  it('write the same in protobuf and in JSON', () => {
    const spans = madeSpans()
    const bytes = Buffer.from(ProtobufTraceSerializer.serializeRequest(spans)!)
    const json = Buffer.from(JsonTraceSerializer.serializeRequest(spans)!)
    expect(receive('traces', bytes).batch.count).toBe(3)
    const fromJson = oracleObject(requestNames.traces, jsonToProtobuf('TracesRequest', json))
    expect(fromJson).toEqual(oracleObject(requestNames.traces, bytes))
  })
})

function madeSpans() {
  const memory = new InMemorySpanExporter()
  const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(memory)] })
  const tracer = provider.getTracer('shop', '1.2')
  for (const name of ['ordinary', 'näme 😀', '']) {
    const span = tracer.startSpan(name, { kind: 2, startTime: [1700000000, 123456789] })
    span.setAttributes({ text: 'a', whole: 7, part: 0.5, negative: -3, yes: true, list: ['a', 'b'], numbers: [1, 2.5] })
    span.addEvent('event', { large: Number.MAX_SAFE_INTEGER }, [1700000001, 1])
    span.addLink({ context: { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: 1 } })
    span.setStatus({ code: 2, message: 'no' })
    span.end([1700000002, 999999999])
  }
  return memory.getFinishedSpans()
}

/** Items and counted things by walking what protobufjs has read. */
function countOf(request: unknown): { items: number; count: number } {
  let items = 0
  let points = 0
  const groups = Object.values(request as object).flat() as Record<string, unknown[]>[]
  for (const scope of groups.flatMap((group) => group.scopeSpans ?? group.scopeLogs ?? group.scopeMetrics ?? [])) {
    const group = scope as Record<string, unknown[]>
    items += (group.spans ?? group.logRecords ?? group.metrics ?? []).length
    for (const metric of (group.metrics ?? []) as Record<string, { dataPoints: unknown[] } | undefined>[]) {
      for (const kind of ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']) {
        points += metric[kind]?.dataPoints.length ?? 0
      }
    }
    if (group.metrics === undefined) points += (group.spans ?? group.logRecords ?? []).length
  }
  return { items, count: points }
}

/** Without what may be left out: empty texts and lists, zeros, false, null; 64-bit numbers as text; ids in lower case. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .map(([key, inner]) => [key, plain(inner)] as const)
    .filter(([key, inner]) => {
      if (/^(string|int|bool|double)Value$|^as(Int|Double)$|^(sum|min|max)$/.test(key)) return inner !== null
      return inner !== null && inner !== '' && inner !== '0' && inner !== false && !isEmptyList(inner)
    })
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)))
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0
}
