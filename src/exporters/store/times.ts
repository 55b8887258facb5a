import { nanosAsMillis } from '../../otlp/cursor.ts'

/** Unix milliseconds to the microsecond of a fixed64 in nanoseconds: what is behind it is noise of the conversion. */
export function timeAt(bytes: Uint8Array, at: number): number {
  return Math.round(nanosAsMillis(bytes, at) * 1000) / 1000
}
