/** Which prompt a model call was made with: name and version as told, else a fingerprint of what the system says. */
import { INT, numberOf, textStart, valueKind } from '../../telemetry/any_value.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import type { SpanView } from '../../telemetry/span_view.ts'
import { PROMPT } from '../step_fields.ts'
import { cutText } from './documents.ts'
import { Fingerprints } from './known_fingerprints.ts'
import type { TextRange } from './step.ts'
import { SYSTEM_TEXT_NAMES, TEXT_NAMES } from './step_fact_names.ts'

const names = [...new Set([...TEXT_NAMES.promptName, ...TEXT_NAMES.promptVersion, ...SYSTEM_TEXT_NAMES])]
const keys = new KeySet(names)
const found = new Int32Array(names.length)
const NAMES = TEXT_NAMES.promptName.map((name) => names.indexOf(name))
const VERSIONS = TEXT_NAMES.promptVersion.map((name) => names.indexOf(name))
const TEXTS = SYSTEM_TEXT_NAMES.map((name) => names.indexOf(name))

const TEXT_BYTES_MAX = 200

export class PromptReader {
  /** Undefined: not told, or it stands there under its newest name already. */
  name: TextRange | undefined
  version: TextRange | undefined
  /** 16 hex digits; empty where there is a name, or nothing to make it of. */
  fingerprint = ''
  readonly #fingerprints: Fingerprints

  /** `key`: of the fingerprints. */
  constructor(key: Uint8Array) {
    this.#fingerprints = new Fingerprints(key)
  }

  /** Reads the item of a model call. */
  read(view: SpanView): void {
    view.attributes.find(view.bytes, keys, found)
    this.name = this.version = undefined
    this.fingerprint = ''
    const name = NAMES.find(isThere)
    const version = VERSIONS.find(isThere)
    if (name !== undefined && names[name] !== PROMPT.name) this.name = textIn(view, found[name]!)
    if (version !== undefined && names[version] !== PROMPT.version) this.version = textIn(view, found[version]!)
    if (name === undefined) this.#readFingerprint(view)
  }

  #readFingerprint({ bytes, attributes }: SpanView): void {
    const text = TEXTS.find(isThere)
    if (text === undefined) return
    const end = attributes.valueEnd(found[text]!)
    const from = attributes.valueStart(found[text]!)
    // What is no text is compared as it is written.
    const start = Math.max(from, textStart(bytes, from, end))
    if (start < end) this.fingerprint = this.#fingerprints.of(bytes, start, end)
  }
}

function isThere(key: number): boolean {
  return found[key]! >= 0
}

/** A text that is not empty, or a whole number as one. */
function textIn({ bytes, attributes }: SpanView, row: number): TextRange | undefined {
  const end = attributes.valueEnd(row)
  const from = attributes.valueStart(row)
  if (valueKind(bytes, from, end) === INT) {
    const source = Buffer.from(String(numberOf(bytes, from, end)))
    return { source, start: 0, end: source.length }
  }
  const start = textStart(bytes, from, end)
  return start < 0 || start >= end
    ? undefined
    : { source: bytes, start, end: cutText(bytes, start, end, TEXT_BYTES_MAX) }
}
