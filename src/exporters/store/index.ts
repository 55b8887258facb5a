/** Keeps recent traces and logs on the disk, so that the API can show them. */
import type { Consumer, Exporter, ExporterFactory, Host, Ports } from '../../component.ts'
import { type Address, type Damage, Journal } from '../../journal/journal.ts'
import { WireError } from '../../otlp/wire_error.ts'
import { Refusal, retryLater } from '../../refusal.ts'
import type { Timer } from '../../self/clock.ts'
import { memoryOf } from '../../self/memory/process_memory.ts'
import type { Counter } from '../../self/metrics/meter.ts'
import { ExporterCounts } from '../../sending/exporter_counts.ts'
import { Health } from '../../sending/health.ts'
import { type Batches, type TraceBatch, trusted } from '../../telemetry/batch.ts'
import {
  type LogAnswer,
  type LogQuery,
  sharedStores,
  type TelemetryStore,
  type TraceQuery,
  type TraceSummary,
} from '../../telemetry_store.ts'
import { type StoreConfig, schema } from './config.ts'
import { LogIndex } from './log_index.ts'
import { findLogs } from './stored_logs.ts'
import { spansOf } from './stored_spans.ts'
import { TraceIndex } from './trace_index.ts'

export const store: ExporterFactory<StoreConfig> = {
  kind: 'exporter',
  type: 'store',
  summary: 'Keeps recent traces and logs on the disk for the API.',
  schema,
  signals: ['traces', 'logs'],
  create: (config, host) => new StoreExporter(config, host),
}

type Stored = 'traces' | 'logs'

/** Kinds of the journal's records. Payload: one OTLP request as protobuf. */
const KIND = { traces: 1, logs: 2 } as const satisfies Record<Stored, number>
/** How long others wait while the index is built. */
const SLICE_MS = 10
const SEGMENT_BYTES_MAX = 64 << 20
const REOPEN_EVERY_MS = 30_000
/** What is known of traces may take so much of the process's memory, what is known of logs a half of that. */
const INDEX_SHARE = 1 / 16

export class StoreExporter implements Exporter, TelemetryStore {
  readonly id: string
  readonly inputs: Ports
  loading = true
  #config: StoreConfig
  readonly #host: Host
  readonly #health: Health
  readonly #journal: Journal
  readonly #traces: TraceIndex
  readonly #logs: LogIndex
  readonly #damaged: Counter
  #indexed: Promise<void> = Promise.resolve()
  /** What was committed before this address has been indexed from the journal. */
  #indexedUntil: Address = 0
  #state: 'new' | 'unavailable' | 'open' | 'closed' = 'new'
  #retry: Timer | undefined
  /** Under way. */
  #opening: Promise<void> | undefined

  constructor(config: StoreConfig, host: Host) {
    this.id = host.id
    this.#config = config
    this.#host = host
    this.#health = new Health(host)
    const bytes_max = () => memoryOf(host).limit_bytes * INDEX_SHARE
    this.#traces = new TraceIndex(() => ({ traces_max: this.#config.traces_max, bytes_max: bytes_max() }))
    this.#logs = new LogIndex(() => ({ batches_max: this.#config.traces_max, bytes_max: bytes_max() / 2 }))
    this.#damaged = host.meter.counter(
      'sluice_store_damaged_records',
      'Places in the files of the store where a record was damaged.',
      { exporter: host.id },
    )
    this.#journal = new Journal({
      directory: config.directory,
      clock: host.clock,
      retention: retentionOf(config),
      // Several segments, so that the oldest can go without taking most with it.
      segment_bytes_max: Math.min(SEGMENT_BYTES_MAX, Math.ceil(config.bytes_max / 16)),
      onDelete: (segment) => this.#removeSegment(segment),
      onDamage: (damage) => {
        this.#damaged.add(1)
        this.#logDamage(damage)
      },
      onError: (error) =>
        host.log.warn(
          { reason: (error as NodeJS.ErrnoException).code ?? 'error' },
          'a file of the store is in trouble',
        ),
    })
    this.inputs = { traces: this.#port('traces'), logs: this.#port('logs') }
    this.#gauges()
  }

  /**
   * Rejects only if another store has the directory. One that cannot be used otherwise must not keep the other destinations
   * from their data: what comes is dropped, and it is tried again.
   */
  async start(): Promise<void> {
    try {
      await this.#open()
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      // On a reload the store that has the directory is stopped first if it is to go (`Daemon`).
      if (code === 'ELOCKED') throw Object.assign(new Error(message, { cause: error }), { code: 'EADDRINUSE' })
      this.#unavailable(message)
    }
  }

  async #open(): Promise<void> {
    await this.#journal.open()
    this.#state = 'open'
    sharedStores(this.#host).add(this)
    this.#indexed = this.#index().catch((error) => {
      this.#host.log.error({ err: error }, 'a bug: what is stored could not be read')
      this.#indexedUntil = this.#journal.end
      this.loading = false
    })
  }

  #unavailable(message: string): void {
    this.#state = 'unavailable'
    this.#host.status('recoverable', message)
    this.#host.log.error(
      { directory: this.#config.directory, reason: message },
      'the store cannot be used: what it should keep is dropped (store_unavailable), all else goes on. Make the directory writable for this user, or set `directory`; it is tried again every 30 s',
    )
    this.#retry = this.#host.clock.every(REOPEN_EVERY_MS, () => this.#reopen())
  }

  #reopen(): void {
    if (this.#opening !== undefined) return
    const opened = () => {
      this.#retry?.cancel()
      this.#host.status('ok')
      this.#host.log.info({ directory: this.#config.directory }, 'the store can be used again')
    }
    // It was said that it cannot be used, and why.
    this.#opening = this.#open()
      .then(opened, () => undefined)
      .finally(() => (this.#opening = undefined))
  }

  async shutdown(): Promise<void> {
    this.#retry?.cancel()
    await this.#opening
    this.#state = 'closed'
    sharedStores(this.#host).delete(this)
    await this.#indexed
    await this.#journal.close()
  }

  async update(config: unknown): Promise<boolean> {
    const next = config as StoreConfig
    if (next.directory !== this.#config.directory || this.#state !== 'open') return false
    this.#config = next
    this.#journal.retain(retentionOf(next))
    this.#traces.evict()
    this.#logs.evict()
    return true
  }

  /** Resolves when all that was there at start can be found. */
  loaded(): Promise<void> {
    return this.#indexed
  }

  traces(query: TraceQuery): readonly TraceSummary[] {
    return this.#traces.list(query)
  }

  trace(trace_id: string): TraceSummary | undefined {
    return this.#traces.find(trace_id)?.summary()
  }

  spans(trace_id: string): AsyncIterable<TraceBatch> {
    return spansOf(this.#journal, this.#traces.find(trace_id)?.records ?? [], trace_id)
  }

  logs(query: LogQuery): Promise<LogAnswer> {
    return findLogs(this.#journal, this.#logs, query)
  }

  #port<S extends Stored>(signal: S): Consumer<S> {
    const counts = new ExporterCounts(this.#host, signal)
    return {
      consume: async (batch, context) => {
        if (this.#state === 'unavailable') return context.account.drop(batch.count, 'store_unavailable')
        if (this.#state !== 'open') throw retryLater('shutdown', 'the store is not open')
        if (batch.items === 0) return
        const address = await this.#append(signal, batch.bytes)
        this.#health.succeeded(signal)
        counts.sent(batch.count)
        context.account.deliver(batch.count)
        // While old records are read, this one will be read after them: order decides which traces are forgotten.
        if (!this.loading && address >= this.#indexedUntil) this.#add(signal, batch, address)
      },
    }
  }

  async #append(signal: Stored, bytes: Buffer): Promise<Address> {
    try {
      return await this.#journal.append(KIND[signal], bytes)
    } catch (error) {
      const { code = 'error', message } = error as NodeJS.ErrnoException
      this.#health.failed(signal, message)
      if (code === 'EFBIG') throw new Refusal('too_large', message, { retryable: false, cause: error })
      if (code === 'EBUSY') throw retryLater('queue_full', message, 1000)
      throw retryLater(code === 'ENOSPC' || code === 'EDQUOT' ? 'storage_full' : 'export_failed', message)
    }
  }

  /** Reads what is there, and what comes meanwhile, in the order in which it came. */
  async #index(): Promise<void> {
    const started_ms = performance.now()
    let from = this.#journal.start
    do {
      const until = this.#journal.end
      await this.#indexRecords(from, until)
      from = until
    } while (from !== this.#journal.end && this.#state === 'open')
    this.#indexedUntil = from
    this.loading = false
    const fields = { traces: this.#traces.count, log_batches: this.#logs.count }
    if (this.#journal.segments > 0)
      this.#host.log.info({ ...fields, took_ms: Math.round(performance.now() - started_ms) }, 'the store is loaded')
  }

  async #indexRecords(from: Address, until: Address): Promise<void> {
    let sliceStart_ms = performance.now()
    for await (const { address, kind, payload } of this.#journal.records(from, until)) {
      if (this.#state !== 'open') return
      const signal = kind === KIND.traces ? 'traces' : kind === KIND.logs ? 'logs' : undefined
      // Records of a kind that a later version wrote are not ours to judge.
      if (signal !== undefined && address >= this.#journal.start) this.#addRecord(signal, payload, address)
      if (performance.now() - sliceStart_ms < SLICE_MS) continue
      await new Promise((resolve) => setImmediate(resolve))
      sliceStart_ms = performance.now()
    }
  }

  #addRecord(signal: Stored, payload: Buffer, address: Address): void {
    try {
      this.#add(signal, trusted(signal, payload), address)
    } catch (error) {
      // Its checksum is right: another version wrote it.
      if (!(error instanceof WireError)) throw error
      this.#damaged.add(1)
    }
  }

  #add<S extends Stored>(signal: S, batch: Batches[S], address: Address): void {
    if (signal === 'traces') this.#traces.add(batch as TraceBatch, address)
    else {
      this.#logs.add(batch as Batches['logs'], address)
      this.#traces.addLogs(batch as Batches['logs'])
    }
  }

  #removeSegment(segment: number): void {
    this.#traces.removeSegment(segment)
    this.#logs.removeSegment(segment)
  }

  #logDamage({ segment, offset, size_bytes, torn }: Damage): void {
    const text = torn ? 'the end of the store was torn and is cut off' : 'a record of the store is damaged and left out'
    this.#host.log.warn({ segment, offset, size_bytes }, text)
  }

  #gauges(): void {
    const gauge = (name: string, help: string, read: () => number) =>
      this.#host.meter.gauge(name, help, { exporter: this.#host.id }, read)
    gauge('sluice_store_bytes', 'Bytes of all files of the store.', () => this.#journal.size_bytes)
    gauge('sluice_store_segments', 'Files of the store.', () => this.#journal.segments)
    gauge('sluice_store_traces', 'Traces that can be found.', () => this.#traces.count)
    gauge(
      'sluice_store_index_bytes',
      'Memory for what is known of traces and logs in the store, in bytes.',
      () => this.#traces.size_bytes + this.#logs.size_bytes,
    )
    gauge(
      'sluice_store_evicted',
      'Traces and batches of logs forgotten because there were more than traces_max, or memory for them ran out.',
      () => this.#traces.evicted + this.#logs.evicted,
    )
  }
}

function retentionOf({ bytes_max, age_max }: StoreConfig): { bytes_max: number; age_max_ms: number } {
  return { bytes_max, age_max_ms: age_max }
}
