import { type Encoding, encodingOf } from '../decompress.ts'
import { EMPTY, Incoming } from '../incoming.ts'
import { GrpcCode, GrpcStatus } from './grpc_status.ts'

const PREFIX_BYTES = 5

/**
 * Takes the one message of a unary call out of its DATA:
 * `Length-Prefixed-Message = flag (0 or 1), length (4 bytes, big endian), message`.
 * The errors are those of gRPC's doc/statuscodes.md and doc/compression.md.
 */
export class GrpcMessageReader {
  readonly #limit_bytes: number
  #prefix: Buffer = EMPTY
  #message: Incoming | undefined
  #length = 0
  #compressed = false

  constructor(limit_bytes: number) {
    this.#limit_bytes = limit_bytes
  }

  /** Throws GrpcStatus as soon as it is clear that no single message of a permitted size is coming. */
  add(chunk: Buffer): void {
    if (this.#message !== undefined) return this.#append(this.#message, chunk)
    const bytes = this.#prefix.length === 0 ? chunk : Buffer.concat([this.#prefix, chunk])
    if (bytes.length < PREFIX_BYTES) this.#prefix = bytes
    else this.#append(this.#begin(bytes), bytes.subarray(PREFIX_BYTES))
  }

  /** The message, still compressed with `encoding` unless that is `identity`. `header` is the call's `grpc-encoding`. */
  end(header: string | undefined): { message: Buffer; encoding: Encoding | 'identity' } {
    if (this.#message === undefined && this.#prefix.length === 0) throw cardinality('no message')
    if (this.#message === undefined || this.#message.size_bytes < this.#length) {
      throw new GrpcStatus(GrpcCode.INTERNAL, 'the message is shorter than its length prefix says')
    }
    const message = this.#message.take()
    if (!this.#compressed) return { message, encoding: 'identity' }
    const encoding = encodingOf(header)
    if (encoding === undefined) {
      throw new GrpcStatus(GrpcCode.UNIMPLEMENTED, 'the grpc-encoding is none of identity, gzip, deflate, zstd')
    }
    if (encoding === 'identity') {
      throw new GrpcStatus(
        GrpcCode.INTERNAL,
        'the message is marked as compressed, but grpc-encoding names no compression',
      )
    }
    return { message, encoding }
  }

  #begin(bytes: Buffer): Incoming {
    const flag = bytes[0]!
    if (flag > 1) throw new GrpcStatus(GrpcCode.INTERNAL, `the message's compressed flag is ${flag}, expected 0 or 1`)
    this.#compressed = flag === 1
    this.#length = bytes.readUInt32BE(1)
    if (this.#length > this.#limit_bytes) {
      const found = `the message has ${this.#length} bytes`
      throw new GrpcStatus(GrpcCode.RESOURCE_EXHAUSTED, `${found}, the limit is ${this.#limit_bytes} bytes`)
    }
    this.#message = new Incoming(this.#length)
    return this.#message
  }

  #append(message: Incoming, chunk: Buffer): void {
    if (message.size_bytes + chunk.length > this.#length) throw cardinality('more than one message')
    if (chunk.length > 0) message.add(chunk)
  }
}

/** An uncompressed message with its prefix. */
export function frame(message: Buffer): Buffer {
  if (message.length === 0) return EMPTY_FRAME
  const bytes = Buffer.allocUnsafe(PREFIX_BYTES + message.length)
  bytes[0] = 0
  bytes.writeUInt32BE(message.length, 1)
  message.copy(bytes, PREFIX_BYTES)
  return bytes
}

const EMPTY_FRAME = Buffer.alloc(PREFIX_BYTES)

function cardinality(found: string): GrpcStatus {
  return new GrpcStatus(GrpcCode.UNIMPLEMENTED, `the call has ${found}, a unary call has exactly one`)
}
