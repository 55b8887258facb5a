/** Model calls derived from captured telemetry, for tests. */
import { FIELDS, type Field, fold, requestsOf } from '../../../test/support/reachable.ts'
import { FIELD } from '../../gen_ai/call_fields.ts'
import { ModelCall } from '../../gen_ai/model_call.ts'
import { endWithoutDate } from '../../gen_ai/model_name.ts'
import { readNormalisedCall } from '../../gen_ai/normalised.ts'
import { FakeClock } from '../../self/clock.ts'
import { Calls, FAILED, INT, NUMBER, RATE_LIMITED } from '../../steps/calls.ts'
import { Emitters } from '../../steps/emitters.ts'
import { ResourceHashes } from '../../steps/resource_hashes.ts'
import { SpanLinks } from '../../steps/span_links.ts'
import type { LogBatch, TraceBatch } from '../../telemetry/batch.ts'
import { Interner } from '../../telemetry/interner.ts'
import { receive } from '../../telemetry/receive.ts'
import { RecordView } from '../../telemetry/record_view.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { processorForTests, recordProcessorForTests } from './processor.fixture.ts'

export type Totals = Record<Field, number>

/** The calls that spans and log records report, by trace; a record without a trace stands for itself. */
export class CapturedCalls {
  readonly #links = new SpanLinks(new FakeClock(), () => 1 << 24)
  readonly calls = new Calls(this.#links)
  readonly #texts = new Interner(1000)
  readonly #resources = new ResourceHashes()
  readonly #emitters = new Emitters()
  readonly #traces = new Map<string, number[]>()
  /** How many spans and log records report calls. */
  reports = 0

  static async of(folder: string, withLogs = false): Promise<CapturedCalls> {
    const captured = new CapturedCalls()
    for (const body of requestsOf(folder, 'traces'))
      captured.add(await processorForTests().normalise(receive('traces', body).batch))
    for (const body of withLogs ? requestsOf(folder, 'logs') : [])
      captured.add(await recordProcessorForTests().normalise(receive('logs', body).batch))
    return captured
  }

  add(batch: TraceBatch | LogBatch): void {
    if (batch.signal === 'traces') this.#links.note(batch as TraceBatch)
    const span = new SpanView()
    const record = new RecordView()
    const call = new ModelCall()
    const text = (field: number) => this.#texts.intern(call.bytes, call.start(field), call.end(field))
    const model = (field: number) =>
      this.#texts.intern(call.bytes, call.start(field), endWithoutDate(call.bytes, call.start(field), call.end(field)))
    for (let item = 0; item < batch.items; item++) {
      const view = batch.signal === 'traces' ? span : record
      if (batch.signal === 'traces') span.read(batch as TraceBatch, item)
      else record.readRecord(batch as LogBatch, item)
      if (!readNormalisedCall(view, call)) continue
      const row = this.calls.keep(view, call, {
        model: model(FIELD.requestModel),
        responseModel: model(FIELD.responseModel),
        errorType: text(FIELD.errorType),
        resource: this.#resources.of(batch, view.scope),
        emitter: this.#emitters.of(batch, view.scope),
      })
      this.reports++
      const trace = view.traceId < 0 ? `${row}` : batch.bytes.toString('hex', view.traceId, view.traceId + 16)
      this.#traces.set(trace, [...(this.#traces.get(trace) ?? []), row])
    }
  }

  /** Rows of the calls, each once, however many spans report it. */
  once(): number[] {
    const counted: number[] = []
    // As settled: traces that wait for the record of a stream come last.
    const waits = (rows: readonly number[]) => (rows.reduce((sum, row) => sum + this.calls.awaits(row), 0) > 0 ? 1 : 0)
    for (const rows of [...this.#traces.values()].sort((a, b) => waits(a) - waits(b)))
      for (const call of this.#mergedInTrace(rows)) {
        if (this.calls.toldInOtherTrace(call) !== 0) continue
        this.calls.rememberInOtherTraces(call)
        counted.push(call)
      }
    return counted
  }

  #mergedInTrace(rows: readonly number[]): number[] {
    const groups = [...this.calls.group(rows)].filter((group) => group !== undefined)
    return groups.map((reports) => this.#copyOf(this.calls.merge(reports)))
  }

  /** The next merge takes the row of this one. */
  #copyOf(row: number): number {
    const { calls } = this
    const copy = calls.add()
    calls.ints.copyWithin(copy * INT.width, row * INT.width, (row + 1) * INT.width)
    calls.numbers.copyWithin(copy * NUMBER.width, row * NUMBER.width, (row + 1) * NUMBER.width)
    return copy
  }

  totals(sameModel: Record<string, string>): Record<string, Totals> {
    const byModel: Record<string, Totals> = {}
    for (const row of this.once()) {
      const number = (name: Parameters<Calls['number']>[1]) => this.calls.number(row, name) || 0
      const model = this.calls.int(row, 'model') || this.calls.int(row, 'responseModel')
      const name = model === 0 ? 'unknown' : fold(this.#texts.text(model))
      const sum = (byModel[sameModel[name] ?? name] ??= Object.fromEntries(FIELDS.map((field) => [field, 0])) as Totals)
      sum.calls++
      if (this.calls.has(row, FAILED)) sum.failed++
      if (this.calls.has(row, RATE_LIMITED)) sum.rate_limited++
      sum.input += number('input')
      sum.output += number('output')
      sum.cached_read += number('cacheRead')
      sum.cache_write += number('cacheWrite')
      sum.reasoning += number('reasoning')
    }
    return byModel
  }
}
