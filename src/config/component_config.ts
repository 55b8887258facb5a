import type { Factory } from '../component.ts'
import type { Kind } from './declared.ts'

/** One configured component. */
export interface ComponentConfig {
  readonly kind: Kind
  /** `type` or `type/name`, as written. */
  readonly id: string
  /** The type as written. */
  readonly type: string
  /** The factory's type; another than `type` where an older name was written. */
  readonly canonicalType: string
  /** What follows the slash; empty without one. */
  readonly name: string
  readonly factory: Factory
  /** Parsed by the factory's schema. */
  readonly config: unknown
  /** What the schema was given: substituted, without defaults. Holds secrets. */
  readonly input: unknown
  /** What it was given of `service.steps`, if it takes steps. */
  readonly steps?: Readonly<Record<string, number>>
  /** What it was given of other components' content keys, if it takes them. */
  readonly contentKeys?: unknown
  /** The older name that was written for the type. */
  readonly aliasUsed?: string | undefined
}
