/** What the worker thread does for `door.ts`. */
import { WireError } from '../../otlp/wire_error.ts'
import type { Done } from '../../self/aside.ts'
import type { Signal } from '../../telemetry/batch.ts'
import type { Layout } from '../../telemetry/layout.ts'
import { open } from './door.ts'

export interface Settings {
  readonly signal: Signal
  readonly isJson: boolean
  readonly trustsSluice: boolean
}

export type Walked =
  | {
      /** Undefined: those of the body. */
      readonly bytes: Uint8Array<ArrayBuffer> | undefined
      readonly layout: Layout
      readonly stripped: number
    }
  | { readonly problem: string; readonly offset: number }

export function work(given: Uint8Array, settings: unknown): Done {
  const { signal, isJson, trustsSluice } = settings as Settings
  const body = Buffer.from(given.buffer, given.byteOffset, given.length)
  try {
    const { batch, stripped } = open(signal, body, isJson, trustsSluice)
    const bytes = batch.bytes === body ? undefined : new Uint8Array(batch.bytes)
    const itemRows = batch.layout.itemRows.slice()
    const result: Walked = { bytes, layout: { ...batch.layout, itemRows }, stripped }
    return { result, moved: bytes === undefined ? [itemRows.buffer] : [itemRows.buffer, bytes.buffer] }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    // The constructor appends the place.
    const problem = error.message.slice(0, -` at byte ${error.offset}`.length)
    return { result: { problem, offset: error.offset } satisfies Walked, moved: [] }
  }
}
