/** What the worker thread does for `long_batches.ts`. */
import { kindName } from '../../content/detectors/findings.ts'
import type { Done } from '../../self/aside.ts'
import { type Signal, trusted } from '../../telemetry/batch.ts'
import type { Layout } from '../../telemetry/layout.ts'
import type { RedactionConfig } from './config.ts'
import { RedactionTally } from './redaction_tally.ts'
import { redactorOf } from './redactor_of.ts'

export interface RedactionSettings {
  readonly signal: Signal
  readonly config: RedactionConfig
}

export interface Redacted {
  /** Undefined: there was nothing to take out. */
  readonly changed: { readonly bytes: Uint8Array<ArrayBuffer>; readonly layout: Layout } | undefined
  readonly counts: {
    readonly kinds: readonly (readonly [kind: string, count: number])[]
    /** By content group. */
    readonly dropped: Int32Array
    readonly failedClosed: number
    readonly unknownFields: number
    readonly any: boolean
  }
  readonly failure: string | undefined
}

export function work(given: Uint8Array, settings: unknown): Done {
  const { signal, config } = settings as RedactionSettings
  const batch = trusted(signal, Buffer.from(given.buffer, given.byteOffset, given.length))
  const tally = new RedactionTally()
  const redactor = redactorOf(signal, config)
  let failure: string | undefined
  redactor.onFailure = (error) => {
    failure ??= error instanceof Error ? `${error.name}: ${error.message}` : 'unknown'
  }
  const redacted = redactor.redact(batch, tally)
  // What a batch hangs on may be larger than it is.
  const changed = redacted === batch ? undefined : { bytes: new Uint8Array(redacted.bytes), layout: redacted.layout }
  const result: Redacted = { changed, counts: countsOf(tally), failure }
  return { result, moved: changed === undefined ? [] : [changed.bytes.buffer] }
}

function countsOf({ kinds, kindsEnd, dropped, failedClosed, unknownFields, any }: RedactionTally): Redacted['counts'] {
  const named = [...kinds.subarray(0, kindsEnd)].map((count, kind) => [kindName(kind), count] as const)
  return { kinds: named.filter(([, count]) => count > 0), dropped, failedClosed, unknownFields, any }
}
