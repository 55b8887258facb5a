/** Batches that would take the event loop for too long: the worker thread redacts them (`self/aside.ts`). */
import { kindIndex } from '../../content/detectors/findings.ts'
import type { Aside } from '../../self/aside.ts'
import { Batch, type Batches, type Signal } from '../../telemetry/batch.ts'
import type { Redacted, Settings } from './aside_work.ts'
import type { RedactionConfig } from './config.ts'
import type { Tally } from './tally.ts'

/** The worst text takes 160 ms a MiB; ordinary ones a tenth of it. */
export const LONG_MIN_BYTES = 256 << 10

const module = new URL('./aside_work.ts', import.meta.url)

export interface LongRedaction<S extends Signal> {
  readonly batch: Batches[S]
  /** What went wrong when an item was dropped or a head emptied. */
  readonly failure: Error | undefined
}

/** As `Redactor.redact`, beside the event loop. */
export async function redactAside<S extends Signal>(
  aside: Aside,
  batch: Batches[S],
  config: RedactionConfig,
  tally: Tally,
  deadline_ms: number | undefined,
): Promise<LongRedaction<S>> {
  const settings: Settings = { signal: batch.signal, config }
  const { changed, counts, failure } = (await aside.run({
    module,
    bytes: batch.bytes,
    settings,
    deadline_ms,
  })) as Redacted
  addCounts(tally, counts)
  const error = failure === undefined ? undefined : new Error(failure)
  if (changed === undefined) return { batch, failure: error }
  const { buffer, byteOffset, length } = changed.bytes
  const bytes = Buffer.from(buffer, byteOffset, length)
  return { batch: new Batch(batch.signal, bytes, changed.layout) as unknown as Batches[S], failure: error }
}

/** Kinds go by name: each thread numbers them in its own order. */
function addCounts(tally: Tally, counts: Redacted['counts']): void {
  for (const [kind, count] of counts.kinds) tally.addFindings(kindIndex(kind), count)
  for (const [group, count] of counts.dropped.entries()) tally.dropped[group]! += count
  tally.failedClosed += counts.failedClosed
  tally.unknownFields += counts.unknownFields
  tally.any ||= counts.any
}
