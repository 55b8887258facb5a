/** The spans of one trace, read back from the records that hold them. */
import type { Address, Journal } from '../../journal/journal.ts'
import { type TraceBatch, trusted } from '../../telemetry/batch.ts'
import { BatchBuilder, Heads } from '../../telemetry/heads.ts'
import { SpanView } from '../../telemetry/span_view.ts'

/** A batch is handed on when it has so many bytes: who makes JSON of it can let others in between. */
const BATCH_BYTES = 512 * 1024

/** Each span once, the oldest records first. Records that are gone or damaged are left out. */
export async function* spansOf(
  journal: Journal,
  records: readonly Address[],
  trace_id: string,
): AsyncGenerator<TraceBatch> {
  const id = Buffer.from(trace_id, 'hex')
  const seen = new Set<string>()
  for (const address of records.toSorted((a, b) => a - b)) {
    const record = await journal.read(address)
    if (record !== undefined) yield* spansIn(trusted('traces', record.payload), id, seen)
  }
}

function* spansIn(batch: TraceBatch, id: Buffer, seen: Set<string>): Generator<TraceBatch> {
  const view = new SpanView()
  view.wantsAttributes = false
  const heads = new Heads()
  const builder = new BatchBuilder()
  const { bytes } = batch
  let size_bytes = 0
  for (let item = 0; item < batch.items; item++) {
    view.read(batch, item)
    if (view.traceId < 0 || id.compare(bytes, view.traceId, view.traceId + 16) !== 0) continue
    const key = view.spanId < 0 ? '' : bytes.toString('latin1', view.spanId, view.spanId + 8)
    if (seen.has(key)) continue
    if (key !== '') seen.add(key)
    const out = builder.group(heads.obtain(batch, view.scope))
    const mark = out.open(2, view.end - view.start)
    out.copy(bytes, view.start, view.end)
    out.close(mark, view.end - view.start)
    size_bytes += view.end - view.start
    if (size_bytes < BATCH_BYTES) continue
    yield builder.build('traces')
    size_bytes = 0
  }
  if (size_bytes > 0) yield builder.build('traces')
}
