/**
 * Finding a few values in a JSON text without parsing it: one pass over the bytes, no objects, no strings. Python's way
 * of printing objects (single quotes, `None`) is read as well, since some emitters send that.
 */
import { KeySet } from '../telemetry/key_set.ts'

/** As much of a text as is looked at, in bytes, unless it is said. */
const TEXT_MAX = 64 * 1024
const NONE = -1

interface Node {
  readonly names: KeySet
  readonly children: readonly Node[]
  /** Below any key that is not among the names. */
  readonly other: Node | undefined
  /** Position among the paths, NONE for a node that only leads on; and of the path to all that stands there. */
  readonly path: number
  readonly whole: number
}

export class JsonPlaces {
  /** Where each path's value stands after `read`, without quotes; a start of -1 where there is none. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly #root: Node
  readonly #text_bytes_max: number
  #bytes: Uint8Array = new Uint8Array()
  #end = 0
  #left = 0

  /** Paths as `dialect.ts` has them. Texts without escapes, numbers and words are found; objects and lists only as a whole. */
  constructor(paths: readonly string[], text_bytes_max = TEXT_MAX) {
    this.#text_bytes_max = text_bytes_max
    this.starts = new Int32Array(paths.length)
    this.ends = new Int32Array(paths.length)
    this.#root = nodeOf(paths.map((path, at) => ({ keys: path.split('.'), at })))
  }

  /** Looks the paths up in the text in [start, end). What is no JSON, or no more where it was cut, has no values. */
  read(bytes: Uint8Array, start: number, end: number): void {
    this.starts.fill(NONE)
    this.#bytes = bytes
    this.#end = Math.min(end, start + this.#text_bytes_max)
    this.#left = this.starts.length
    this.#value(this.#root, this.#space(start))
  }

  /** Reads a value that may be wanted; returns the position behind it. Each call is a step down the paths. */
  #value(node: Node, at: number): number {
    const byte = this.#bytes[at]
    if (node.whole !== NONE) this.#takeWhole(node.whole, at)
    if (byte === OPEN_OBJECT && at < this.#end) return this.#object(node, at + 1)
    if (byte === OPEN_LIST && at < this.#end) return this.#list(node, at + 1)
    const behind = this.#skip(at)
    if (node.path !== NONE && behind <= this.#end) this.#take(node.path, at, behind)
    return behind
  }

  #object(node: Node, from: number): number {
    const bytes = this.#bytes
    for (let at = this.#space(from); at < this.#end && this.#left > 0; at = this.#space(at)) {
      if (bytes[at] === CLOSE_OBJECT) return at + 1
      if (bytes[at] === COMMA) {
        at++
        continue
      }
      if (!isQuote(bytes[at]!)) return this.#end
      const behind = this.#skip(at)
      const child = node.names.find(bytes, at + 1, behind - 1)
      at = this.#space(behind)
      if (bytes[at] !== COLON) return this.#end
      at = this.#space(at + 1)
      const next = child < 0 ? node.other : node.children[child]
      at = next === undefined ? this.#skip(at) : this.#value(next, at)
    }
    return this.#end
  }

  #list(node: Node, from: number): number {
    const bytes = this.#bytes
    let item = 0
    for (let at = this.#space(from); at < this.#end && this.#left > 0; at = this.#space(at)) {
      if (bytes[at] === CLOSE_LIST) return at + 1
      if (bytes[at] === COMMA) {
        at++
        item++
        continue
      }
      const child = item < DIGITS.length ? node.names.find(DIGITS, item, item + 1) : NONE
      at = child < 0 ? this.#skip(at) : this.#value(node.children[child]!, at)
    }
    return this.#end
  }

  #take(path: number, start: number, end: number): void {
    const isText = isQuote(this.#bytes[start]!)
    if (isText && this.#hasEscape(start, end)) return
    if (this.starts[path] === NONE) this.#left--
    this.starts[path] = isText ? start + 1 : start
    this.ends[path] = isText ? end - 1 : end
  }

  #takeWhole(path: number, start: number): void {
    const behind = this.#skip(start)
    if (behind > this.#end) return
    if (this.starts[path] === NONE) this.#left--
    this.starts[path] = start
    this.ends[path] = behind
  }

  #hasEscape(start: number, end: number): boolean {
    for (let at = start; at < end; at++) if (this.#bytes[at] === BACKSLASH) return true
    return false
  }

  /** The position behind the value at `at`, whatever it holds; beyond the end if it was cut. Always moves on. */
  #skip(at: number): number {
    if (at >= this.#end) return this.#end + 1
    const byte = this.#bytes[at]!
    if (isQuote(byte)) return this.#behindText(at)
    return isOpening(byte) ? this.#behindNested(at) : this.#behindWord(at)
  }

  #behindNested(at: number): number {
    const bytes = this.#bytes
    for (let depth = 0; at < this.#end; ) {
      const byte = bytes[at]!
      if (isQuote(byte)) at = this.#behindText(at)
      else {
        at++
        if (isOpening(byte)) depth++
        else if (isClosing(byte) && --depth === 0) return at
      }
    }
    return this.#end + 1
  }

  #behindWord(from: number): number {
    const bytes = this.#bytes
    for (let at = from; at < this.#end; at++) {
      const byte = bytes[at]!
      if (isOpening(byte)) return this.#behindNested(at)
      if (byte === COMMA || byte === COLON || isClosing(byte) || isSpace(byte)) return Math.max(at, from + 1)
    }
    return this.#end + 1
  }

  #behindText(at: number): number {
    const quote = this.#bytes[at]
    for (at++; at < this.#end; at++) {
      if (this.#bytes[at] === BACKSLASH) at++
      else if (this.#bytes[at] === quote) return at + 1
    }
    return this.#end + 1
  }

  #space(at: number): number {
    while (at < this.#end && isSpace(this.#bytes[at]!)) at++
    return at
  }
}

const DIGITS = Buffer.from('0123456789')
const BACKSLASH = 92
const COMMA = 44
const COLON = 58
const OPEN_OBJECT = 123
const CLOSE_OBJECT = 125
const OPEN_LIST = 91
const CLOSE_LIST = 93

function isQuote(byte: number): boolean {
  return byte === 34 || byte === 39
}

/** Parentheses too: Python prints `Name(field='a, b')`. */
function isOpening(byte: number): boolean {
  return byte === OPEN_OBJECT || byte === OPEN_LIST || byte === 40
}

function isClosing(byte: number): boolean {
  return byte === CLOSE_OBJECT || byte === CLOSE_LIST || byte === 41
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9
}

/** In a path: whatever the key. */
const ANY = '*'

/** Of the ends of all paths, which are most nodes. */
const NO_NAMES = new KeySet([])

interface Path {
  readonly keys: readonly string[]
  readonly at: number
}

function nodeOf(paths: readonly Path[]): Node {
  const ofAny = paths.filter(({ keys }) => keys[0] === ANY)
  const byFirst = Map.groupBy(
    paths.filter(({ keys }) => keys.length > 0 && keys[0] !== '' && keys[0] !== ANY),
    ({ keys }) => keys[0]!,
  )
  const children = [...byFirst.values()].map((below) => nodeOf([...below, ...ofAny].map(behindFirst)))
  return {
    names: children.length === 0 ? NO_NAMES : new KeySet([...byFirst.keys()]),
    children,
    other: ofAny.length === 0 ? undefined : nodeOf(ofAny.map(behindFirst)),
    path: paths.find(({ keys }) => keys.length === 0)?.at ?? NONE,
    whole: paths.find(({ keys }) => keys[0] === '')?.at ?? NONE,
  }
}

function behindFirst({ keys, at }: Path): Path {
  return { keys: keys.slice(1), at }
}
