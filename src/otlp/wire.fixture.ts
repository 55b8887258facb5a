/** Protobuf written by hand, to make what no library would write. Tests only. */
import { varintSize, writeVarint } from './output.ts'
import { type Field, fieldsOf, isMessage, type MessageName } from './schema.ts'

export function varint(value: number | bigint, padding = 0): Buffer {
  const bytes: number[] = []
  let rest = BigInt.asUintN(64, BigInt(value))
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  bytes.push(Number(rest))
  for (let more = 0; more < padding; more++) {
    bytes[bytes.length - 1]! |= 128
    bytes.push(0)
  }
  return Buffer.from(bytes)
}

/** A length-delimited field: text, bytes or a message of parts. */
export function part(field: number, ...content: readonly (string | Buffer)[]): Buffer {
  const bytes = Buffer.concat(content.map((piece) => Buffer.from(piece as string)))
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes])
}

export function number(field: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)])
}

export function fixed64(field: number, value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value))
  return Buffer.concat([varint(field * 8 + 1), bytes])
}

export function fixed32(field: number, value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return Buffer.concat([varint(field * 8 + 5), bytes])
}

/** A KeyValue at `field` whose AnyValue has the given content. */
export function attribute(field: number, key: string, ...value: readonly Buffer[]): Buffer {
  return part(field, part(1, key), part(2, ...value))
}

/** A trace request with one resource, one scope and these spans (contents of Span messages). */
export function request(...spans: readonly Buffer[]): Buffer {
  return part(1, part(2, ...spans.map((span) => part(2, span))))
}

/** AnyValue content: a text in `depth - 1` lists (or maps), so that `depth` AnyValues stand in each other. */
export function nestedValue(depth: number, form: 'list' | 'map' = 'list'): Buffer {
  const bytes = Buffer.alloc(depth * 21 + 3)
  let start = bytes.length - 3
  bytes.set(part(1, 'x'), start)
  const wrap = (field: number) => {
    const length = bytes.length - start
    start -= 1 + varintSize(length)
    bytes[start] = field * 8 + 2
    writeVarint(bytes, start + 1, length)
  }
  for (let level = 1; level < depth; level++) {
    wrap(form === 'list' ? 1 : 2)
    if (form === 'map') {
      start -= 3
      bytes.set(part(1, 'k'), start)
      wrap(1)
    }
    wrap(form === 'list' ? 5 : 6)
  }
  return bytes.subarray(start)
}

/** The same message with every tag one byte longer than need be, all the way down. */
export function withLongTags(name: MessageName, bytes: Buffer): Buffer {
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const tag = readVarint(bytes, at)
    at = tag.end
    const field = Math.floor(tag.value / 8)
    const wire = tag.value % 8
    pieces.push(varint(tag.value, 1))
    if (wire === 2) {
      const length = readVarint(bytes, at)
      const content = bytes.subarray(length.end, length.end + length.value)
      const type: Field['type'] = fieldsOf[name].find((one) => one.number === field)?.type ?? 'bytes'
      const written = isMessage(type) ? withLongTags(type, content) : content
      pieces.push(varint(written.length), written)
      at = length.end + length.value
    } else {
      const end = wire === 0 ? readVarint(bytes, at).end : at + (wire === 1 ? 8 : 4)
      pieces.push(bytes.subarray(at, end))
      at = end
    }
  }
  return Buffer.concat(pieces)
}

function readVarint(bytes: Buffer, start: number): { value: number; end: number } {
  let value = 0
  let scale = 1
  for (let at = start; ; at++) {
    value += (bytes[at]! & 127) * scale
    scale *= 128
    if (bytes[at]! < 128) return { value, end: at + 1 }
  }
}
