/** Resources and scopes of a batch: what of them is metadata of every line, and to which stream a line goes. */
import { next, readLength, readUint32, skipValue } from '../../otlp/cursor.ts'
import { Output } from '../../otlp/output.ts'
import * as values from '../../telemetry/any_value.ts'
import { ATTRIBUTE, Attributes } from '../../telemetry/attributes.ts'
import type { LogBatch } from '../../telemetry/batch.ts'
import { RESOURCE, SCOPE } from '../../telemetry/layout.ts'
import type { LabelSets, StreamsInUse } from './label_sets.ts'
import type { LineMetadata, StreamLabels } from './lines/line_metadata.ts'
import { writeValue } from './lines/value_text.ts'

/** Lines of a stream in a request. */
export interface Stream extends StreamLabels {
  /** As Loki writes them: `{name="value", …}`. */
  readonly labels: string
  /** Numbers of the lines. */
  readonly rows: number[]
  isSorted: boolean
}

/** Where a line goes. */
export interface Target {
  readonly stream: Stream
  /** There are too many label sets: what would be a label is metadata. */
  readonly isOverflow: boolean
}

/** Resource.attributes; InstrumentationScope.name, .version, .attributes (opentelemetry-proto). */
const RESOURCE_ATTRIBUTES = 0x0a
const SCOPE_NAME = 0x0a
const SCOPE_VERSION = 0x12
const SCOPE_ATTRIBUTES = 0x1a

/** With both, a service has a stream of its own even when there are too many label sets. */
const SERVICE_SHARE = 2

export class StreamTargets {
  /** Label values cut since `begin`. */
  cutLabels = 0
  readonly #labels: LabelSets
  readonly #inUse: StreamsInUse
  readonly #metadata: LineMetadata
  readonly #valueBytesMax: number
  readonly #attributes = new Attributes()
  readonly #text = new Output(256)
  #resource = -1
  #resourceValues: string[] = []
  #resourceTarget: Target | undefined
  #streams = new Map<string, Stream>()
  /** By the labels that a line should have. */
  #targets = new Map<string, Target>()

  constructor(labels: LabelSets, inUse: StreamsInUse, metadata: LineMetadata, value_bytes_max: number) {
    this.#labels = labels
    this.#inUse = inUse
    this.#metadata = metadata
    this.#valueBytesMax = value_bytes_max
  }

  begin(): void {
    this.#resource = -1
    this.cutLabels = 0
    this.#streams = new Map()
    this.#targets = new Map()
  }

  /** Streams with lines. */
  streams(): Stream[] {
    return [...this.#streams.values()]
  }

  /** Moves to a scope group, and to its resource group if that is another one. */
  read({ bytes, layout: { resources, scopes } }: LogBatch, scope: number): void {
    const row = scope * SCOPE.width
    const resource = scopes[row + SCOPE.resource]!
    if (resource !== this.#resource) {
      this.#resource = resource
      const at = resource * RESOURCE.width
      this.#readResource(bytes, resources[at + RESOURCE.headStart]!, resources[at + RESOURCE.headEnd]!)
    }
    this.#metadata.beginScope()
    this.#readScope(bytes, scopes[row + SCOPE.headStart]!, scopes[row + SCOPE.headEnd]!)
    this.#metadata.endScope()
  }

  #readResource(bytes: Buffer, start: number, end: number): void {
    this.#metadata.beginResource()
    this.#resourceValues = this.#labels.blank()
    this.#resourceTarget = undefined
    this.#attributes.clear()
    forEachField(bytes, start, end, (tag, at, from, to) => {
      if (tag === RESOURCE_ATTRIBUTES) this.#attributes.add(bytes, at, from, to)
    })
    const { resourceKeys, resourceSlots } = this.#labels
    const taken = new Set<number>()
    this.#addAll(this.#attributes, (keyStart, keyEnd, valueStart, valueEnd) => {
      const key = resourceKeys.find(bytes, keyStart, keyEnd)
      if (key < 0 || taken.has(key)) return false
      taken.add(key)
      return this.#setLabel(this.#resourceValues, resourceSlots[key]!, bytes, valueStart, valueEnd)
    })
    this.#metadata.endResource()
  }

  #readScope(bytes: Buffer, start: number, end: number): void {
    const metadata = this.#metadata
    this.#attributes.clear()
    forEachField(bytes, start, end, (tag, at, from, to) => {
      if (tag === SCOPE_NAME) metadata.addRange(metadata.names.of('scope_name'), from, to)
      else if (tag === SCOPE_VERSION) metadata.addRange(metadata.names.of('scope_version'), from, to)
      else if (tag === SCOPE_ATTRIBUTES) this.#attributes.add(bytes, at, from, to)
    })
    this.#addAll(this.#attributes)
  }

  /** Adds the attributes of a record to the metadata, and says where its line goes. */
  addAttributes(bytes: Buffer, attributes: Attributes): Target {
    const { attributeKeys, attributeSlots } = this.#labels
    if (attributeSlots.length === 0) {
      this.#addAll(attributes)
      return (this.#resourceTarget ??= this.#targetFor(this.#resourceValues))
    }
    const own = [...this.#resourceValues]
    this.#addAll(attributes, (keyStart, keyEnd, valueStart, valueEnd) => {
      const key = attributeKeys.find(bytes, keyStart, keyEnd)
      const slot = key < 0 ? -1 : attributeSlots[key]!
      return slot >= 0 && own[slot] === '' && this.#setLabel(own, slot, bytes, valueStart, valueEnd)
    })
    return this.#targetFor(own)
  }

  #addAll(
    { rows, count }: Attributes,
    takeLabel?: (keyStart: number, keyEnd: number, valueStart: number, valueEnd: number) => boolean,
  ): void {
    for (let at = 0; at < count * ATTRIBUTE.width; at += ATTRIBUTE.width) {
      const keyStart = rows[at + ATTRIBUTE.keyStart]!
      const keyEnd = rows[at + ATTRIBUTE.keyEnd]!
      const valueStart = rows[at + ATTRIBUTE.valueStart]!
      const valueEnd = rows[at + ATTRIBUTE.valueEnd]!
      const isLabel = takeLabel?.(keyStart, keyEnd, valueStart, valueEnd) ?? false
      this.#metadata.addAttribute(keyStart, keyEnd, valueStart, valueEnd, isLabel)
    }
  }

  /** Takes a plain value as a label. True if the label says all of it. */
  #setLabel(labels: string[], slot: number, bytes: Buffer, start: number, end: number): boolean {
    const kind = values.valueKind(bytes, start, end)
    if (kind === values.EMPTY || kind === values.ARRAY || kind === values.KVLIST) return false
    const text = this.#text
    text.reset()
    writeValue(bytes, start, end, text)
    if (text.end === 0) return false
    let cut = Math.min(text.end, this.#valueBytesMax)
    while (cut < text.end && cut > 0 && (text.bytes[cut]! & 0xc0) === 0x80) cut--
    labels[slot] = text.bytes.toString('utf8', 0, cut)
    if (cut < text.end) this.cutLabels++
    return cut === text.end
  }

  #targetFor(wanted: readonly string[]): Target {
    const text = this.#labels.text(wanted)
    const known = this.#targets.get(text)
    if (known !== undefined) return known
    const target = this.#inUse.admit(text)
      ? { stream: this.#streamOf(text, wanted), isOverflow: false }
      : { stream: this.#overflowStream(wanted), isOverflow: true }
    this.#targets.set(text, target)
    return target
  }

  #overflowStream(wanted: readonly string[]): Stream {
    const service = this.#labels.reduced(wanted, true)
    const text = this.#labels.text(service)
    if (this.#inUse.admit(text, SERVICE_SHARE)) return this.#streamOf(text, service)
    const none = this.#labels.reduced(wanted, false)
    return this.#streamOf(this.#labels.text(none), none)
  }

  #streamOf(labels: string, of: readonly string[]): Stream {
    const known = this.#streams.get(labels)
    if (known !== undefined) return known
    const stream = {
      labels,
      names: this.#labels.names.filter((_, slot) => of[slot] !== '').map((name) => this.#metadata.names.of(name)),
      values: of.filter((value) => value !== '').map((value) => Buffer.from(value)),
      rows: [],
      isSorted: true,
    }
    this.#streams.set(labels, stream)
    return stream
  }
}

/** Calls with the tag, its offset and the content's range of every length-delimited field in [start, end). */
function forEachField(
  bytes: Buffer,
  start: number,
  end: number,
  use: (tag: number, at: number, from: number, to: number) => void,
): void {
  for (let at = start; at < end; ) {
    const tag = readUint32(bytes, at, end)
    const content = next
    if ((tag & 7) !== 2) {
      at = skipValue(tag & 7, bytes, content, end)
      continue
    }
    const behind = readLength(bytes, content, end) + next
    use(tag, at, next, behind)
    at = behind
  }
}
