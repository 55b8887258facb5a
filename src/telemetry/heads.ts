/**
 * Heads: everything of a resource group and a scope group but the items. Items that are kept apart from their request
 * (in a sampler) keep a reference to a shared head; a batch is built again from heads and items.
 */
import { Output, varintSize, writeVarint } from '../otlp/output.ts'
import { type AnyBatch, type Batches, type Signal, trusted } from './batch.ts'
import { ITEM, RESOURCE, SCOPE } from './layout.ts'

/** The bytes of one pair of groups without their items, ready to be written. */
export interface Head {
  readonly id: number
  readonly key: string
  /** Fields of the ResourceSpans (or its like) but its scope groups. */
  readonly resource: Buffer
  /** Fields of the ScopeSpans (or its like) but its items. */
  readonly scope: Buffer
  /** Items that refer to it; at 0 it is forgotten. */
  references: number
}

/** The heads in use, each once: a sender's requests all have the same few. */
export class Heads {
  readonly #byKey = new Map<string, Head>()
  readonly #byId: (Head | undefined)[] = []
  readonly #free: number[] = []
  readonly #out = new Output(1024)

  /** How many different heads are in use. */
  get count(): number {
    return this.#byKey.size
  }

  /** The head of a scope group of the batch. Its reference count is the caller's to raise. */
  obtain(batch: AnyBatch, scope: number): Head {
    const { resources, scopes } = batch.layout
    const resourceAt = scopes[scope * SCOPE.width + SCOPE.resource]! * RESOURCE.width
    this.#out.reset()
    this.#copyWithoutGroups(
      batch,
      scopes,
      SCOPE.width,
      resources[resourceAt + 1]!,
      resources[resourceAt + 2]!,
      resourceAt / RESOURCE.width,
    )
    const split = this.#out.end
    this.#copyWithoutItems(batch, scope)
    const key = `${split} ${this.#out.bytes.toString('latin1', 0, this.#out.end)}`
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const bytes = this.#out.take()
    const id = this.#free.pop() ?? this.#byId.length
    const head: Head = { id, key, resource: bytes.subarray(0, split), scope: bytes.subarray(split), references: 0 }
    this.#byKey.set(key, head)
    this.#byId[id] = head
    return head
  }

  byId(id: number): Head {
    return this.#byId[id]!
  }

  release(head: Head): void {
    if (--head.references > 0) return
    this.#byKey.delete(head.key)
    this.#byId[head.id] = undefined
    this.#free.push(head.id)
  }

  #copyWithoutGroups(
    batch: AnyBatch,
    scopes: Int32Array,
    width: number,
    start: number,
    end: number,
    resource: number,
  ): void {
    let at = start
    for (let row = 0; row < scopes.length; row += width) {
      if (scopes[row + SCOPE.resource] !== resource) continue
      this.#out.copy(batch.bytes, at, scopes[row]!)
      at = scopes[row + SCOPE.end]!
    }
    this.#out.copy(batch.bytes, at, end)
  }

  #copyWithoutItems(batch: AnyBatch, scope: number): void {
    const { scopes, itemRows } = batch.layout
    const row = scope * SCOPE.width
    const first = scopes[row + SCOPE.firstItem]!
    let at = scopes[row + SCOPE.start]!
    for (let item = first; item < first + scopes[row + SCOPE.itemCount]!; item++) {
      this.#out.copy(batch.bytes, at, itemRows[item * ITEM.width]!)
      at = itemRows[item * ITEM.width + ITEM.end]!
    }
    this.#out.copy(batch.bytes, at, scopes[row + SCOPE.end]!)
  }
}

/** Builds one batch of items that belong to different heads. */
export class BatchBuilder {
  readonly #groups = new Map<Head, Output>()
  items = 0
  size_bytes = 0

  /** Where the content of the next item of that head is to be written, between `open(2)` and `close`. */
  group(head: Head): Output {
    let out = this.#groups.get(head)
    if (out === undefined) this.#groups.set(head, (out = new Output(4096)))
    return out
  }

  /** The batch, and the builder is empty again. */
  build<S extends Signal>(signal: S): Batches[S] {
    const parts: Buffer[] = []
    for (const [head, items] of this.#groups) {
      const scopeSize = head.scope.length + items.end
      const resourceSize = head.resource.length + 1 + varintSize(scopeSize) + scopeSize
      parts.push(
        prefix(0x0a, resourceSize),
        head.resource,
        prefix(0x12, scopeSize),
        head.scope,
        items.bytes.subarray(0, items.end),
      )
    }
    const bytes = Buffer.concat(parts)
    this.#groups.clear()
    this.items = this.size_bytes = 0
    return trusted(signal, bytes)
  }
}

function prefix(tag: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(1 + varintSize(size))
  bytes[0] = tag
  writeVarint(bytes, 1, size)
  return bytes
}
