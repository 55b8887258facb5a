/** Trace ids as four 32-bit words, hashed and spread over shards. */
import { uint32 } from '../otlp/cursor.ts'
import { mix } from '../telemetry/hash.ts'
import type { SpanView } from '../telemetry/span_view.ts'

/** Is the id of 16 bytes at `at` valid? 16 zero bytes are not (W3C Trace Context, 3.2.2.3). */
export function isTraceId(bytes: Uint8Array, at: number): boolean {
  for (let byte = at; byte < at + 16; byte++) if (bytes[byte] !== 0) return true
  return false
}

/** A mixed 32-bit hash of the 16 bytes at `at`: ids that differ only in their first or last bytes spread as well. */
export function hashTraceId(bytes: Uint8Array, at: number): number {
  let hash = mix(uint32(bytes, at) ^ 0x9e3779b9)
  hash = mix(hash ^ uint32(bytes, at + 4))
  hash = mix(hash ^ uint32(bytes, at + 8))
  return mix(hash ^ uint32(bytes, at + 12))
}

/** Hash of the trace id of the span or log record; -1 if it has none that is valid. */
export function traceHashOf({ bytes, traceId }: SpanView): number {
  return traceId >= 0 && isTraceId(bytes, traceId) ? hashTraceId(bytes, traceId) : -1
}

/** The shard that owns a trace: the hash's high bits, since tables use the low ones. */
export function shardOf(hash: number, shards: number): number {
  return shards === 1 ? 0 : (hash >>> 16) % shards
}
