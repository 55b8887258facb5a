/** What the worker thread does for `door.ts`. */
import { LimitError } from '../../otlp/limits.ts'
import { WireError } from '../../otlp/wire_error.ts'
import type { Done } from '../../self/aside.ts'
import { type DoorSettings, open } from './door.ts'
import type { BodyProblem, Walked } from './walked.ts'

export function work(given: Uint8Array, settings: unknown): Done {
  const body = Buffer.from(given.buffer, given.byteOffset, given.length)
  try {
    const { batch, stripped } = open(body, settings as DoorSettings)
    const bytes = batch.bytes === body ? undefined : new Uint8Array(batch.bytes)
    const itemRows = batch.layout.itemRows.slice()
    const result: Walked = { bytes, layout: { ...batch.layout, itemRows }, stripped }
    return { result, moved: bytes === undefined ? [itemRows.buffer] : [itemRows.buffer, bytes.buffer] }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return { result: problemOf(error), moved: [] }
  }
}

function problemOf(error: WireError): BodyProblem {
  const { message, offset } = error
  if (error instanceof LimitError) return { problem: message, offset, limit: { name: error.limit, max: error.max } }
  // The constructor appends the place.
  return { problem: message.slice(0, -` at byte ${offset}`.length), offset, limit: undefined }
}
