/** A batch on its way to a backend, with whose items are in it. */
import type { Batches, Context, Signal } from '../component.ts'
import { join } from '../telemetry/batch.ts'
import { cut } from '../telemetry/rewriting/split.ts'
import type { Claim, Fate } from './claim.ts'
import type { Tries } from './retry.ts'

/** Items of one claim, in the batch one after the other. */
export interface ParcelPart {
  readonly claim: Claim
  /** Entries of the index. */
  readonly items: number
  /** Spans, log records, data points. */
  readonly count: number
}

export interface Parcel<S extends Signal> {
  /** This and its context are replaced when it has been judged again; the number of its items stays. */
  batch: Batches[S]
  context: Context
  /** In the order of the batch's items; their items and counts add up to the batch's. */
  readonly parts: readonly ParcelPart[]
  /** Undefined: it has not been tried. */
  tries?: Tries | undefined
}

/** A parcel with everything of one claim. */
export function parcelOf<S extends Signal>(batch: Batches[S], context: Context, claim: Claim): Parcel<S> {
  return { batch, context, parts: [{ claim, items: batch.items, count: batch.count }] }
}

/** One parcel with the content of all; the first one's context stands for all. */
export function mergeParcels<S extends Signal>(signal: S, parcels: readonly Parcel<S>[]): Parcel<S> {
  if (parcels.length === 1) return parcels[0]!
  const batch = join(
    signal,
    parcels.map((parcel) => parcel.batch),
  )
  return { batch, context: parcels[0]!.context, parts: parcels.flatMap((parcel) => parcel.parts) }
}

/** The parcel cut before each of the item numbers `at`; a part across a cut becomes two of the same claim. */
export function cutParcel<S extends Signal>(parcel: Parcel<S>, at: readonly number[]): Parcel<S>[] {
  const rest = [...parcel.parts]
  return cut(parcel.batch, at).map((batch) => ({ batch, context: parcel.context, parts: takeParts(rest, batch) }))
}

/** Tells every part what became of it. Of items that the backend rejected, nobody knows whose they were: shared out by size. */
export function settle(parcel: Parcel<Signal>, fate: Fate): void {
  if (fate.kind === 'failed' || fate.rejected === 0) {
    for (const { claim, items, count } of parcel.parts) claim.settle(items, count, fate)
    return
  }
  let rejected = Math.min(fate.rejected, parcel.batch.count)
  let left = parcel.batch.count
  for (const { claim, items, count } of parcel.parts) {
    const share = Math.min(count, Math.round((rejected * count) / Math.max(1, left)))
    rejected -= share
    left -= count
    claim.settle(items, count, { kind: 'delivered', rejected: share })
  }
}

/** Takes parts for the batch's items off the front of `rest`. */
function takeParts(rest: ParcelPart[], batch: Batches[Signal]): ParcelPart[] {
  const parts: ParcelPart[] = []
  let { items, count } = batch
  while (items > 0) {
    const first = rest[0]!
    if (first.items <= items) {
      parts.push(rest.shift()!)
      items -= first.items
      count -= first.count
    } else {
      parts.push({ claim: first.claim, items, count })
      rest[0] = { claim: first.claim, items: first.items - items, count: first.count - count }
      items = 0
    }
  }
  return parts
}
