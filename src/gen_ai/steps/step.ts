/** A step that is no model call, as one span tells of it. One instance is filled for span after span. */
import type { StepKind } from '../step_fields.ts'
import { STEP_TEXTS, type StepText } from './step_fact_names.ts'

/** A text where it stands. */
export interface TextRange {
  readonly source: Uint8Array
  readonly start: number
  readonly end: number
}

const NOTHING = Buffer.alloc(0)
const positions = Object.fromEntries(STEP_TEXTS.map((name, at) => [name, at])) as Record<StepText, number>

export class Step {
  kind: StepKind = 'tool'
  /** The span's; texts stand in them. */
  bytes: Buffer = NOTHING
  failed = false
  /** Does the span name an operation of the conventions, or another? */
  hasOperation = false
  /** Fingerprint of a tool's arguments, 16 hex digits; empty where they are not told. */
  arguments = ''
  /** How many documents were found; -1: not told. */
  documents = -1
  /** Of the documents, in their order, as far as told. */
  readonly ids: TextRange[] = []
  readonly scores: number[] = []
  verdict: 'passed' | 'blocked' | undefined
  /** By the position in STEP_TEXTS: where the text stands, -1 without one, … */
  readonly #starts = new Int32Array(STEP_TEXTS.length)
  readonly #ends = new Int32Array(STEP_TEXTS.length)
  /** … and 1 if the span has it under its newest name. */
  readonly #newest = new Uint8Array(STEP_TEXTS.length)

  reset(bytes: Buffer, kind: StepKind): void {
    this.bytes = bytes
    this.kind = kind
    this.failed = this.hasOperation = false
    this.arguments = ''
    this.documents = -1
    this.ids.length = 0
    this.scores.length = 0
    this.verdict = undefined
    this.#starts.fill(-1)
    this.#newest.fill(0)
  }

  setText(text: StepText, start: number, end: number, isNewest = false): void {
    const at = positions[text]
    this.#starts[at] = start
    this.#ends[at] = end
    this.#newest[at] = isNewest ? 1 : 0
  }

  has(text: StepText): boolean {
    return this.#starts[positions[text]]! >= 0
  }

  isNewest(text: StepText): boolean {
    return this.#newest[positions[text]] === 1
  }

  start(text: StepText): number {
    return this.#starts[positions[text]]!
  }

  end(text: StepText): number {
    return this.#ends[positions[text]]!
  }

  /** The text as a string, empty without one: for tests and for what is seldom. */
  text(text: StepText): string {
    return this.has(text) ? this.bytes.toString('utf8', this.start(text), this.end(text)) : ''
  }

  /** Nothing of a batch is needed any more. */
  forget(): void {
    this.bytes = NOTHING
    this.ids.length = 0
  }
}
