/** Batches that would take the event loop for too long: the worker thread redacts them (`self/aside.ts`). */
import { kindIndex } from '../../content/detectors/findings.ts'
import type { Aside } from '../../self/aside.ts'
import { Batch, type Batches, type Signal } from '../../telemetry/batch.ts'
import type { RedactionConfig } from './config.ts'
import type { Redacted, RedactionSettings } from './redaction_aside.ts'
import type { RedactionTally } from './redaction_tally.ts'

/** Ordinary text takes 2 to 10 ms a MiB: from here on the event loop does not even begin. */
export const LONG_MIN_BYTES = 4 << 20
/**
 * Of smaller batches the event loop does so much, 20 to 40 ms, before it leaves them to the thread: the worst texts take
 * fifty times as long as ordinary ones, of which a MiB takes a tenth of this.
 */
export const LOOP_STEPS_MAX = 4_000_000

const module = new URL('./redaction_aside.ts', import.meta.url)

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
  tally: RedactionTally,
  deadline_ms: number | undefined,
): Promise<LongRedaction<S>> {
  const settings: RedactionSettings = { signal: batch.signal, config }
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
function addCounts(tally: RedactionTally, counts: Redacted['counts']): void {
  for (const [kind, count] of counts.kinds) tally.addFindings(kindIndex(kind), count)
  for (const [group, count] of counts.dropped.entries()) tally.dropped[group]! += count
  tally.failedClosed += counts.failedClosed
  tally.unknownFields += counts.unknownFields
  tally.any ||= counts.any
}
