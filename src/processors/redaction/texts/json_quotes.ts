/**
 * Placeholders in JSON text: `{"card": 4111111111111111}` must become `{"card": "[CREDIT_CARD]"}`, or nobody can parse
 * it any more. Findings are shown in order; the text between them is walked once to know what stands inside a string.
 */
const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/** Whether the text begins as JSON objects and arrays do. */
export function beginsAsJson(bytes: Buffer, start: number, end: number): boolean {
  let p = start
  while (p < end && p - start < 64 && bytes[p]! <= 0x20) p++
  return p < end && (bytes[p] === 0x7b || bytes[p] === 0x5b)
}

export class JsonQuotes {
  /** The range that the placeholder of the finding has to replace: all of a number, for instance. */
  start = 0
  end = 0
  /** How often to escape the quotes around the placeholder, -1: no quotes. */
  backslashes = -1
  /** A quote that the finding swallowed and that has to be written in front of or behind the placeholder. */
  opens = false
  closes = false
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #inString = false
  #end = 0

  begin(bytes: Buffer, start: number, end: number): void {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
    this.#inString = false
  }

  /** Looks at a finding; none may begin before the end of the one before. */
  show(start: number, end: number): void {
    const floor = this.#at
    this.start = start
    this.end = end
    this.backslashes = -1
    this.opens = this.closes = false
    this.#walk(start)
    const inside = this.#inString
    if (inside) this.backslashes = this.#innerQuotes()
    else this.#extend(floor)
    this.#walk(this.end)
    if (inside) this.closes = !this.#inString
    else {
      this.opens = this.#inString
      if (!this.opens && this.start < this.end) this.backslashes = 0
    }
  }

  #walk(to: number): void {
    const bytes = this.#bytes
    let p = this.#at
    for (; p < to; p++) {
      const byte = bytes[p]!
      if (byte === BACKSLASH && this.#inString) p++
      else if (byte === QUOTE) this.#inString = !this.#inString
    }
    this.#at = Math.max(p, this.#at)
  }

  /** Outside of strings all of the number or word goes. */
  #extend(floor: number): void {
    while (this.start > floor && isBare(this.#bytes[this.start - 1]!)) this.start--
    while (this.end < this.#end && isBare(this.#bytes[this.end]!)) this.end++
  }

  /** JSON inside of a JSON string: `\"card\": 4111111111111111` gets quotes escaped as its key's are. */
  #innerQuotes(): number {
    const bytes = this.#bytes
    let before = this.start - 1
    while (before > 0 && bytes[before] === 0x20) before--
    if (bytes[before] !== COLON || bytes[before - 1] !== QUOTE) return -1
    let escapes = 0
    while (bytes[before - 2 - escapes] === BACKSLASH) escapes++
    let after = this.end
    while (after < this.#end && bytes[after] === 0x20) after++
    const byte = bytes[after]
    return escapes > 0 && (byte === 0x2c || byte === 0x7d || byte === 0x5d || byte === BACKSLASH) ? escapes : -1
  }
}

/** Bytes of numbers and of `true`, `false`, `null`. */
function isBare(byte: number): boolean {
  return (
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x61 && byte <= 0x7a) ||
    byte === 0x45 ||
    byte === 0x2b ||
    byte === 0x2d ||
    byte === 0x2e
  )
}
