/** From a body to a batch, on the event loop or, as a large body would keep it for too long, in the worker thread. */
import { jsonToProtobuf } from '../../otlp/json_to_protobuf.ts'
import { WireError } from '../../otlp/wire_error.ts'
import type { Aside } from '../../self/aside.ts'
import { Batch, type Batches, type Signal } from '../../telemetry/batch.ts'
import { receive } from '../../telemetry/receive.ts'
import { requestMessage } from '../../telemetry/signal.ts'
import { stripSluice } from '../../telemetry/strip.ts'
import type { Settings, Walked } from './aside_work.ts'

/** JSON takes ten times as long as protobuf, which takes up to 3 ms a MiB. */
export const LONG_JSON_BYTES = 1 << 20
export const LONG_PROTOBUF_BYTES = 8 << 20

const module = new URL('./aside_work.ts', import.meta.url)

export interface Opened<S extends Signal> {
  readonly batch: Batches[S]
  /** Attributes named `sluice.*` that were taken out. */
  readonly stripped: number
}

export function isLongBody(body: Buffer, isJson: boolean): boolean {
  return body.length >= (isJson ? LONG_JSON_BYTES : LONG_PROTOBUF_BYTES)
}

/** Throws WireError. */
export function open<S extends Signal>(signal: S, body: Buffer, isJson: boolean, trustsSluice: boolean): Opened<S> {
  const bytes = isJson ? jsonToProtobuf(requestMessage[signal], body) : body
  const { batch, sluiceAttributes } = receive(signal, bytes)
  if (sluiceAttributes === 0 || trustsSluice) return { batch, stripped: 0 }
  return { batch: stripSluice(batch), stripped: sluiceAttributes }
}

/** As `open`, beside the event loop. Rejects with WireError, or with a Refusal if nobody waits any more. */
export async function openAside<S extends Signal>(
  aside: Aside,
  signal: S,
  body: Buffer,
  isJson: boolean,
  trustsSluice: boolean,
  deadline_ms: number | undefined,
): Promise<Opened<S>> {
  const settings: Settings = { signal, isJson, trustsSluice }
  const walked = (await aside.run({ module, bytes: body, settings, deadline_ms })) as Walked
  if ('problem' in walked) throw new WireError(walked.problem, walked.offset)
  const { bytes: changed, layout, stripped } = walked
  const bytes = changed === undefined ? body : Buffer.from(changed.buffer, changed.byteOffset, changed.length)
  return { batch: new Batch(signal, bytes, layout) as unknown as Batches[S], stripped }
}
