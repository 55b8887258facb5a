/** Which process a span is from: a number for what its resource says, equal in every batch from that process. */
import type { LogBatch, TraceBatch } from '../telemetry/batch.ts'
import { textId } from '../telemetry/hash.ts'
import { RESOURCE, SCOPE } from '../telemetry/layout.ts'

/** The resources of one batch after another. One instance serves one component. */
export class ResourceHashes {
  #batch: TraceBatch | LogBatch | undefined
  #resource = -1
  #hash = 0

  /** For the spans of scope group `scope`; 0 where the resource says nothing. */
  of(batch: TraceBatch | LogBatch, scope: number): number {
    const resource = batch.layout.scopes[scope * SCOPE.width + SCOPE.resource]!
    if (batch === this.#batch && resource === this.#resource) return this.#hash
    this.#batch = batch
    this.#resource = resource
    const row = resource * RESOURCE.width
    this.#hash = textId(
      batch.bytes,
      batch.layout.resources[row + RESOURCE.headStart]!,
      batch.layout.resources[row + RESOURCE.headEnd]!,
    )
    return this.#hash
  }

  /** Lets go of the last batch. */
  forget(): void {
    this.#batch = undefined
  }
}
