/** What the worker thread answers to `door.ts`: a message that was walked, or what is wrong with it. */
import type { LimitName } from '../../otlp/limits.ts'
import type { Layout } from '../../telemetry/layout.ts'

export type Walked =
  | {
      /** Undefined: those of the body. */
      readonly bytes: Uint8Array<ArrayBuffer> | undefined
      readonly layout: Layout
      readonly stripped: number
    }
  | BodyProblem

export interface BodyProblem {
  readonly problem: string
  readonly offset: number
  readonly limit: { readonly name: LimitName; readonly max: number } | undefined
}
