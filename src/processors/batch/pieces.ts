import type { Batches, Signal } from '../../telemetry/batch.ts'
import { cut, cutsFor } from '../../telemetry/rewriting/split.ts'

/** The batch in pieces of at most `max_size` items, as far as items can be cut; 0: in one piece. */
export function piecesOf<S extends Signal>(batch: Batches[S], max_size: number): Batches[S][] {
  if (max_size === 0 || batch.count <= max_size) return [batch]
  return cutAt(batch, cutsFor(batch, max_size, 'items'))
}

/** Halves first: a cut copies the whole batch, so that cutting piece after piece would be quadratic. */
function cutAt<S extends Signal>(batch: Batches[S], cuts: readonly number[]): Batches[S][] {
  if (cuts.length === 0) return [batch]
  const middle = cuts.length >> 1
  const at = cuts[middle]!
  const [front, back] = cut(batch, [at]) as [Batches[S], Batches[S]]
  const backCuts = cuts.slice(middle + 1).map((one) => one - at)
  return [...cutAt(front, cuts.slice(0, middle)), ...cutAt(back, backCuts)]
}
