import type { Detector } from '../../../content/detectors/detector.ts'
import { type Effort, EffortError } from '../../../content/detectors/effort.ts'
import { Findings, kindIndex } from '../../../content/detectors/findings.ts'
import { placeholder } from '../../../content/detectors/placeholder.ts'
import { isPrivateAddress } from '../../../content/detectors/private_address.ts'
import { ALL, SHORT_MAX, search, traitsOf } from '../../../content/detectors/scan.ts'
import type { Output } from '../../../otlp/output.ts'
import type { RedactionTally } from '../redaction_tally.ts'
import { ADDRESSES } from '../walk/keys.ts'
import { ByteCache, type ViewedBytes, viewed } from './byte_cache.ts'
import { beginsAsJson, JsonQuotes } from './json_quotes.ts'

/** `a@b.co`, the shortest thing that any detector finds. */
const FINDING_MIN = 6
const CLEAN_MAX = 120
/** What a text takes at least, and how many of its bytes take one step where there is nothing of interest. */
const TEXT_STEPS = 48
const STEP_BYTES = 4
const IP = kindIndex('IP')
const CLEAN_SLOTS = 4096

/** What stands in place of a value that could not be judged. */
export const FAILED = Buffer.from('[REDACTED]')

/** What `find` returns when the detectors failed: the whole text has to go. */
export const FAILED_CLOSED = -1

/** Runs the detectors over one text after another, and writes texts with placeholders. */
export class JudgedTexts {
  /** Which IP addresses are no findings in what is looked at next. */
  addresses: number = ADDRESSES.none
  readonly #detectors: readonly Detector[]
  readonly #needs: readonly number[]
  readonly #findings = new Findings()
  /** Short texts that looked suspicious and were clean, such as model names with a date. */
  readonly #clean = new ByteCache(CLEAN_SLOTS, CLEAN_MAX)
  readonly #quotes = new JsonQuotes()
  /** Short texts are copied here: making a view of a batch that ends with the text costs more. */
  readonly #short = Buffer.alloc(SHORT_MAX)
  readonly #shortViews: (Buffer | undefined)[] = []
  /** Where the last text is that `find` has looked at. */
  #bytes: Buffer = this.#short
  #start = 0
  #end = 0

  constructor(detectors: readonly Detector[], effort: Effort) {
    this.#detectors = detectors
    this.#findings.effort = effort
    this.#needs = [...new Set(detectors.map((detector) => detector.needs))]
  }

  /** How many findings are in the text [start, end), or FAILED_CLOSED. @throws EffortError */
  find(source: ViewedBytes, start: number, end: number): number {
    const count = this.findAll(source, start, end)
    return count > 0 && this.addresses !== ADDRESSES.none ? this.#leaveAddresses() : count
  }

  /** As `find`, addresses of machines included. */
  findAll(source: ViewedBytes, start: number, end: number): number {
    const length = end - start
    if (length < FINDING_MIN) return 0
    if (length > SHORT_MAX) return this.#search(ALL, source.bytes, start, end)
    const present = traitsOf(source.bytes, start, end)
    if (present === 0 || !this.#mayFind(present) || this.#clean.find(source, start, end) >= 0) return 0
    const view = (this.#shortViews[length] ??= this.#short.subarray(0, length))
    copyShort(source.bytes, start, view, length)
    const count = this.#search(present, view, 0, length)
    if (count === 0) this.#clean.offer(source, start, end, 1)
    return count
  }

  /** As `find`, for a text of its own, such as a number's. */
  findText(text: string): number {
    this.#findings.effort.spend(TEXT_STEPS)
    const bytes = Buffer.from(text)
    return this.find(viewed(bytes), 0, bytes.length)
  }

  /** Leaves out what the last `find` found inside of the ranges: start and end, in order. Returns how many findings are left. */
  leaveRanges(ranges: readonly number[]): number {
    const findings = this.#findings
    let range = 0
    return findings.discard((i) => {
      while (range < ranges.length && ranges[range + 1]! < findings.end(i)) range += 2
      return range < ranges.length && ranges[range]! <= findings.start(i)
    })
  }

  /**
   * Writes the text of the last `find` with its findings replaced, or FAILED, and counts. JSON stays JSON, but where the
   * text is itself `inString`.
   */
  writeRedacted(out: Output, count: number, tally: RedactionTally, inString = false): void {
    if (count === FAILED_CLOSED) {
      tally.addFailed()
      out.copy(FAILED, 0, FAILED.length)
      return
    }
    const quotes = !inString && beginsAsJson(this.#bytes, this.#start, this.#end) ? this.#quotes : undefined
    quotes?.begin(this.#bytes, this.#start, this.#end)
    let kept = this.#start
    for (let i = 0; i < count; i++) kept = this.#writeFinding(out, i, kept, quotes, tally)
    out.copy(this.#bytes, kept, this.#end)
  }

  #writeFinding(out: Output, i: number, kept: number, quotes: JsonQuotes | undefined, tally: RedactionTally): number {
    const findings = this.#findings
    const kind = findings.kind(i)
    tally.addFinding(kind)
    const written = placeholder(kind)
    if (quotes === undefined) {
      out.copy(this.#bytes, kept, findings.start(i))
      out.copy(written, 0, written.length)
      return findings.end(i)
    }
    // The number that the finding before stood in may have taken this one with it.
    if (findings.end(i) <= kept) return kept
    quotes.show(Math.max(kept, findings.start(i)), findings.end(i))
    out.copy(this.#bytes, kept, quotes.start)
    if (quotes.opens) out.byte(0x22)
    writeQuote(out, quotes.backslashes)
    out.copy(written, 0, written.length)
    writeQuote(out, quotes.backslashes)
    if (quotes.closes) out.byte(0x22)
    return quotes.end
  }

  #leaveAddresses(): number {
    const findings = this.#findings
    return findings.discard((i) => findings.kind(i) === IP && this.#stays(findings.start(i), findings.end(i)))
  }

  #stays(start: number, end: number): boolean {
    if (this.addresses === ADDRESSES.all) return true
    return this.addresses === ADDRESSES.private
      ? isPrivateAddress(this.#bytes, start)
      : isVersion(this.#bytes.toString('latin1', start, end))
  }

  /** Whether any detector has something to look for in a text with those traits. */
  #mayFind(present: number): boolean {
    for (const needs of this.#needs) if ((needs & ~present) === 0) return true
    return false
  }

  #search(present: number, bytes: Buffer, start: number, end: number): number {
    this.#bytes = bytes
    this.#start = start
    this.#end = end
    this.#findings.effort.spend(TEXT_STEPS + (end - start) / STEP_BYTES)
    try {
      return search(this.#detectors, present, bytes, start, end, this.#findings)
    } catch (error) {
      if (error instanceof EffortError) throw error
      return FAILED_CLOSED
    }
  }
}

/** Four numbers where a version is said to be: only browsers count beyond 99, and their lesser numbers are zeros. */
function isVersion(text: string): boolean {
  return /^\d{1,2}(?:\.\d+){3}$|^\d+\.0\.0\.0$/.test(text)
}

function writeQuote(out: Output, backslashes: number): void {
  for (let i = 0; i < backslashes; i++) out.byte(0x5c)
  if (backslashes >= 0) out.byte(0x22)
}

function copyShort(source: Buffer, start: number, target: Buffer, length: number): void {
  if (length > 64) source.copy(target, 0, start, start + length)
  else for (let i = 0; i < length; i++) target[i] = source[start + i]!
}
