/**
 * Of calls that wait for their trace to settle: what their log records will be made of, a digest of each report and, where there
 * is content, the content record. When the trace has settled, the records are written.
 */
import type { Context } from '../../component.ts'
import { Output } from '../../otlp/output.ts'
import type { Clock } from '../../self/clock.ts'
import type { Calls } from '../../steps/calls.ts'
import type { Report } from '../../steps/report.ts'
import type { Subscriber } from '../../steps/step_book.ts'
import type { LogBatch, TraceBatch } from '../../telemetry/batch.ts'
import { type Head, Heads } from '../../telemetry/heads.ts'
import { ItemStore, NO_ITEM } from '../../traces/item_store.ts'
import { Digest, writeDigest } from './digest.ts'
import { serviceOf } from './head_service.ts'
import { ItemKeys } from './item_keys.ts'
import { type RecordOrigin, RecordOrigins } from './record_origins.ts'
import type { RecordOutbox } from './record_outbox.ts'
import { writeObservedTime } from './records/log_record.ts'
import { writeSummary } from './records/summary_record.ts'

/** About what a summary takes, and the place of a content record. */
const SUMMARY_BYTES = 900
const PLACE_BYTES = 80

/** Reports of one call that are read for its summary; of more, those in the middle are left out. */
const DIGESTS_MAX = 8

export interface Hooks {
  /** Writes the content record of a report's call without its place to `out`; false if there is none. */
  content(out: Output, report: Report): boolean
  /** A report is held now. */
  kept(): void
}

export class HeldCalls implements Subscriber {
  readonly #steps: { readonly calls: Calls }
  /** Calls whose records have not been made. */
  waiting = 0
  summaries = 0
  contents = 0
  readonly #hooks: Hooks
  readonly #outbox: RecordOutbox
  readonly #clock: Clock
  readonly #heads = new Heads()
  readonly #origins = new RecordOrigins()
  /** Digests; `previous` of each is the address of its content record, or NO_ITEM. */
  readonly #store = new ItemStore()
  readonly #scratch = new Output(1 << 14)
  readonly #keys = new ItemKeys()
  /** Address of each call's digest. */
  #addresses = new Float64Array(256)
  /** Scratch: digests of the reports of the call whose records are written, the outermost first. */
  readonly #digests = [new Digest()]
  readonly #only = this.#digests.slice()
  /** What `keep` was called with last. It counts as one reference to head and origin, so that both stay until the next. */
  #last: { batch: TraceBatch | LogBatch; scope: number; head: Head; origin: RecordOrigin } | undefined

  constructor(steps: { readonly calls: Calls }, outbox: RecordOutbox, clock: Clock, hooks: Hooks) {
    this.#hooks = hooks
    this.#steps = steps
    this.#outbox = outbox
    this.#clock = clock
  }

  /** Memory for what waits. */
  get size_bytes(): number {
    return this.#store.occupied_bytes + this.#heads.size_bytes
  }

  /** The same with memory that is spare, to be used again. */
  get reserved_bytes(): number {
    return this.#store.reserved_bytes + this.#heads.size_bytes
  }

  /** Gives spare memory back to the process. */
  trim(): void {
    this.#store.trim()
  }

  /** What the records of the call are made of. */
  keep(row: number, report: Report): void {
    const { batch, context, view } = report
    const out = this.#scratch
    out.reset()
    const { head, origin } = this.#headOf(batch, view.scope, context)
    this.#keys.read(view, report.rows)
    writeDigest(out, view, this.#keys)
    const end = out.end
    const hasContent = (this.#keys.mayBeContent || view.events > 0) && this.#hooks.content(out, report)
    const content = hasContent ? this.#store.add(out.bytes, end, out.end, head.id, NO_ITEM) : NO_ITEM
    if (row >= this.#addresses.length) this.#grow(row)
    this.#addresses[row] = this.#store.add(out.bytes, 0, end, head.id, content)
    head.references++
    origin.references++
    this.waiting++
  }

  kept(): void {
    this.#hooks.kept()
  }

  /** The batch is not needed any more. */
  forgetBatch(): void {
    this.#forgetHead()
    this.#heads.forgetBatch()
  }

  #forgetHead(): void {
    if (this.#last === undefined) return
    this.#releaseHead(this.#last.head)
    this.#last = undefined
  }

  settle(row: number, reports: readonly number[]): void {
    this.#write(row, reports)
    for (const call of reports) this.#release(call)
  }

  /** Its call has its records already. */
  repeat(call: number): void {
    this.#release(call)
  }

  #write(row: number, reports: readonly number[]): void {
    const head = this.#read(reports[0]!, this.#digests[0]!)
    const digests = this.#digestsOf(reports)
    const { context } = this.#origins.byId(head.owner)
    const settled = { calls: this.#steps.calls, call: row, digests, service: serviceOf(head) }
    const now_ms = this.#clock.now_ms()
    this.#outbox.add(head, context, SUMMARY_BYTES, (out) => writeSummary(out, settled, now_ms))
    this.summaries++
    this.#addContent(head, context, this.#contentOf(reports), now_ms)
  }

  #digestsOf(reports: readonly number[]): readonly Digest[] {
    if (reports.length === 1) return this.#only
    const count = Math.min(reports.length, DIGESTS_MAX)
    while (this.#digests.length < count) this.#digests.push(new Digest())
    const innermost = reports.slice(reports.length - count + 1)
    innermost.forEach((call, at) => void this.#read(call, this.#digests[at + 1]!))
    return this.#digests.slice(0, count)
  }

  #addContent(head: Head, context: Context, address: number, now_ms: number): void {
    if (address === NO_ITEM) return
    const store = this.#store
    store.read(address)
    this.#outbox.add(head, context, store.end - store.start + PLACE_BYTES, (out) => {
      this.#digests[0]!.writePlace(out)
      writeObservedTime(out, now_ms)
      out.copy(store.bytes, store.start, store.end)
    })
    this.contents++
  }

  #headOf(
    batch: TraceBatch | LogBatch,
    scope: number,
    context: Context,
  ): { readonly head: Head; readonly origin: RecordOrigin } {
    if (this.#last?.batch === batch && this.#last.scope === scope) return this.#last
    this.#forgetHead()
    const origin = this.#origins.obtain(context)
    const head = this.#heads.obtain(batch, scope, origin.id)
    head.references++
    this.#last = { batch, scope, head, origin }
    return this.#last
  }

  #read(call: number, digest: Digest): Head {
    const store = this.#store
    store.read(this.#addresses[call]!)
    digest.read(store.bytes, store.start, store.end)
    return this.#heads.byId(store.tag)
  }

  /** Address of the content of the first report that has some. */
  #contentOf(reports: readonly number[]): number {
    const store = this.#store
    for (const call of reports) {
      store.read(this.#addresses[call]!)
      if (store.previous !== NO_ITEM) return store.previous
    }
    return NO_ITEM
  }

  #release(call: number): void {
    const store = this.#store
    const address = this.#addresses[call]!
    store.read(address)
    const { tag, previous } = store
    this.#releaseHead(this.#heads.byId(tag))
    if (previous !== NO_ITEM) store.release(previous)
    store.release(address)
    this.waiting--
  }

  #releaseHead(head: Head): void {
    this.#origins.release(this.#origins.byId(head.owner))
    this.#heads.release(head)
  }

  #grow(row: number): void {
    const larger = new Float64Array(Math.max(row + 1, this.#addresses.length * 2))
    larger.set(this.#addresses)
    this.#addresses = larger
  }
}
