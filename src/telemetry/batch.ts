/**
 * A batch is one OTLP request as bytes, with an index of where its resources, scopes and items are.
 * Batches never change; what changes something makes a new one (`rewrite.ts`).
 */
import { type Layout, layOut } from './layout.ts'
import type { Signal } from './signal.ts'

export type { Signal } from './signal.ts'

export interface Batches {
  traces: TraceBatch
  metrics: MetricBatch
  logs: LogBatch
}

export type TraceBatch = Batch<'traces'>
export type MetricBatch = Batch<'metrics'>
export type LogBatch = Batch<'logs'>
export type AnyBatch = TraceBatch | MetricBatch | LogBatch

export class Batch<S extends Signal = Signal> {
  readonly signal: S
  /** An Export…ServiceRequest in regular form: every singular field at most once (`otlp/regular.ts`). */
  readonly bytes: Buffer
  readonly layout: Layout

  constructor(signal: S, bytes: Buffer, layout: Layout) {
    this.signal = signal
    this.bytes = bytes
    this.layout = layout
  }

  /** What is accounted: spans, log records, metric data points. */
  get count(): number {
    return this.layout.count
  }

  /** Spans, log records, metrics: what the index lists and a rewrite may replace. */
  get items(): number {
    return this.layout.items
  }

  get size_bytes(): number {
    return this.bytes.length
  }
}

/** The type of a batch follows its signal. */
function batchOf<S extends Signal>(signal: S, bytes: Buffer, layout: Layout): Batches[S] {
  return new Batch(signal, bytes, layout) as unknown as Batches[S]
}

/** A batch of bytes that this process wrote or has already checked. */
export function trusted<S extends Signal>(signal: S, bytes: Buffer): Batches[S] {
  return batchOf(signal, bytes, layOut(signal, bytes))
}

/** One batch with the items of all: requests concatenated are a valid request (protobuf merges repeated fields). */
export function join<S extends Signal>(signal: S, batches: readonly Batches[S][]): Batches[S] {
  if (batches.length === 1) return batches[0]!
  return trusted(signal, Buffer.concat(batches.map((batch) => batch.bytes)))
}
