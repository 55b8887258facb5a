/** Cutting a batch into smaller ones by item; every piece keeps the resource and scope heads of its items. */
import type { Batches, Signal } from '../batch.ts'
import { ITEM } from '../layout.ts'
import { Rewrite } from './rewrite.ts'

export type Sizer = 'requests' | 'items' | 'bytes'

/** Size in the unit of a sizer; `items` counts spans, log records and data points. */
export function sizeBy(batch: { readonly count: number; readonly size_bytes: number }, sizer: Sizer): number {
  if (sizer === 'requests') return 1
  return sizer === 'items' ? batch.count : batch.size_bytes
}

/** The batch cut before each of `at`: item numbers, ascending, without 0. Nothing to cut: the batch itself. */
export function cut<S extends Signal>(batch: Batches[S], at: readonly number[]): Batches[S][] {
  if (at.length === 0) return [batch]
  const rewrite = new Rewrite<S>()
  return [...at, batch.items].map((end, piece) => {
    const start = piece === 0 ? 0 : at[piece - 1]!
    rewrite.begin(batch)
    for (let item = 0; item < start; item++) rewrite.dropItem(item)
    for (let item = end; item < batch.items; item++) rewrite.dropItem(item)
    return rewrite.finish()
  })
}

/**
 * Where to cut so that no piece is over `max_size`; an item larger than that stands alone. The data points of a metric
 * are not counted one by one: each metric counts as the batch's average.
 */
export function cutsFor(batch: Batches[Signal], max_size: number, sizer: 'items' | 'bytes'): number[] {
  const { itemRows, count, items } = batch.layout
  const sizes = Array.from({ length: items }, (_, item) =>
    sizer === 'bytes' ? itemRows[item * ITEM.width + ITEM.end]! - itemRows[item * ITEM.width]! : count / items,
  )
  // Each piece is charged with all heads although it may have only some: that errs on the safe side.
  const heads = sizer === 'bytes' ? batch.size_bytes - sizes.reduce((total, size) => total + size, 0) : 0
  const cuts: number[] = []
  let size = heads
  for (const [item, own] of sizes.entries()) {
    if (size > heads && size + own > max_size) {
      cuts.push(item)
      size = heads
    }
    size += own
  }
  return cuts
}
