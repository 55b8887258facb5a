/**
 * The smallest protobuf writer that can make OTLP traces. Written apart from the daemon's own, so that a mistake in one
 * of them shows as a difference.
 */
export class ProtobufWriter {
  #bytes = Buffer.allocUnsafe(1024)
  length = 0

  varint(value: number): this {
    this.#reserve(10)
    let rest = value
    while (rest > 127) {
      this.#bytes[this.length++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.#bytes[this.length++] = rest
    return this
  }

  varintField(field: number, value: number): this {
    return this.varint(field * 8).varint(value)
  }

  doubleField(field: number, value: number): this {
    this.varint(field * 8 + 1).#reserve(8)
    this.length = this.#bytes.writeDoubleLE(value, this.length)
    return this
  }

  fixed64Field(field: number, value: bigint): this {
    this.varint(field * 8 + 1).#reserve(8)
    this.length = this.#bytes.writeBigUInt64LE(value, this.length)
    return this
  }

  /** Eight zero bytes, to be overwritten later; returns where they are. */
  fixed64Gap(field: number): number {
    this.varint(field * 8 + 1).#reserve(8)
    this.#bytes.fill(0, this.length, this.length + 8)
    this.length += 8
    return this.length - 8
  }

  /** `size` zero bytes as a bytes field, to be overwritten later; returns where they are. */
  bytesGap(field: number, size: number): number {
    this.varint(field * 8 + 2)
      .varint(size)
      .#reserve(size)
    this.#bytes.fill(0, this.length, this.length + size)
    this.length += size
    return this.length - size
  }

  stringField(field: number, text: string): this {
    const size = Buffer.byteLength(text)
    this.varint(field * 8 + 2)
      .varint(size)
      .#reserve(size)
    this.#bytes.write(text, this.length)
    this.length += size
    return this
  }

  /** A bytes field or an embedded message; returns where its content begins. */
  bytesField(field: number, bytes: Uint8Array): number {
    this.varint(field * 8 + 2)
      .varint(bytes.length)
      .#reserve(bytes.length)
    this.#bytes.set(bytes, this.length)
    this.length += bytes.length
    return this.length - bytes.length
  }

  /** Fields that are encoded already. */
  bytes(fields: Uint8Array): this {
    this.#reserve(fields.length)
    this.#bytes.set(fields, this.length)
    this.length += fields.length
    return this
  }

  message(field: number, write: (inner: ProtobufWriter) => void): this {
    const inner = new ProtobufWriter()
    write(inner)
    this.bytesField(field, inner.finish())
    return this
  }

  /** What was written, in a buffer of its own. */
  finish(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.length))
  }

  #reserve(size: number): void {
    if (this.length + size <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.length + size))
    larger.set(this.#bytes.subarray(0, this.length))
    this.#bytes = larger
  }
}

export type AttributeValue = string | number | { readonly double: number } | readonly string[]
export type Attributes = readonly (readonly [key: string, value: AttributeValue])[]

/** Repeated KeyValue (opentelemetry/proto/common/v1) under the given field. Numbers are int64. */
export function writeAttributes(writer: ProtobufWriter, field: number, attributes: Attributes): void {
  for (const [key, value] of attributes) {
    writer.message(field, (pair) => {
      pair.stringField(1, key)
      pair.message(2, (any) => writeAnyValue(any, value))
    })
  }
}

function writeAnyValue(writer: ProtobufWriter, value: AttributeValue): void {
  if (typeof value === 'string') writer.stringField(1, value)
  else if (typeof value === 'number') writer.varintField(3, value)
  else if ('double' in value) writer.doubleField(4, value.double)
  else {
    writer.message(5, (array) => {
      for (const text of value) array.message(1, (any) => any.stringField(1, text))
    })
  }
}
