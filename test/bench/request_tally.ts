import { addSpan, type Checksum } from './checksum.ts'

/** What a request held. */
export interface RequestTally extends Checksum {
  spans: number
}

/**
 * Walks the framing of an ExportTraceServiceRequest in `bytes[start, end)` and adds its spans to the tally. Field order is
 * free (the Collector writes fields in descending order). Throws on framing that does not fit.
 */
export function tallySpans(bytes: Buffer, start: number, end: number, tally: RequestTally): void {
  new Scan(bytes, tally).walk(start, end, 0)
}

/** Field numbers on the way down: resource_spans, scope_spans, spans. */
const PATH = [1, 2, 2]

class Scan {
  readonly #bytes: Buffer
  readonly #tally: RequestTally
  #at = 0

  constructor(bytes: Buffer, tally: RequestTally) {
    this.#bytes = bytes
    this.#tally = tally
  }

  walk(start: number, end: number, depth: number): void {
    this.#at = start
    while (this.#at < end) {
      const tag = this.#varint()
      if (tag === PATH[depth]! * 8 + 2) {
        const length = this.#varint()
        const inner = this.#at
        if (inner + length > end) throw new Error(`message at offset ${inner} ends after its parent`)
        if (depth === 2) this.#span(inner, inner + length)
        else this.walk(inner, inner + length, depth + 1)
        this.#at = inner + length
      } else this.#skip(tag)
    }
    if (this.#at !== end) throw new Error(`message from offset ${start} does not end at ${end}`)
  }

  #span(start: number, end: number): void {
    let traceId = -1
    let spanId = -1
    this.#at = start
    while (this.#at < end && (traceId < 0 || spanId < 0)) {
      const tag = this.#varint()
      if (tag === 10 || tag === 18) {
        const length = this.#varint()
        if (length !== (tag === 10 ? 16 : 8)) throw new Error(`id at offset ${this.#at} has ${length} bytes`)
        if (tag === 10) traceId = this.#at
        else spanId = this.#at
        this.#at += length
      } else this.#skip(tag)
    }
    if (traceId < 0 || spanId < 0) throw new Error(`span at offset ${start} has no id`)
    this.#tally.spans++
    const w = (at: number) => this.#word(at)
    addSpan(this.#tally, w(traceId), w(traceId + 4), w(traceId + 8), w(traceId + 12), w(spanId), w(spanId + 4))
  }

  #word(at: number): number {
    const bytes = this.#bytes
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  }

  #skip(tag: number): void {
    const type = tag & 7
    if (type === 0) this.#varint()
    else if (type === 1) this.#at += 8
    else if (type === 2) {
      const length = this.#varint()
      this.#at += length
    } else if (type === 5) this.#at += 4
    else throw new Error(`wire type ${type} at offset ${this.#at}`)
  }

  #varint(): number {
    const bytes = this.#bytes
    let byte = bytes[this.#at++]!
    if (byte < 128) return byte
    let value = byte & 127
    for (let factor = 128; byte >= 128; factor *= 128) {
      byte = bytes[this.#at++]!
      value += (byte & 127) * factor
    }
    return value
  }
}
