/** Reading a step that is no model call from a span that the `gen_ai` processor has been over. */
import { STEP, STEP_KINDS, STEP_NEWEST, STEP_SIGNALS } from '../../gen_ai/step_fields.ts'
import { firstText, nextText } from '../../gen_ai/wire.ts'
import { nanosAsMillis, next, readLength, readUint32, skipValue, uint32 } from '../../otlp/cursor.ts'
import { boolOf, contentStart, numberOf, textStart } from '../../telemetry/any_value.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { fieldEnd, fieldStart } from '../../telemetry/find_field.ts'
import { textId } from '../../telemetry/hash.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import { SpanView, STATUS_ERROR } from '../../telemetry/span_view.ts'
import { traceHashOf } from '../../traces/trace_id.ts'
import { idOf } from '../call_rows.ts'
import { traceOf } from '../span_links.ts'

const GUARDRAIL_NAME = 'gen_ai.guardrail.name'
const names = [...Object.values(STEP), ...Object.values(STEP_NEWEST), GUARDRAIL_NAME]
const stepKeys = new KeySet(names)
const at = (name: string) => names.indexOf(name as never)
const AT = {
  kind: at(STEP.kind),
  failed: at(STEP.failed),
  documents: at(STEP.documents),
  scores: at(STEP.scores),
  verdict: at(STEP.verdict),
  signals: at(STEP.signals),
  toolName: at(STEP_NEWEST.toolName),
  toolCallId: at(STEP_NEWEST.toolCallId),
  agentName: at(STEP_NEWEST.agentName),
  dataSourceId: at(STEP_NEWEST.dataSourceId),
  errorType: at(STEP_NEWEST.errorType),
  guardrail: at(GUARDRAIL_NAME),
  conversationId: at(STEP_NEWEST.conversationId),
} as const
const kinds = new KeySet(STEP_KINDS)
const signals = new KeySet(STEP_SIGNALS)
export const VERDICTS = ['passed', 'blocked'] as const
const verdicts = new KeySet(VERDICTS)
/** In the error of a run that was ended from outside: a bound on turns or recursion, or somebody who cancelled it. */
const STOPPED =
  /max.?(imum)?.?(turns|iter|steps|loops|rounds)|recursion|iteration.?limit|usage.?limit|cancel|interrupt|abort/i
const ERROR_BYTES_MAX = 256

/** A step while it is looked at: the same object every time. Places are offsets into `bytes`, an empty text where there is none. */
export class StepReport {
  bytes: Buffer = Buffer.alloc(0)
  /** Position in STEP_KINDS. */
  kind = -1
  /** Hash of its trace id, -1 without one; the number that `traceOf` gives it; where its span id stands. */
  traceHash = -1
  trace = 0
  spanId = -1
  /** As `idOf` numbers them; 0: none. */
  span = 0
  parent = 0
  start_ms = Number.NaN
  end_ms = Number.NaN
  failed = false
  /** It was ended from outside. */
  isStopped = false
  /** Bits of STEP_SIGNALS. */
  signals = 0
  /** Position in VERDICTS; -1: not told. */
  verdict = -1
  /** NaN: not told. */
  documents = Number.NaN
  scores = 0
  scoresSum = 0
  /** Hash of the tool's call id; 0 without one. */
  callId = 0
  /** What it is called: of an agent its name, of a tool the tool's, of a retrieval its source. */
  nameStart = 0
  nameEnd = 0
  agentStart = 0
  agentEnd = 0
  conversationStart = 0
  conversationEnd = 0
  readonly #view = new SpanView()
  readonly #found = new Int32Array(names.length)

  /** Moves to that span; false if it says no kind that is known, or has no trace or span id. */
  read(batch: TraceBatch, item: number): boolean {
    const view = this.#view
    view.read(batch, item)
    this.bytes = view.bytes
    this.traceHash = traceHashOf(view)
    this.spanId = view.spanId
    this.#find()
    this.kind = this.#choice(AT.kind, kinds)
    if (this.kind < 0 || this.traceHash < 0 || view.spanId < 0) return false
    this.trace = traceOf(view)
    this.span = idAtPlace(view.bytes, view.spanId)
    this.parent = view.parentId < 0 ? 0 : idAtPlace(view.bytes, view.parentId)
    this.start_ms = view.startTime < 0 ? Number.NaN : nanosAsMillis(view.bytes, view.startTime)
    this.end_ms = view.endTime < 0 ? Number.NaN : nanosAsMillis(view.bytes, view.endTime)
    this.#readFacts()
    return true
  }

  forget(): void {
    this.#view.forget()
    this.bytes = this.#view.bytes
  }

  #readFacts(): void {
    const kind = STEP_KINDS[this.kind]
    const errorStart = this.#textStart(AT.errorType)
    this.failed =
      this.#isTrue(AT.failed) || this.#view.statusCode === STATUS_ERROR || errorStart < this.#textEnd(AT.errorType)
    this.isStopped = this.failed && this.#isStoppedBy(errorStart)
    this.signals = this.#bits(AT.signals)
    this.verdict = this.#choice(AT.verdict, verdicts)
    this.documents = this.#number(AT.documents)
    this.#readScores()
    this.callId = textId(this.bytes, this.#textStart(AT.toolCallId), this.#textEnd(AT.toolCallId))
    this.agentStart = this.#textStart(AT.agentName)
    this.agentEnd = this.#textEnd(AT.agentName)
    this.conversationStart = this.#textStart(AT.conversationId)
    this.conversationEnd = this.#textEnd(AT.conversationId)
    if (kind === 'agent') this.#nameBy(AT.agentName, AT.agentName)
    else if (kind === 'retrieval') this.#nameBy(AT.dataSourceId, AT.toolName)
    else if (kind === 'guardrail') this.#nameBy(AT.guardrail, AT.toolName)
    else this.#nameBy(AT.toolName, AT.dataSourceId)
    if (kind === 'retrieval' || kind === 'guardrail') this.#nameBySpan()
  }

  /** Searches and checks are often named by nothing else. */
  #nameBySpan(): void {
    if (this.nameStart < this.nameEnd || this.#view.nameStart < 0) return
    this.nameStart = this.#view.nameStart
    this.nameEnd = this.#view.nameEnd
  }

  #nameBy(first: number, second: number): void {
    const one = this.#textStart(first) < this.#textEnd(first) ? first : second
    this.nameStart = this.#textStart(one)
    this.nameEnd = this.#textEnd(one)
  }

  #isStoppedBy(start: number): boolean {
    const end = Math.min(this.#textEnd(AT.errorType), start + ERROR_BYTES_MAX)
    return start < end && STOPPED.test(this.bytes.toString('latin1', start, end))
  }

  #find(): void {
    const { bytes, attributes } = this.#view
    this.#found.fill(-1)
    for (let row = 0; row < attributes.count; row++) {
      const key = stepKeys.find(bytes, attributes.keyStart(row), attributes.keyEnd(row))
      if (key >= 0 && this.#found[key] === -1) this.#found[key] = row
    }
  }

  /** Content of the array's elements: numbers are added up, what is none is passed over. */
  #readScores(): void {
    this.scores = this.scoresSum = 0
    const row = this.#found[AT.scores]!
    if (row < 0) return
    const { bytes, attributes } = this.#view
    const end = attributes.valueEnd(row)
    for (let place = contentStart(bytes, attributes.valueStart(row), end); place >= 0 && place < end; ) {
      const tag = readUint32(bytes, place, end)
      const element = next
      if ((tag & 7) !== 2) return
      const length = readLength(bytes, element, end)
      const score = numberOf(bytes, next, next + length)
      if (Number.isFinite(score)) {
        this.scores++
        this.scoresSum += score
      }
      place = skipValue(tag & 7, bytes, element, end)
    }
  }

  #number(key: number): number {
    const row = this.#found[key]!
    const { bytes, attributes } = this.#view
    const value = row < 0 ? Number.NaN : numberOf(bytes, attributes.valueStart(row), attributes.valueEnd(row))
    return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN
  }

  #isTrue(key: number): boolean {
    const row = this.#found[key]!
    const { bytes, attributes } = this.#view
    return row >= 0 && boolOf(bytes, attributes.valueStart(row), attributes.valueEnd(row)) === true
  }

  #textStart(key: number): number {
    const row = this.#found[key]!
    if (row < 0) return 0
    const { bytes, attributes } = this.#view
    return Math.max(0, textStart(bytes, attributes.valueStart(row), attributes.valueEnd(row)))
  }

  #textEnd(key: number): number {
    return this.#textStart(key) === 0 ? 0 : this.#view.attributes.valueEnd(this.#found[key]!)
  }

  #choice(key: number, values: KeySet): number {
    const start = this.#textStart(key)
    return start === 0 ? -1 : values.find(this.bytes, start, this.#textEnd(key))
  }

  #bits(key: number): number {
    const row = this.#found[key]!
    if (row < 0) return 0
    const { bytes, attributes } = this.#view
    const end = attributes.valueEnd(row)
    let bits = 0
    for (let text = firstText(bytes, attributes.valueStart(row), end); text >= 0; text = nextText(bytes, text, end)) {
      const word = signals.find(bytes, fieldStart(bytes, text), fieldEnd(bytes, text))
      if (word >= 0) bits |= 1 << word
    }
    return bits
  }
}

function idAtPlace(bytes: Uint8Array, place: number): number {
  return idOf(uint32(bytes, place), uint32(bytes, place + 4))
}
