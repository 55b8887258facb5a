/** What is known of a trace when it is decided. */
export interface TraceFacts {
  /** What its spans are, as `Features` numbers it. */
  features: Int32Array
  /** Last end less first start. */
  duration_ms: number
  spans: number
  /** Of its spans. */
  size_bytes: number
  /** Where the 16 bytes of the trace id are. */
  readonly id: Buffer
  /** When it is decided, by the monotonic clock and by the wall clock. */
  monotonic_ms: number
  unix_ms: number
}
