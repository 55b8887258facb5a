/** From a body to a batch, on the event loop or, as a large body would keep it for too long, in the worker thread. */
import { jsonToProtobuf } from '../../otlp/json_to_protobuf.ts'
import { LimitError, type RequestLimits } from '../../otlp/limits.ts'
import { WireError } from '../../otlp/wire_error.ts'
import type { Aside } from '../../self/aside.ts'
import { Batch, type Batches, type Signal } from '../../telemetry/batch.ts'
import { receive } from '../../telemetry/receive.ts'
import { stripSluice } from '../../telemetry/rewriting/strip.ts'
import { requestMessage } from '../../telemetry/signal.ts'
import type { BodyProblem, Walked } from './walked.ts'

/** JSON takes ten times as long as protobuf, which takes up to 3 ms a MiB. */
export const LONG_JSON_BYTES = 1 << 20
export const LONG_PROTOBUF_BYTES = 8 << 20

const module = new URL('./door_aside.ts', import.meta.url)

export interface Opened<S extends Signal> {
  readonly batch: Batches[S]
  /** Attributes named `sluice.*` that were taken out. */
  readonly stripped: number
}

export function isLongBody(body: Buffer, isJson: boolean): boolean {
  return body.length >= (isJson ? LONG_JSON_BYTES : LONG_PROTOBUF_BYTES)
}

/** How a body is to be read. Plain data. */
export interface DoorSettings<S extends Signal = Signal> {
  readonly signal: S
  readonly isJson: boolean
  readonly trustsSluice: boolean
  readonly limits: RequestLimits
}

/** Throws WireError. */
export function open<S extends Signal>(body: Buffer, settings: DoorSettings<S>): Opened<S> {
  const { signal, isJson, trustsSluice, limits } = settings
  const bytes = isJson ? jsonToProtobuf(requestMessage[signal], body, limits) : body
  const { batch, sluiceAttributes } = receive(signal, bytes, limits)
  if (sluiceAttributes === 0 || trustsSluice) return { batch, stripped: 0 }
  return { batch: stripSluice(batch), stripped: sluiceAttributes }
}

/** As `open`, beside the event loop. Rejects with WireError, or with a Refusal if nobody waits any more. */
export async function openAside<S extends Signal>(
  aside: Aside,
  body: Buffer,
  settings: DoorSettings<S>,
  deadline_ms: number | undefined,
): Promise<Opened<S>> {
  const walked = (await aside.run({ module, bytes: body, settings, deadline_ms })) as Walked
  if ('problem' in walked) throw errorOf(walked)
  const { bytes: changed, layout, stripped } = walked
  const bytes = changed === undefined ? body : Buffer.from(changed.buffer, changed.byteOffset, changed.length)
  return { batch: new Batch(settings.signal, bytes, layout) as unknown as Batches[S], stripped }
}

/** What the thread threw: errors do not cross as what they were. */
function errorOf({ problem, offset, limit }: BodyProblem): WireError {
  if (limit === undefined) return new WireError(problem, offset)
  return Object.assign(new LimitError(limit.name, limit.max, offset), { message: problem })
}
