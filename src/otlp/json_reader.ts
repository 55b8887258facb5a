/**
 * Tokens of a JSON text (RFC 8259) read in place, without objects. `JSON.parse` is not used because it damages 64-bit
 * integers that are written as bare numbers, and because it builds a tree before any limit can be applied.
 */
import { WireError } from './wire_error.ts'

/** Nesting at which a value of an unknown key is refused. */
export const SKIPPED_DEPTH_MAX = 512

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

export class JsonReader {
  readonly bytes: Buffer
  at = 0
  /** What the last `string` or `number` read: its bytes, without quotes. */
  start = 0
  stop = 0
  /** The last string has escape sequences. */
  escaped = false
  /** The last string has bytes above 127. */
  wide = false
  readonly #end: number
  readonly #names: string[] = []
  readonly #positions: number[] = []
  #depth = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
    this.#end = bytes.length
  }

  /** Names the place for errors: a field, or (-1: none) an element of it. */
  enter(name: string): void {
    this.#names[this.#depth] = name
    this.#positions[this.#depth++] = -1
  }

  element(position: number): void {
    this.#positions[this.#depth - 1] = position
  }

  leave(): void {
    this.#depth--
  }

  /** Throws a WireError that says what, where in the text and in which field. */
  fail(problem: string, at = this.at): never {
    const path = this.path()
    throw new WireError(path === '' ? problem : `${path}: ${problem}`, at)
  }

  /** Of the field that is being read. */
  path(): string {
    let path = ''
    for (let level = 0; level < this.#depth; level++) {
      const position = this.#positions[level]!
      path += `${level > 0 ? '.' : ''}${this.#names[level]}${position < 0 ? '' : `[${position}]`}`
    }
    return path
  }

  failExpected(expected: string): never {
    this.fail(`expected ${expected}, found ${this.#found()}`)
  }

  /** First byte of the next token, 0 at the end. */
  peek(): number {
    const bytes = this.bytes
    while (this.at < this.#end) {
      const byte = bytes[this.at]!
      if (byte > 0x20) return byte
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte === 0 ? 1 : byte
      this.at++
    }
    return 0
  }

  atString(): boolean {
    return this.peek() === QUOTE
  }

  openObject(): boolean {
    if (this.peek() !== OPEN_OBJECT) this.failExpected('an object')
    return this.#open(CLOSE_OBJECT)
  }

  openList(): boolean {
    if (this.peek() !== OPEN_LIST) this.failExpected('a list')
    return this.#open(CLOSE_LIST)
  }

  /** Behind a member of an object: is there another? */
  moreMembers(): boolean {
    return this.#more(CLOSE_OBJECT, 'a comma or }')
  }

  moreElements(): boolean {
    return this.#more(CLOSE_LIST, 'a comma or ]')
  }

  /** Reads a member's name (as `string` does) and the colon. */
  name(): void {
    if (this.peek() !== QUOTE) this.failExpected('a name in quotes')
    this.string()
    if (this.peek() !== COLON) this.failExpected('a colon')
    this.at++
  }

  /** Reads a string. Sets `start`, `stop`, `escaped` and `wide`. */
  string(): void {
    if (this.peek() !== QUOTE) this.failExpected('a string')
    const bytes = this.bytes
    const end = this.#end
    let at = this.at + 1
    let all = 0
    this.start = at
    this.escaped = false
    for (; at < end; at++) {
      const byte = bytes[at]!
      if (byte === QUOTE) {
        this.stop = at
        this.wide = all > 127
        this.at = at + 1
        return
      }
      if (byte < 0x20) this.fail('control character in a string', at)
      if (byte === BACKSLASH) {
        this.escaped = true
        at++
      }
      all |= byte
    }
    this.fail('string is cut off', end)
  }

  /** Reads a number by JSON's grammar. Sets `start` and `stop`. */
  number(): void {
    const first = this.peek()
    if (first !== 0x2d && !isDigit(first)) this.failExpected('a number')
    this.start = this.at
    if (first === 0x2d) this.at++
    if (this.bytes[this.at] === 0x30) this.at++
    else this.#digits()
    if (this.bytes[this.at] === 0x2e) {
      this.at++
      this.#digits()
    }
    const exponent = this.bytes[this.at]
    if (exponent === 0x65 || exponent === 0x45) {
      const sign = this.bytes[++this.at]
      if (sign === 0x2b || sign === 0x2d) this.at++
      this.#digits()
    }
    this.stop = this.at
  }

  boolean(): boolean {
    if (this.#take('true')) return true
    if (this.#take('false')) return false
    this.failExpected('true or false')
  }

  takeNull(): boolean {
    return this.peek() === 0x6e && this.#take('null')
  }

  /** Nothing but white space may follow. */
  finish(): void {
    if (this.peek() !== 0) this.failExpected('the end of the body')
  }

  /** Reads over a value of any form, however deep up to SKIPPED_DEPTH_MAX, without recursion. */
  skip(): void {
    const lists: boolean[] = []
    for (;;) {
      let opened = false
      const byte = this.peek()
      if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (lists.length === SKIPPED_DEPTH_MAX) this.fail('value of an unknown key is nested too deeply')
        opened = this.#open(byte === OPEN_LIST ? CLOSE_LIST : CLOSE_OBJECT)
        if (opened) lists.push(byte === OPEN_LIST)
      } else this.#skipPlain(byte)
      while (!opened && lists.length > 0 && !(lists.at(-1) ? this.moreElements() : this.moreMembers())) lists.pop()
      if (lists.length === 0) return
      if (!lists.at(-1)) this.name()
    }
  }

  #skipPlain(byte: number): void {
    if (byte === QUOTE) this.string()
    else if (byte === 0x2d || isDigit(byte)) this.number()
    else if (!this.#take('true') && !this.#take('false') && !this.#take('null')) this.failExpected('a value')
  }

  /** Behind the opening bracket: false if the closing one follows at once. */
  #open(close: number): boolean {
    this.at++
    if (this.peek() !== close) return true
    this.at++
    return false
  }

  #more(close: number, expected: string): boolean {
    const byte = this.peek()
    if (byte !== COMMA && byte !== close) this.failExpected(expected)
    this.at++
    return byte === COMMA
  }

  #digits(): void {
    if (!isDigit(this.bytes[this.at] ?? 0)) this.failExpected('a digit')
    while (isDigit(this.bytes[this.at] ?? 0)) this.at++
  }

  #take(word: string): boolean {
    this.peek()
    for (let letter = 0; letter < word.length; letter++) {
      if (this.bytes[this.at + letter] !== word.charCodeAt(letter)) return false
    }
    this.at += word.length
    return true
  }

  #found(): string {
    const byte = this.peek()
    if (byte === 0) return 'the end of the body'
    if (byte === QUOTE) return 'a string'
    if (byte === OPEN_OBJECT) return 'an object'
    if (byte === OPEN_LIST) return 'a list'
    if (byte === 0x2d || isDigit(byte)) return 'a number'
    if (byte === 0x74 || byte === 0x66) return 'true or false'
    return byte === 0x6e ? 'null' : 'another character'
  }
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}
