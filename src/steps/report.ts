import type { Context } from '../component.ts'
import { FIELD } from '../gen_ai/call_fields.ts'
import { ModelCall } from '../gen_ai/model_call.ts'
import { NormalisedRows, readNormalisedCall } from '../gen_ai/normalised.ts'
import type { LogBatch, TraceBatch } from '../telemetry/batch.ts'
import { ITEM } from '../telemetry/layout.ts'
import { RecordView } from '../telemetry/record_view.ts'
import { SpanView } from '../telemetry/span_view.ts'
import { traceHashOf } from '../traces/trace_id.ts'

/** Texts of a call that rows know by number. */
export const TEXTS = ['model', 'responseModel', 'errorType'] as const
export type Text = (typeof TEXTS)[number]
/** Positions in TEXTS. */
export const TEXT_AT = { model: 0, responseModel: 1, errorType: 2 } as const satisfies Record<Text, number>
const FIELDS = [FIELD.requestModel, FIELD.responseModel, FIELD.errorType]
const NOTHING = Buffer.alloc(0)

/** Positions in `places`: of the ids, -1 without one; the trace's hash, -1 if its id is none; begin and end of each text, and of the conversation's id. */
const AT = { traceId: 0, spanId: 1, trace: 2, texts: 3 } as const
const AT_CONVERSATION = AT.texts + 2 * TEXTS.length
export const PLACES = AT_CONVERSATION + 2

/**
 * A span or log record that reports a call, while it is looked at: the same object every time. What rows say is there at
 * once; the item is parsed when somebody asks for more.
 */
export class Report {
  batch!: TraceBatch | LogBatch
  context!: Context
  bytes: Buffer = NOTHING
  #item = 0
  /** Where in the bytes it stands, as `AT` says. */
  readonly places = new Float64Array(PLACES)
  readonly #span = new SpanView()
  readonly #record = new RecordView()
  readonly #call = new ModelCall()
  readonly #rows = new NormalisedRows()
  #isViewRead = false
  #isCallRead = false
  #areRowsRead = false

  begin(batch: TraceBatch | LogBatch, context: Context): void {
    this.batch = batch
    this.bytes = batch.bytes
    this.context = context
  }

  /** From now on it is that item. `places` are those of the item before, until `read` or the caller sets them. */
  look(item: number): void {
    this.#item = item
    this.#isViewRead = this.#isCallRead = this.#areRowsRead = false
  }

  /** Parses the item; false if it reports no call. */
  read(): boolean {
    const { view, call, places } = this
    if (!this.#isCallRead) return false
    places[AT.traceId] = view.traceId
    places[AT.spanId] = view.spanId
    places[AT.trace] = traceHashOf(view)
    for (let text = 0; text < TEXTS.length; text++) {
      places[AT.texts + 2 * text] = call.start(FIELDS[text]!)
      places[AT.texts + 2 * text + 1] = call.end(FIELDS[text]!)
    }
    places[AT_CONVERSATION] = call.start(FIELD.conversationId)
    places[AT_CONVERSATION + 1] = call.end(FIELD.conversationId)
    return true
  }

  get isRecord(): boolean {
    return this.batch.signal === 'logs'
  }

  /** Hash of its trace id; -1 if it has none that is valid. */
  get trace(): number {
    return this.places[AT.trace]!
  }

  get traceId(): number {
    return this.places[AT.traceId]!
  }

  get spanId(): number {
    return this.places[AT.spanId]!
  }

  /** `text`: position in TEXTS. */
  textStart(text: number): number {
    return this.places[AT.texts + 2 * text]!
  }

  textEnd(text: number): number {
    return this.places[AT.texts + 2 * text + 1]!
  }

  get conversationStart(): number {
    return this.places[AT_CONVERSATION]!
  }

  get conversationEnd(): number {
    return this.places[AT_CONVERSATION + 1]!
  }

  /** Where the item's message begins and ends, and the scope that it is of. */
  get start(): number {
    return this.#layout(ITEM.start)
  }

  get end(): number {
    return this.#layout(ITEM.end)
  }

  get scope(): number {
    return this.#layout(ITEM.scope)
  }

  get view(): SpanView {
    const view = this.isRecord ? this.#record : this.#span
    if (this.#isViewRead) return view
    this.#isViewRead = true
    if (this.batch.signal === 'logs') this.#record.readRecord(this.batch, this.#item)
    else this.#span.read(this.batch, this.#item)
    return view
  }

  get call(): ModelCall {
    if (!this.#isCallRead) this.#isCallRead = readNormalisedCall(this.view, this.#call, this.#rows)
    return this.#call
  }

  /** Where the normalised attributes stand in `view`. */
  get rows(): NormalisedRows {
    if (!this.#isCallRead && !this.#areRowsRead) {
      this.#areRowsRead = true
      this.#rows.read(this.view)
    }
    return this.#rows
  }

  /** Nothing of a batch is needed any more. */
  forget(): void {
    this.batch = this.context = undefined as never
    this.bytes = NOTHING
    this.#span.forget()
    this.#record.forget()
    this.#call.forget()
  }

  #layout(column: number): number {
    return this.batch.layout.itemRows[this.#item * ITEM.width + column]!
  }
}
