import protobuf from 'protobufjs'
import { describe, expect, test } from 'vitest'
import { Random } from './random.ts'
import { tallySpans } from './request_tally.ts'
import { SHAPES } from './shapes.ts'
import { encodeBodies, renewBody } from './trace_bodies.ts'

const NOW_MS = 1_780_000_000_000
const emptyTally = () => ({ spans: 0, low: 0, high: 0 })

/** The parts of OTLP traces that matter here, for protobufjs: an encoder's judge that shares nothing with it. */
const TraceRequest = protobuf
  .parse(`syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
  message Scope { string name = 1; string version = 2; }
  message Span { bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9; Status status = 15; }
  message Status { string message = 2; int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue { oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4;
    ArrayValue array_value = 5; } }
  message ArrayValue { repeated AnyValue values = 1; }`)
  .root.lookupType('Request')

interface DecodedSpan {
  traceId: string
  spanId: string
  parentSpanId?: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: { stringValue?: string } }[]
  status?: { code: number }
}

function decode(bytes: Buffer): DecodedSpan[] {
  const request = TraceRequest.toObject(TraceRequest.decode(bytes), { bytes: String, longs: String })
  return request['resourceSpans'].flatMap((resource: { scopeSpans: { spans: DecodedSpan[] }[] }) =>
    resource.scopeSpans.flatMap((scope) => scope.spans),
  )
}

describe.each(SHAPES)('a request of shape $name', (shape) => {
  const body = encodeBodies({ ...shape, bodies: 1 }, 7)[0]!
  const sum = { low: 0, high: 0 }
  renewBody(body, new Random(3), NOW_MS, sum)
  const spans = decode(body.bytes)

  test('has the spans it promises, whole traces of eight', () => {
    expect(spans).toHaveLength(shape.spans)
    const byTrace = Map.groupBy(spans, (span) => span.traceId)
    expect(byTrace.size).toBe(Math.ceil(shape.spans / 8))
    for (const trace of byTrace.values()) {
      const byId = new Map(trace.map((span) => [span.spanId, span]))
      expect(byId.size).toBe(trace.length)
      expect(trace.filter((span) => span.parentSpanId === undefined)).toHaveLength(1)
      for (const span of trace) {
        let above: DecodedSpan | undefined = span
        for (let i = 0; i < 8 && above?.parentSpanId !== undefined; i++) above = byId.get(above.parentSpanId)
        expect(above !== undefined && above.parentSpanId === undefined).toBe(true)
      }
    }
  })

  test('ends by now, no span before its start', () => {
    for (const span of spans) {
      const [start, end] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)]
      expect(end >= start && end <= BigInt(NOW_MS) * 1_000_000n && start > BigInt(NOW_MS - 20_000) * 1_000_000n).toBe(
        true,
      )
    }
  })

  test('counts as many spans of traces that must be kept as there are', () => {
    const kept = [...Map.groupBy(spans, (span) => span.traceId).values()].filter((trace) => {
      // Nanoseconds as strings of equal length sort as numbers do.
      const ends = trace.map((span) => span.endTimeUnixNano).sort()
      const starts = trace.map((span) => span.startTimeUnixNano).sort()
      return BigInt(ends.at(-1)!) - BigInt(starts[0]!) > 2_000_000_000n || trace.some((span) => span.status?.code === 2)
    })
    expect(kept.flat()).toHaveLength(body.mustKeepSpans)
  })

  test('has the size that its name says', () => {
    const expected = { '250B': 250, '680B': 680, prompts: 6500, dense: 6500 }[shape.name]!
    expect(Math.abs(body.bytes.length / shape.spans / expected - 1)).toBeLessThan(0.15)
  })

  test('is read by the sink with the checksum of the sender', () => {
    const tally = emptyTally()
    tallySpans(body.bytes, 0, body.bytes.length, tally)
    expect(tally).toEqual({ spans: shape.spans, ...sum })
  })

  test('has new ids after it is renewed', () => {
    const before = spans[0]!.traceId
    renewBody(body, new Random(4), NOW_MS, { low: 0, high: 0 })
    expect(decode(body.bytes)[0]!.traceId).not.toBe(before)
    renewBody(body, new Random(3), NOW_MS, { low: 0, high: 0 })
    expect(decode(body.bytes)[0]!.traceId).toBe(before)
  })
})

test('messages of the prompts shape are JSON', () => {
  const body = encodeBodies({ ...SHAPES.find((shape) => shape.name === 'prompts')!, bodies: 1 }, 7)[0]!
  for (const span of decode(body.bytes)) {
    for (const { key, value } of span.attributes) {
      if (key.endsWith('.messages')) expect(JSON.parse(value.stringValue!)[0].parts).toHaveLength(1)
    }
  }
})

test('a span changed, lost or doubled changes the checksum', () => {
  const body = encodeBodies({ ...SHAPES[0]!, spans: 16, bodies: 1 }, 7)[0]!
  renewBody(body, new Random(3), NOW_MS, { low: 0, high: 0 })
  const whole = emptyTally()
  tallySpans(body.bytes, 0, body.bytes.length, whole)
  const twice = emptyTally()
  const bytes = Buffer.concat([body.bytes, body.bytes])
  tallySpans(bytes, 0, bytes.length, twice)
  expect(twice.spans).toBe(32)
  expect(twice.low).not.toBe(whole.low)
  body.bytes[body.places[4]!]! ^= 1
  const changed = emptyTally()
  tallySpans(body.bytes, 0, body.bytes.length, changed)
  expect([changed.low, changed.high]).not.toEqual([whole.low, whole.high])
  expect(() => tallySpans(body.bytes, 0, body.bytes.length - 3, emptyTally())).toThrow(/ends after its parent/)
})
