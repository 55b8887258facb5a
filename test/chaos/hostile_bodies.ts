/** Hostile request bodies, encoded once: small on the wire, large or laborious when unpacked. */
import { gzipSync } from 'node:zlib'
import { ProtobufWriter, writeAttributes } from '../bench/protobuf.ts'
import { isLong } from './form.ts'

const MIB = 1024 * 1024
/** Below the default limit of 64 MiB, so that the size alone refuses nothing. */
const UNPACKED_bytes = 60 * MIB

/** Of items that are made one by one. */
const MANY = isLong ? 1e6 : 1e5

export type SignalPath = 'traces' | 'metrics' | 'logs'

export interface HostileBody {
  readonly signal: SignalPath
  readonly type?: 'application/json'
  readonly encoding?: 'gzip' | 'deflate'
  readonly body: Buffer
  /** It fills tables and the store up to their caps, which is right: the next kind gets a new process. */
  readonly fills?: true
}

/** By name; each is a kind. Made when it is needed: gzipping 60 MiB takes a while. */
export const HOSTILE_BODIES: Readonly<Record<string, () => HostileBody>> = {
  'C01 a bomb: 128 MiB of zeros': () => gzip('traces', Buffer.alloc(128 * MIB)),
  'C01 gzip in gzip': () => gzip('traces', gzipSync(Buffer.alloc(128 * MIB))),
  'C01 a valid text of 60 MiB': () =>
    gzip(
      'traces',
      spanWith((span) => span.stringField(5, 'a'.repeat(UNPACKED_bytes))),
    ),
  'C01 60 MiB of empty resource groups': () => gzip('traces', filled([0x0a, 0])),
  'irregular span with 30 million empty attributes': () =>
    gzip(
      'traces',
      spanWith((span) => {
        span.stringField(5, 'a').stringField(5, 'b')
        span.bytes(filled([0x4a, 0]))
      }),
    ),
  'regular span with 30 million empty attributes': () =>
    gzip(
      'traces',
      spanWith((span) => span.bytes(filled([0x4a, 0]))),
    ),
  'span with 30 million empty events': () =>
    gzip(
      'traces',
      spanWith((span) => span.bytes(filled([0x5a, 0]))),
    ),
  'span with 30 million empty links': () =>
    gzip(
      'traces',
      spanWith((span) => span.bytes(filled([0x6a, 0]))),
    ),
  'the same field 30 million times': () =>
    gzip(
      'traces',
      spanWith((span) => span.bytes(filled([0x2a, 0]))),
    ),
  '30 million unknown fields': () =>
    gzip(
      'traces',
      spanWith((span) => span.bytes(filled([0xf8, 0x07, 1]))),
    ),
  'an array of 30 million empty values': () =>
    gzip(
      'traces',
      spanWith((span) => span.message(9, (attribute) => keyed(attribute, arrayOf(filled([0x0a, 0]))))),
    ),
  'a map of 30 million empty pairs': () =>
    gzip(
      'logs',
      itemWith((record) => record.message(5, (value) => void value.bytesField(6, filled([0x0a, 0])))),
    ),
  'log record with 30 million empty attributes': () =>
    gzip(
      'logs',
      itemWith((record) => record.bytes(filled([0x32, 0]))),
    ),
  'point with 30 million empty attributes': () =>
    gzip(
      'metrics',
      gaugeWith((point) => point.bytes(filled([0x3a, 0]))),
    ),
  'point with 30 million empty exemplars': () =>
    gzip(
      'metrics',
      gaugeWith((point) => point.bytes(filled([0x2a, 0]))),
    ),
  'gauge with 30 million empty points': () =>
    gzip(
      'metrics',
      itemWith((metric) => metric.stringField(1, 'm').message(5, (gauge) => gauge.bytes(filled([0x0a, 0])))),
    ),
  'metric with 30 million empty metadata': () =>
    gzip(
      'metrics',
      itemWith((metric) => metric.stringField(1, 'm').bytes(filled([0x62, 0]))),
    ),
  'exponential histogram with 60 million buckets': () =>
    gzip(
      'metrics',
      itemWith((metric) => metric.stringField(1, 'm').message(10, exponential)),
    ),
  'resource with 30 million empty attributes': () =>
    gzip(
      'metrics',
      groupWith((group) => void group.bytesField(1, filled([0x0a, 0]))),
    ),
  '30 million scope groups': () =>
    gzip(
      'traces',
      groupWith((group) => group.bytes(filled([0x12, 0]))),
    ),
  '30 million empty spans': () =>
    gzip(
      'traces',
      groupWith((group) => void group.bytesField(2, filled([0x12, 0]))),
    ),
  'B01 values nested 3 million deep': () =>
    gzip(
      'logs',
      itemWith((record) => void record.bytesField(5, nested())),
    ),
  'B01 JSON nested 5 million deep': () => json('{"resourceSpans":[{"a":', '[', 5 * MIB, ''),
  'JSON with 20 million empty attributes': () =>
    json(
      '{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a","attributes":[',
      '{},',
      UNPACKED_bytes / 3,
      '{}]}]}]}]}',
    ),
  'JSON text of 60 MiB in escapes': () =>
    json('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"', '\\u0041', UNPACKED_bytes / 6, '"}]}]}]}'),
  'a prompt of 60 MiB of JSON brackets': () => gzip('traces', prompt('['.repeat(UNPACKED_bytes))),
  'a prompt of 60 MiB of colons': () => gzip('traces', prompt(':'.repeat(UNPACKED_bytes))),
  'C09 a prompt of 60 MiB of digits': () => gzip('traces', prompt('4111 '.repeat(UNPACKED_bytes / 5))),
  'C09 a prompt of 60 MiB of addresses': () => gzip('traces', prompt('a.b@c.'.repeat(UNPACKED_bytes / 6))),
  'C06 very many metric names': () => ({ ...gzip('metrics', manyMetrics(MANY)), fills: true }),
  'C06 very many keys of log attributes': () => ({ ...gzip('logs', manyLogKeys(MANY)), fills: true }),
  'C11 very many traces': () => ({ ...gzip('traces', manyTraces(MANY)), fills: true }),
  'B06 a truncated gzip': () => ({
    ...gzip('traces', Buffer.alloc(MIB)),
    body: gzipSync(Buffer.alloc(MIB)).subarray(0, 500),
  }),
  'B03 a length past the end': () => ({ signal: 'traces', body: Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 1]) }),
  'B03 an endless varint': () => ({ signal: 'logs', body: Buffer.alloc(1000, 0xff) }),
}

function gzip(signal: SignalPath, body: Buffer): HostileBody {
  return { signal, encoding: 'gzip', body: gzipSync(body) }
}

function json(before: string, unit: string, times: number, after: string): HostileBody {
  const text = Buffer.concat([Buffer.from(before), Buffer.from(unit.repeat(Math.floor(times))), Buffer.from(after)])
  return { ...gzip('traces', text), type: 'application/json' }
}

function filled(unit: readonly number[], size_bytes = UNPACKED_bytes): Buffer {
  return Buffer.alloc(Math.floor(size_bytes / unit.length) * unit.length, Buffer.from(unit))
}

function groupWith(write: (group: ProtobufWriter) => void): Buffer {
  return new ProtobufWriter().message(1, write).finish()
}

/** A span, log record or metric: all stand at the same place. */
function itemWith(write: (item: ProtobufWriter) => void): Buffer {
  return groupWith((group) => group.message(2, (scope) => scope.message(2, write)))
}

function spanWith(write: (span: ProtobufWriter) => void): Buffer {
  return itemWith((span) => {
    span.bytesField(1, Buffer.alloc(16, 7))
    span.bytesField(2, Buffer.alloc(8, 7))
    write(span)
  })
}

function gaugeWith(write: (point: ProtobufWriter) => void): Buffer {
  return itemWith((metric) => metric.stringField(1, 'm').message(5, (gauge) => gauge.message(1, write)))
}

function exponential(histogram: ProtobufWriter): void {
  histogram.message(1, (point) => point.message(8, (buckets) => void buckets.bytesField(2, filled([1]))))
  histogram.varintField(2, 2)
}

function keyed(attribute: ProtobufWriter, value: Buffer): void {
  attribute.stringField(1, 'k')
  attribute.bytesField(2, value)
}

function arrayOf(values: Buffer): Buffer {
  const writer = new ProtobufWriter()
  writer.bytesField(5, values)
  return writer.finish()
}

/** AnyValue in ArrayValue in AnyValue …, from the inside out; lengths grow, so heads are written into one buffer backwards. */
function nested(): Buffer {
  const bytes = Buffer.alloc(24 * MIB)
  let at = bytes.length
  // Ends with the head of an ArrayValue, as the outermost of an AnyValue.
  for (let depth = 0; at > 32 || depth % 2 === 1; depth++) {
    const head = new ProtobufWriter()
      .varint(depth % 2 === 0 ? 0x0a : 0x2a)
      .varint(bytes.length - at)
      .finish()
    at -= head.length
    head.copy(bytes, at)
  }
  return bytes.subarray(at)
}

function prompt(text: string): Buffer {
  return spanWith((span) =>
    writeAttributes(span, 9, [
      ['gen_ai.operation.name', 'chat'],
      ['gen_ai.request.model', 'gpt-4.1'],
      ['gen_ai.input.messages', text],
    ]),
  )
}

/** `count` times the same item, with a number of its own in it. */
function numbered(count: number, item: (writer: ProtobufWriter, number: string) => void): Buffer {
  return groupWith((group) =>
    group.message(2, (scope) => {
      for (let i = 0; i < count; i++) scope.message(2, (writer) => item(writer, String(i).padStart(8, '0')))
    }),
  )
}

function manyMetrics(count: number): Buffer {
  return numbered(count, (metric, number) =>
    metric.stringField(1, `m${number}`).message(5, (gauge) => gauge.message(1, (point) => point.doubleField(4, 1))),
  )
}

function manyLogKeys(count: number): Buffer {
  return numbered(count, (record, number) => writeAttributes(record, 6, [[`key${number}`, 'a']]))
}

function manyTraces(count: number): Buffer {
  return numbered(count, (span, number) => {
    span.bytesField(1, Buffer.from(`trace---${number}`))
    span.bytesField(2, Buffer.from(number))
  })
}
