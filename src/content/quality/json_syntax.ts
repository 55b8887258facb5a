/**
 * Checks whether a text is one JSON value, byte by byte and without building it. The text may come in several pieces, and
 * may itself stand in a JSON string. Grammar: RFC 8259.
 */

/** Nesting deeper than this is not judged. */
const DEPTH_MAX = 1000

const [VALUE, FIRST_ELEMENT, FIRST_KEY, KEY, COLON, AFTER, STRING, ESCAPE, HEX, WORD, DONE] = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
]
/** States within a number: `-`, `0`, digits, `.`, digits behind it, `e`, its sign, digits of the exponent. */
const [MINUS, ZERO, DIGITS, POINT, FRACTION, EXP, EXP_SIGN, EXPONENT] = [20, 21, 22, 23, 24, 25, 26, 27]

const OBJECT = 1
const BACKSLASH = 92
const QUOTE = 34

/** 1 for the bytes that only go on with a string. */
const inString = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= 32 && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
)

export class JsonSyntax {
  #state = VALUE
  /** 1 for each open object, 0 for each open list. */
  readonly #open = new Uint8Array(DEPTH_MAX)
  #depth = 0
  #isKey = false
  #word = ''
  #at = 0
  #tooDeep = false

  reset(): void {
    this.#state = VALUE
    this.#depth = 0
    this.#tooDeep = false
  }

  /** Goes on with the text in [start, end), which stands in a JSON string if `escaped`. False: it is no JSON. */
  add(bytes: Uint8Array, start: number, end: number, escaped: boolean): boolean {
    for (let at = start; at < end && !this.#tooDeep; at++) {
      if (this.#state === STRING) {
        while (at < end && inString[bytes[at]!] === 1) at++
        if (at === end) break
      }
      let byte = bytes[at]!
      if (escaped && byte === BACKSLASH) {
        byte = unescaped(bytes, ++at, end)
        if (bytes[at] === 117) at += 4
      }
      if (!this.#take(byte)) return false
    }
    return true
  }

  /** It is nested too deep to be judged; nothing is held against it. */
  get isTooDeep(): boolean {
    return this.#tooDeep
  }

  /** Was what was added a whole value? */
  get isComplete(): boolean {
    if (this.#tooDeep) return true
    const state = this.#state
    if (state === DONE) return true
    return this.#depth === 0 && (state === ZERO || state === DIGITS || state === FRACTION || state === EXPONENT)
  }

  #take(byte: number): boolean {
    const state = this.#state
    if (state === STRING) return this.#inString(byte)
    if (state === ESCAPE) return this.#escape(byte)
    if (state === HEX) {
      if (!isHex(byte)) return false
      if (--this.#at === 0) this.#state = STRING
      return true
    }
    if (state === WORD) {
      if (byte !== this.#word.charCodeAt(this.#at++)) return false
      if (this.#at === this.#word.length) this.#endValue()
      return true
    }
    if (state >= MINUS) return this.#inNumber(byte)
    return byte === 32 || byte === 10 || byte === 13 || byte === 9 || this.#structure(byte)
  }

  #structure(byte: number): boolean {
    switch (this.#state) {
      case FIRST_ELEMENT:
        return byte === 93 ? this.#endContainer() : this.#beginValue(byte)
      case VALUE:
        return this.#beginValue(byte)
      case FIRST_KEY:
        return byte === 125 ? this.#endContainer() : this.#beginKey(byte)
      case KEY:
        return this.#beginKey(byte)
      case COLON:
        this.#state = VALUE
        return byte === 58
      case AFTER:
        return this.#afterValue(byte)
      default:
        return false
    }
  }

  #beginKey(byte: number): boolean {
    this.#isKey = true
    this.#state = STRING
    return byte === QUOTE
  }

  #beginValue(byte: number): boolean {
    if (byte === QUOTE) {
      this.#isKey = false
      this.#state = STRING
    } else if (byte === 123 || byte === 91) return this.#beginContainer(byte === 123)
    else if (byte === 45) this.#state = MINUS
    else if (byte === 48) this.#state = ZERO
    else if (byte > 48 && byte < 58) this.#state = DIGITS
    else {
      this.#word = byte === 116 ? 'true' : byte === 102 ? 'false' : 'null'
      this.#at = 1
      this.#state = WORD
      return byte === 116 || byte === 102 || byte === 110
    }
    return true
  }

  #beginContainer(isObject: boolean): boolean {
    if (this.#depth === DEPTH_MAX) this.#tooDeep = true
    else this.#open[this.#depth++] = isObject ? OBJECT : 0
    this.#state = isObject ? FIRST_KEY : FIRST_ELEMENT
    return true
  }

  #endContainer(): boolean {
    this.#depth--
    this.#endValue()
    return true
  }

  #endValue(): void {
    this.#state = this.#depth === 0 ? DONE : AFTER
  }

  #afterValue(byte: number): boolean {
    const isObject = this.#open[this.#depth - 1] === OBJECT
    if (byte === 44) this.#state = isObject ? KEY : VALUE
    else return byte === (isObject ? 125 : 93) && this.#endContainer()
    return true
  }

  #inString(byte: number): boolean {
    if (byte === BACKSLASH) this.#state = ESCAPE
    else if (byte !== QUOTE) return byte >= 32
    else if (this.#isKey) this.#state = COLON
    else this.#endValue()
    return true
  }

  #escape(byte: number): boolean {
    this.#state = STRING
    if (byte === 117) {
      this.#state = HEX
      this.#at = 4
      return true
    }
    return ESCAPES.includes(byte)
  }

  #inNumber(byte: number): boolean {
    const digit = byte >= 48 && byte <= 57
    const state = this.#state
    if (digit && state !== ZERO) {
      if (state === MINUS) this.#state = byte === 48 ? ZERO : DIGITS
      else if (state === POINT) this.#state = FRACTION
      else if (state === EXP || state === EXP_SIGN) this.#state = EXPONENT
      return true
    }
    const isInteger = state === ZERO || state === DIGITS
    if (byte === 46 && isInteger) this.#state = POINT
    else if ((byte | 32) === 101 && (isInteger || state === FRACTION)) this.#state = EXP
    else if ((byte === 43 || byte === 45) && state === EXP) this.#state = EXP_SIGN
    else {
      if (!isInteger && state !== FRACTION && state !== EXPONENT) return false
      this.#endValue()
      return this.#take(byte)
    }
    return true
  }
}

/** What may follow a backslash: `"`, `\`, `/`, `b`, `f`, `n`, `r`, `t`. */
const ESCAPES = [QUOTE, BACKSLASH, 47, 98, 102, 110, 114, 116]
const ESCAPED_BYTES = [QUOTE, BACKSLASH, 47, 8, 12, 10, 13, 9]
/** Stands for any character beyond ASCII. */
const OTHER = 128

/** The byte that the escape whose letter is at `at` stands for. */
export function unescaped(bytes: Uint8Array, at: number, end: number): number {
  const letter = bytes[at]!
  if (letter !== 117) {
    const known = ESCAPES.indexOf(letter)
    return known < 0 ? letter : ESCAPED_BYTES[known]!
  }
  if (at + 4 >= end || bytes[at + 1] !== 48 || bytes[at + 2] !== 48) return OTHER
  const value = hexValue(bytes[at + 3]!) * 16 + hexValue(bytes[at + 4]!)
  return value < 128 ? value : OTHER
}

function isHex(byte: number): boolean {
  return (byte >= 48 && byte <= 57) || ((byte | 32) >= 97 && (byte | 32) <= 102)
}

function hexValue(byte: number): number {
  return byte <= 57 ? byte - 48 : (byte | 32) - 87
}
