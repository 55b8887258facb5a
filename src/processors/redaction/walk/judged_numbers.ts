import { double, readBigInt64, skipVarint } from '../../../otlp/cursor.ts'
import type { RedactionTally } from '../redaction_tally.ts'
import type { JudgedTexts } from '../texts/judged_texts.ts'
import type { Edits } from './edits.ts'
import { longDigits } from './named_values.ts'
import { tagOf } from './walk_steps.ts'

const STRING_FIELD = tagOf('AnyValue', 'stringValue') >>> 3
/** A varint of five bytes has fewer than 12 digits. */
const VARINT_MIN = 6

/** Numbers of an AnyValue: judged as their decimal digits, and a text if they have to go. */
export class JudgedNumbers {
  readonly #texts: JudgedTexts
  readonly #edits: Edits
  readonly #tally: RedactionTally

  constructor(texts: JudgedTexts, edits: Edits, tally: RedactionTally) {
    this.#texts = texts
    this.#edits = edits
    this.#tally = tally
  }

  /** The int whose field begins at `field`. Returns the offset behind it. */
  int(bytes: Buffer, field: number, end: number): number {
    const behind = skipVarint(bytes, field + 1, end)
    if (behind - field > VARINT_MIN) this.#judge(readBigInt64(bytes, field + 1, end).toString(), field, behind)
    return behind
  }

  /** The double whose field begins at `field`. */
  double(bytes: Buffer, field: number): void {
    const digits = longDigits(double(bytes, field + 1))
    if (digits !== undefined) this.#judge(digits, field, field + 9)
  }

  #judge(digits: string, field: number, end: number): void {
    const count = this.#texts.findText(digits)
    if (count === 0) return
    const edits = this.#edits
    edits.open(field, end)
    const mark = edits.out.open(STRING_FIELD, digits.length)
    this.#texts.writeRedacted(edits.out, count, this.#tally)
    edits.out.close(mark, digits.length)
    edits.close()
  }
}
