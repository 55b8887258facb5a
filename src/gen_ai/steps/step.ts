/** The facts of one step that is no model call: a flyweight, filled anew for each span. */
import { PROMPT, STEP, STEP_KINDS, STEP_NEWEST, type StepKind } from '../step_fields.ts'

const NOTHING = Buffer.alloc(0)

/** Texts of a step, in the order of `Step.text…`'s positions. */
export const STEP_TEXTS = [
  ...(['toolName', 'toolType', 'toolCallId', 'agentName', 'agentId', 'workflowName', 'conversationId'] as const),
  ...(['dataSourceId', 'handoffTo', 'promptName', 'promptVersion', 'errorType'] as const),
] as const
export type StepText = (typeof STEP_TEXTS)[number]

/** Under which name each is written. */
export const STEP_TEXT_NAMES: Readonly<Record<StepText, string>> = {
  ...STEP_NEWEST,
  handoffTo: STEP.handoffTo,
  promptName: PROMPT.name,
  promptVersion: PROMPT.version,
}

/** Most documents of a retrieval whose ids and scores are kept; more are counted. */
export const DOCUMENTS_MAX = 100
/** Longest text of a step in bytes; more of it is cut, between characters. */
export const STEP_TEXT_BYTES_MAX = 200

/** A text that stands in [start, end) of its source. */
export interface TextRange {
  readonly source: Buffer
  readonly start: number
  readonly end: number
}

export class Step {
  /** The batch's bytes, into which the ranges of the texts point. */
  bytes: Buffer = NOTHING
  /** Position in STEP_KINDS. */
  kind = 0
  /** Position in STEP_DIALECTS: who wrote it. */
  dialect = 0
  failed = false
  /** Keyed fingerprint of a tool's arguments; empty if it tells none. */
  fingerprint = ''
  /** How many documents were found; NaN if it is not told. */
  documents = Number.NaN
  documentIds: TextRange[] = []
  scores: number[] = []
  /** `passed`, `blocked`, or empty. */
  verdict: '' | 'passed' | 'blocked' = ''
  readonly #starts = new Int32Array(STEP_TEXTS.length)
  readonly #ends = new Int32Array(STEP_TEXTS.length)

  reset(bytes: Buffer): void {
    this.bytes = bytes
    this.failed = false
    this.fingerprint = this.verdict = ''
    this.documents = Number.NaN
    if (this.documentIds.length > 0) this.documentIds = []
    if (this.scores.length > 0) this.scores = []
    this.#starts.fill(0)
    this.#ends.fill(0)
  }

  /** Nothing of a batch is needed any more. */
  forget(): void {
    this.reset(NOTHING)
  }

  get kindName(): StepKind {
    return STEP_KINDS[this.kind]!
  }

  /** Sets a text to what stands in [start, end), cut to the bound. */
  setText(at: number, start: number, end: number): void {
    this.#starts[at] = start
    this.#ends[at] = cutBetweenCharacters(this.bytes, start, end)
  }

  /** Position of the text is that in STEP_TEXTS. */
  has(at: number): boolean {
    return this.#ends[at]! > this.#starts[at]!
  }

  start(at: number): number {
    return this.#starts[at]!
  }

  end(at: number): number {
    return this.#ends[at]!
  }

  /** For cold paths; empty if unknown. */
  text(name: StepText): string {
    const at = STEP_TEXTS.indexOf(name)
    return this.bytes.toString('utf8', this.#starts[at], this.#ends[at])
  }
}

/** Where a text has to end that keeps within the bound. */
export function cutBetweenCharacters(bytes: Buffer, start: number, end: number): number {
  if (end - start <= STEP_TEXT_BYTES_MAX) return end
  let cut = start + STEP_TEXT_BYTES_MAX
  while (cut > start && (bytes[cut]! & 0xc0) === 0x80) cut--
  return cut
}
