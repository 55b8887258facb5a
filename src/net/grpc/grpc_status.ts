import { Refusal } from '../../refusal.ts'
import { DecompressError } from '../decompress.ts'

/** Status codes (gRPC, doc/statuscodes.md). */
export const GrpcCode = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const

const CODE_NAMES = new Map<number, string>(Object.entries(GrpcCode).map(([name, code]) => [code, name]))

/** `UNAVAILABLE` for 14; the number itself where it has no name. */
export function codeName(code: number): string {
  return CODE_NAMES.get(code) ?? String(code)
}

/** A call's failure. Thrown by a handler, it becomes the call's trailers. */
export class GrpcStatus extends Error {
  override readonly name = 'GrpcStatus'
  readonly code: number
  /** A serialised google.rpc.Status for `grpc-status-details-bin`. */
  readonly details: Buffer | undefined

  /** `retryAfter_ms` puts a RetryInfo into the details, unless details are given. */
  constructor(code: number, message: string, options: { details?: Buffer; retryAfter_ms?: number } = {}) {
    super(message)
    this.code = code
    const { details, retryAfter_ms } = options
    this.details =
      details ?? (retryAfter_ms === undefined ? undefined : encodeRpcStatus(code, message, [retryInfo(retryAfter_ms)]))
  }
}

/** The status for an exception; undefined for what nobody expected. */
export function statusOf(error: unknown): GrpcStatus | undefined {
  if (error instanceof GrpcStatus) return error
  if (error instanceof DecompressError) {
    const code = error.kind === 'too_large' ? GrpcCode.RESOURCE_EXHAUSTED : GrpcCode.INTERNAL
    return new GrpcStatus(code, error.message)
  }
  if (!(error instanceof Refusal)) return undefined
  if (!error.retryable) return new GrpcStatus(GrpcCode.INTERNAL, error.message)
  const { retryAfter_ms } = error
  return new GrpcStatus(GrpcCode.UNAVAILABLE, error.message, retryAfter_ms === undefined ? {} : { retryAfter_ms })
}

/** Why a call was refused, as a word for counters: a refusal's own reason, else what kind of error it is. */
export function grpcReasonOf(error: unknown): string {
  if (error instanceof Refusal) return error.reason
  if (error instanceof DecompressError) return error.kind
  if (error instanceof GrpcStatus) return CODE_REASONS.get(error.code) ?? 'bad_request'
  return 'bug'
}

const CODE_REASONS = new Map<number, string>([
  [GrpcCode.DEADLINE_EXCEEDED, 'slow'],
  [GrpcCode.RESOURCE_EXHAUSTED, 'too_large'],
  [GrpcCode.INTERNAL, 'bug'],
])

/** A google.protobuf.Any. */
export interface Detail {
  type: string
  value: Buffer
}

/** google.rpc.Status: `1: code, 2: message, 3: repeated Any { 1: type_url, 2: value }`. */
export function encodeRpcStatus(code: number, message: string, details: readonly Detail[] = []): Buffer {
  const parts = [Buffer.from([0x08]), varint(code), field(2, Buffer.from(message))]
  for (const { type, value } of details) {
    parts.push(field(3, Buffer.concat([field(1, Buffer.from(`type.googleapis.com/${type}`)), field(2, value)])))
  }
  return Buffer.concat(parts)
}

/** google.rpc.RetryInfo: `1: Duration { 1: seconds, 2: nanos }`. */
export function retryInfo(wait_ms: number): Detail {
  const seconds = Math.floor(wait_ms / 1000)
  const nanos = Math.round((wait_ms - seconds * 1000) * 1e6)
  const duration = Buffer.concat([Buffer.from([0x08]), varint(seconds), Buffer.from([0x10]), varint(nanos)])
  return { type: 'google.rpc.RetryInfo', value: field(1, duration) }
}

/** `grpc-message`: UTF-8, everything but printable ASCII without `%` percent-encoded (gRPC over HTTP2, Responses). */
export function percentEncode(message: string): string {
  if (/^[ -$&-~]*$/.test(message)) return message
  let encoded = ''
  for (const byte of Buffer.from(message)) {
    const plain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25
    encoded += plain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return encoded
}

/** The text of a `grpc-message`. What is no proper encoding stays as it is. */
export function percentDecode(text: string): string {
  if (!text.includes('%')) return text
  const bytes = Buffer.from(text)
  let length = 0
  for (let at = 0; at < bytes.length; at++, length++) {
    const value = bytes[at] === 0x25 ? hexByte(bytes, at + 1) : undefined
    bytes[length] = value ?? bytes[at]!
    if (value !== undefined) at += 2
  }
  return bytes.toString('utf8', 0, length)
}

function hexByte(bytes: Buffer, at: number): number | undefined {
  const digits = bytes.toString('latin1', at, at + 2)
  return /^[0-9a-fA-F]{2}$/.test(digits) ? Number.parseInt(digits, 16) : undefined
}

function field(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value & 127) | 128)
  bytes.push(value)
  return Buffer.from(bytes)
}
