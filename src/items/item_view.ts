import { next, readInt64, readLength, readUint32, skipValue } from '../otlp/cursor.ts'
import { Attributes } from '../telemetry/attributes.ts'
import type { AnyBatch, Signal } from '../telemetry/batch.ts'
import { ITEM } from '../telemetry/layout.ts'
import { itemMessage } from '../telemetry/signal.ts'
import { fieldNumber } from './fields.ts'

/** A window on one span, log record or metric, with what conditions ask for. Ranges are -1 for what is absent. */
export class ItemView {
  /** Of a span or metric. */
  nameStart = -1
  nameEnd = -1
  /** AnyValue of a log record. */
  bodyStart = -1
  bodyEnd = -1
  severityTextStart = -1
  severityTextEnd = -1
  severityNumber = 0
  /** Of a span. */
  kind = 0
  /** Of a span or log record; those of a metric are on its data points and not here. */
  readonly attributes = new Attributes()
  readonly #tags: Readonly<Record<'name' | 'body' | 'severityText' | 'severityNumber' | 'kind' | 'attributes', number>>

  constructor(signal: Signal) {
    const tag = (name: string, wire: number) => fieldNumber(itemMessage[signal], name) * 8 + wire
    this.#tags = {
      name: tag('name', 2),
      body: tag('body', 2),
      severityText: tag('severityText', 2),
      severityNumber: tag('severityNumber', 0),
      kind: tag('kind', 0),
      attributes: tag('attributes', 2),
    }
  }

  read(batch: AnyBatch, item: number): void {
    const { bytes, layout } = batch
    const end = layout.itemRows[item * ITEM.width + ITEM.end]!
    this.nameStart = this.nameEnd = this.bodyStart = this.bodyEnd = -1
    this.severityTextStart = this.severityTextEnd = -1
    this.severityNumber = this.kind = 0
    this.attributes.clear()
    for (let at = layout.itemRows[item * ITEM.width + ITEM.start]!; at < end; ) {
      const tag = readUint32(bytes, at, end)
      const value = next
      const behind = skipValue(tag & 7, bytes, value, end)
      if ((tag & 7) === 2) this.#range(tag, bytes, at, value, behind)
      else if (tag === this.#tags.severityNumber) this.severityNumber = readInt64(bytes, value, end)
      else if (tag === this.#tags.kind) this.kind = readInt64(bytes, value, end)
      at = behind
    }
  }

  #range(tag: number, bytes: Uint8Array, at: number, value: number, end: number): void {
    readLength(bytes, value, end)
    const start = next
    if (tag === this.#tags.attributes) this.attributes.add(bytes, at, start, end)
    else if (tag === this.#tags.name) {
      this.nameStart = start
      this.nameEnd = end
    } else if (tag === this.#tags.body) {
      this.bodyStart = start
      this.bodyEnd = end
    } else if (tag === this.#tags.severityText) {
      this.severityTextStart = start
      this.severityTextEnd = end
    }
  }
}
