/** The resources and scopes of a batch, as far as labels need them. */
import { decode } from '../../otlp/codec.ts'
import type { Batches } from '../../telemetry/batch.ts'
import { hashText } from '../../telemetry/hash.ts'
import { RESOURCE, SCOPE } from '../../telemetry/layout.ts'
import type { Resource, Scope } from './points/point.ts'
import { IDENTITY, targetLabels } from './series_labels.ts'

/** Labels that a scope gives to each of its points, with those of the resource: a series with more is far too long. */
export const SHARED_LABELS_MAX = 1024

interface Known {
  readonly resource: Resource
  /** Text of `target_info`. */
  readonly target: string | undefined
}

/** Reads a resource once while its scopes, which may be very many, are asked for in order. */
export class BatchLabels {
  readonly #batch: Batches['metrics']
  readonly #utf8: boolean
  #row = -1
  #known: Known = { resource: {}, target: undefined }

  constructor(batch: Batches['metrics'], utf8: boolean) {
    this.#batch = batch
    this.#utf8 = utf8
  }

  of(row: number): Known {
    if (row === this.#row) return this.#known
    const { bytes, layout } = this.#batch
    const resource: Resource = decodeHead('Resource', bytes, layout.resources, row * RESOURCE.width)
    this.#row = row
    this.#known = { resource: short(resource), target: targetLabels(resource, this.#utf8) }
    return this.#known
  }
}

/** The Resource or InstrumentationScope of a group; empty if it has none. */
export function decodeHead<T extends Resource | Scope>(
  name: 'Resource' | 'Scope',
  bytes: Buffer,
  rows: Int32Array,
  at: number,
): T {
  const start = rows[at + RESOURCE.headStart]!
  return (start < 0 ? {} : decode(name, bytes, start, rows[at + RESOURCE.headEnd]!)) as unknown as T
}

/** A number for the resource and the scope of a group; `isHere`: this process itself made what is in it. */
export function senderOf({ bytes, layout }: Batches['metrics'], row: number, isHere: boolean): number {
  const { resources, scopes } = layout
  const at = scopes[row + SCOPE.resource]! * RESOURCE.width
  const resource = hashHead(bytes, resources, at, isHere ? 1 : 0)
  return hashHead(bytes, scopes, row, resource)
}

function hashHead(bytes: Buffer, rows: Int32Array, at: number, seed: number): number {
  return hashText(bytes, rows[at + RESOURCE.headStart]!, rows[at + RESOURCE.headEnd]!, seed)
}

/** Enough of its attributes to tell whose it is, and that they are too many. */
function short({ attributes = [] }: Resource): Resource {
  if (attributes.length <= SHARED_LABELS_MAX) return { attributes }
  const identity = IDENTITY.map((name) => attributes.find(({ key }) => key === name))
  return {
    attributes: [...identity.filter((one) => one !== undefined), ...attributes.slice(0, SHARED_LABELS_MAX + 1)],
  }
}
