/**
 * Texts of an item or a resource that somebody wants, by where they stand: the attribute of that name, a member of an attribute that
 * holds JSON (`metadata.team` in `metadata`), or an element of a list of tags (`tags.team` in `tags: ["team:search"]`).
 */
import { decode, type Message } from '../../otlp/codec.ts'
import { ARRAY, BOOL, INT, KVLIST, numberOf, STRING, textOf, textStart, valueKind } from '../../telemetry/any_value.ts'
import { ATTRIBUTE, type Attributes } from '../../telemetry/attributes.ts'
import { isEqual, KeySet } from '../../telemetry/key_set.ts'

/** Attributes whose value holds others, as JSON or as values. */
const CONTAINERS = [
  ...['metadata', 'llm.metadata', 'hidden_params', 'langfuse.trace.metadata', 'langfuse.observation.metadata'],
  ...['ai.telemetry.metadata', 'langsmith.metadata', 'mlflow.trace.metadata', 'attributes', 'litellm.metadata'],
]
/** Lists of texts like `team:search` or `team=search`. */
const TAGS = ['langfuse.trace.tags', 'langfuse.tags', 'tag.tags', 'tags', 'langsmith.span.tags', 'llm.request.tags']
/** Larger ones are not read. */
const CONTAINER_BYTES_MAX = 16 * 1024
const DEPTH_MAX = 4
/** Longer texts are no labels. */
export const WANTED_BYTES_MAX = 256

const NOTHING = Buffer.alloc(0)

/** What is looked for: one for all who want the same, since the names are many. */
class WantedKeys {
  readonly sources: readonly string[]
  /** The sources, and behind them containers that are none. */
  readonly keys: KeySet
  /** By the position of a key that is a container: members that are wanted of it. */
  readonly members = new Map<number, readonly { readonly path: string; readonly source: number }[]>()
  /** 1 for the two bytes, `first << 8 | second`, with which the name of an attribute begins that may be wanted. */
  readonly pairs = new Uint8Array(1 << 16)

  constructor(sources: readonly string[]) {
    this.sources = sources
    const containers = [...CONTAINERS, ...TAGS].filter((name) => sources.some((one) => one.startsWith(`${name}.`)))
    this.keys = new KeySet([...new Set([...sources, ...containers])])
    for (const name of containers) {
      const wanted = sources.flatMap((one, source) =>
        one.startsWith(`${name}.`) ? [{ path: one.slice(name.length + 1), source }] : [],
      )
      this.members.set(this.keys.names.indexOf(name), wanted)
    }
    for (const name of this.keys.names) this.pairs[(name.charCodeAt(0) << 8) | name.charCodeAt(1)] = 1
  }
}

/** By their sources. Configs are few. */
const known = new Map<string, WantedKeys>()

function keysOf(sources: readonly string[]): WantedKeys {
  const names = [...new Set(sources)]
  const key = names.join('\n')
  let keys = known.get(key)
  if (keys === undefined) known.set(key, (keys = new WantedKeys(names)))
  return keys
}

export class WantedTexts {
  readonly sources: readonly string[]
  /** By the position of a source: where its text is, in `bytes`; -1 without one. */
  readonly starts: Int32Array
  readonly ends: Int32Array
  readonly bytes: Uint8Array[]
  /** Positions of the sources that there are, in no order: the first `count`. */
  readonly touched: Int32Array
  count = 0
  readonly #wanted: WantedKeys
  /** The containers that were read last, by key: most spans of a trace have the same. */
  readonly #last = new Map<number, { bytes: Buffer; texts: ReadonlyMap<string, string> }>()

  constructor(sources: readonly string[]) {
    this.#wanted = keysOf(sources)
    this.sources = this.#wanted.sources
    const { length } = this.sources
    this.starts = new Int32Array(length).fill(-1)
    this.ends = new Int32Array(length)
    this.touched = new Int32Array(length)
    this.bytes = new Array<Uint8Array>(length).fill(NOTHING)
  }

  /** As `SpanView.pairs`. */
  get pairs(): Uint8Array {
    return this.#wanted.pairs
  }

  /** Reads the attributes; what was read before is gone. Returns whether there is any text. */
  read(bytes: Buffer, { rows, count }: Attributes): boolean {
    const { starts, touched } = this
    const { pairs, keys, members } = this.#wanted
    for (let at = 0; at < this.count; at++) starts[touched[at]!] = -1
    this.count = 0
    for (let row = 0, at = 0; row < count; row++, at += ATTRIBUTE.width) {
      const start = rows[at + ATTRIBUTE.keyStart]!
      if (pairs[(bytes[start]! << 8) | bytes[start + 1]!] === 0) continue
      const key = keys.find(bytes, start, rows[at + ATTRIBUTE.keyEnd]!)
      if (key < 0) continue
      const [from, to] = [rows[at + ATTRIBUTE.valueStart]!, rows[at + ATTRIBUTE.valueEnd]!]
      if (key < starts.length && starts[key] === -1) this.#direct(key, bytes, from, to)
      if (members.has(key)) this.#contained(key, bytes, from, to)
    }
    return this.count > 0
  }

  /** Nothing of a batch is needed any more. */
  forget(): void {
    for (let at = 0; at < this.count; at++) this.bytes[this.touched[at]!] = NOTHING
  }

  #direct(source: number, bytes: Buffer, start: number, end: number): void {
    const text = textStart(bytes, start, end)
    if (text >= 0) this.#set(source, bytes, text, end)
    else {
      const kind = valueKind(bytes, start, end)
      if (kind === INT || kind === BOOL) this.#setString(source, plainText(bytes, start, end))
    }
  }

  #contained(key: number, bytes: Buffer, start: number, end: number): void {
    if (end - start > CONTAINER_BYTES_MAX) return
    const { keys, members } = this.#wanted
    let last = this.#last.get(key)
    if (last === undefined || !isEqual(last.bytes, bytes, start, end)) {
      const copy = Buffer.from(bytes.subarray(start, end))
      last = { bytes: copy, texts: textsIn(copy, TAGS.includes(keys.names[key]!)) }
      this.#last.set(key, last)
    }
    for (const { path, source } of members.get(key)!) {
      const text = last.texts.get(path)
      if (text !== undefined && this.starts[source]! < 0) this.#setString(source, text)
    }
  }

  #setString(source: number, text: string): void {
    const bytes = Buffer.from(text)
    this.#set(source, bytes, 0, bytes.length)
  }

  #set(source: number, bytes: Uint8Array, start: number, end: number): void {
    if (end <= start || end - start > WANTED_BYTES_MAX || this.starts[source] !== -1) return
    this.bytes[source] = bytes
    this.starts[source] = start
    this.ends[source] = end
    this.touched[this.count++] = source
  }
}

function plainText(bytes: Buffer, start: number, end: number): string {
  if (valueKind(bytes, start, end) === INT) return String(numberOf(bytes, start, end))
  return bytes[end - 1] === 0 ? 'false' : 'true'
}

/** Texts, numbers and flags of a container, by their paths. */
function textsIn(bytes: Buffer, isTags: boolean): ReadonlyMap<string, string> {
  const value = contentOf(bytes)
  const texts = new Map<string, string>()
  if (isTags) for (const tag of Array.isArray(value) ? value : [value]) addTag(texts, tag)
  else addMembers(texts, '', value, DEPTH_MAX)
  return texts
}

function contentOf(bytes: Buffer): unknown {
  const kind = valueKind(bytes, 0, bytes.length)
  try {
    if (kind === STRING) {
      const text = textOf(bytes, 0, bytes.length) ?? ''
      return /^\s*[[{]/.test(text) ? JSON.parse(text) : text
    }
    return kind === ARRAY || kind === KVLIST ? plain(decode('AnyValue', bytes), DEPTH_MAX) : undefined
  } catch {
    return undefined
  }
}

function addTag(texts: Map<string, string>, tag: unknown): void {
  const [, name, value] = typeof tag === 'string' ? (/^([\w.-]{1,60})[:=](.+)$/.exec(tag) ?? []) : []
  if (name !== undefined && value !== undefined && !texts.has(name)) texts.set(name, value.trim())
}

function addMembers(texts: Map<string, string>, path: string, value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    if (path !== '' && ['string', 'number', 'boolean'].includes(typeof value)) texts.set(path, String(value))
    return
  }
  if (depth === 0) return
  for (const [name, inner] of Object.entries(value))
    addMembers(texts, path === '' ? name : `${path}.${name}`, inner, depth - 1)
}

/** A decoded AnyValue as plain data. */
function plain(value: Message, depth: number): unknown {
  if (depth === 0) return undefined
  const inside = (inner: Message) => plain(inner, depth - 1)
  if ('arrayValue' in value) return (((value['arrayValue'] as Message)['values'] ?? []) as Message[]).map(inside)
  if ('kvlistValue' in value) {
    const pairs = ((value['kvlistValue'] as Message)['values'] ?? []) as Message[]
    return Object.fromEntries(pairs.map((pair) => [pair['key'] as string, inside((pair['value'] ?? {}) as Message)]))
  }
  return 'intValue' in value
    ? Number(value['intValue'])
    : (value['stringValue'] ?? value['doubleValue'] ?? value['boolValue'])
}
