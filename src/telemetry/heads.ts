/**
 * Heads: everything of a resource group and a scope group but the items. Items that are kept apart from their request
 * (in a sampler) keep a reference to a shared head; a batch is built again from heads and items.
 */
import { Output, varintSize, writeVarint } from '../otlp/output.ts'
import { type AnyBatch, type Batches, type Signal, trusted } from './batch.ts'
import { ITEM, type Layout, RESOURCE, SCOPE } from './layout.ts'

/** The bytes of one pair of groups without their items, ready to be written. */
export interface Head {
  readonly id: number
  readonly key: string
  /** The caller's number for whom the items belong to: equal groups of different owners have different heads. */
  readonly owner: number
  /** Fields of the ResourceSpans (or its like) but its scope groups: the same Buffer in all heads of these `Heads`. */
  readonly resource: Buffer
  /** Fields of the ScopeSpans (or its like) but its items. */
  readonly scope: Buffer
  /** Items that refer to it; at 0 it is forgotten. */
  references: number
}

/** What a head costs beside its bytes and its key: two objects and their places in two tables. */
const HEAD_BYTES = 256
/** A resource's bytes are there once, however many scopes it has. */
interface SharedResource {
  readonly id: number
  readonly key: string
  readonly bytes: Buffer
  /** Heads that have it. */
  heads: number
}

/** The heads in use, each once: a sender's requests all have the same few. */
export class Heads {
  /** Memory for all heads, nearly. */
  size_bytes = 0
  readonly #byKey = new Map<string, Head>()
  readonly #resources = new Map<string, SharedResource>()
  #resourcesMade = 0
  readonly #byId: (Head | undefined)[] = []
  readonly #resourceById: (SharedResource | undefined)[] = []
  readonly #free: number[] = []
  readonly #out = new Output(1024)
  /** Of the scope group that was asked for last: a resource may have very many of them. */
  #layout: Layout | undefined
  #row = -1
  #resource: SharedResource | undefined

  /** How many different heads are in use. */
  get count(): number {
    return this.#byKey.size
  }

  /** The head of a scope group of the batch. Its reference count is the caller's to raise. */
  obtain(batch: AnyBatch, scope: number, owner = 0): Head {
    const resource = this.#resourceOf(batch, scope)
    this.#copyWithoutItems(batch, scope)
    const key = `${owner} ${resource.id} ${this.#out.bytes.toString('latin1', 0, this.#out.end)}`
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const id = this.#free.pop() ?? this.#byId.length
    const head: Head = { id, key, owner, resource: resource.bytes, scope: this.#out.take(), references: 0 }
    this.size_bytes += sizeOf(head)
    this.#share(resource)
    this.#byKey.set(key, head)
    this.#byId[id] = head
    this.#resourceById[id] = resource
    return head
  }

  /** The batch that was asked about last is over: nothing of it is needed any more. */
  forgetBatch(): void {
    this.#layout = this.#resource = undefined
    this.#out.reset()
  }

  byId(id: number): Head {
    return this.#byId[id]!
  }

  release(head: Head): void {
    if (--head.references > 0) return
    this.size_bytes -= sizeOf(head)
    this.#byKey.delete(head.key)
    this.#unshare(this.#resourceById[head.id]!)
    this.#byId[head.id] = this.#resourceById[head.id] = undefined
    this.#free.push(head.id)
  }

  #share(resource: SharedResource): void {
    if (resource.heads++ > 0) return
    this.#resources.set(resource.key, resource)
    this.size_bytes += resource.key.length + resource.bytes.length
  }

  #unshare(resource: SharedResource): void {
    if (--resource.heads > 0) return
    this.#resources.delete(resource.key)
    this.size_bytes -= resource.key.length + resource.bytes.length
    if (this.#resource === resource) this.#resource = undefined
  }

  #resourceOf(batch: AnyBatch, scope: number): SharedResource {
    const row = batch.layout.scopes[scope * SCOPE.width + SCOPE.resource]!
    if (batch.layout === this.#layout && row === this.#row && this.#resource !== undefined) return this.#resource
    this.#copyResource(batch, scope, row)
    const key = this.#out.bytes.toString('latin1', 0, this.#out.end)
    this.#layout = batch.layout
    this.#row = row
    this.#resource = this.#resources.get(key) ?? { id: this.#resourcesMade++, key, bytes: this.#out.take(), heads: 0 }
    return this.#resource
  }

  /** Leaves the fields of the scope's resource group in `#out`. Its scope groups stand together in the layout. */
  #copyResource(batch: AnyBatch, scope: number, resource: number): void {
    const { resources, scopes } = batch.layout
    const isOurs = (row: number) => scopes[row * SCOPE.width + SCOPE.resource] === resource
    let row = scope
    while (row > 0 && isOurs(row - 1)) row--
    this.#out.reset()
    let at = resources[resource * RESOURCE.width + RESOURCE.start]!
    for (; row * SCOPE.width < scopes.length && isOurs(row); row++) {
      this.#out.copy(batch.bytes, at, scopes[row * SCOPE.width]!)
      at = scopes[row * SCOPE.width + SCOPE.end]!
    }
    this.#out.copy(batch.bytes, at, resources[resource * RESOURCE.width + RESOURCE.end]!)
  }

  #copyWithoutItems(batch: AnyBatch, scope: number): void {
    const { scopes, itemRows } = batch.layout
    this.#out.reset()
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

function sizeOf({ key, scope }: Head): number {
  return HEAD_BYTES + key.length + scope.length
}

/** What a group's memory begins with: there may be a group for each item. */
const GROUP_BYTES = 512

/** Builds one batch of items that belong to different heads. */
export class BatchBuilder {
  readonly #groups = new Map<Head, Output>()
  /** That of the largest group so far, to be written to again: memory that is new costs more than what is written to it. */
  #spare: Output | undefined

  /** Where the content of the next item of that head is to be written, between `open(2)` and `close`. */
  group(head: Head): Output {
    let out = this.#groups.get(head)
    if (out !== undefined) return out
    out = this.#spare ?? new Output(GROUP_BYTES)
    this.#spare = undefined
    this.#groups.set(head, out)
    return out
  }

  /** The batch, and the builder is empty again. A resource stands in it once, with all its scopes. */
  build<S extends Signal>(signal: S): Batches[S] {
    const parts: Buffer[] = []
    const byResource = Map.groupBy(this.#groups, ([{ resource }]) => resource)
    for (const [resource, groups] of byResource) {
      const scopeSizes = groups.map(([head, items]) => head.scope.length + items.end)
      const scopes_bytes = scopeSizes.reduce((total, size) => total + 1 + varintSize(size) + size, 0)
      parts.push(prefix(0x0a, resource.length + scopes_bytes), resource)
      for (const [at, [head, items]] of groups.entries()) {
        parts.push(prefix(0x12, scopeSizes[at]!), head.scope, items.bytes.subarray(0, items.end))
      }
    }
    const bytes = Buffer.concat(parts)
    for (const out of this.#groups.values()) if (out.bytes.length > (this.#spare?.bytes.length ?? 0)) this.#spare = out
    this.#spare?.reset()
    this.#groups.clear()
    return trusted(signal, bytes)
  }
}

function prefix(tag: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(1 + varintSize(size))
  bytes[0] = tag
  writeVarint(bytes, 1, size)
  return bytes
}
