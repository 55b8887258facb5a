/** The door: bytes from outside become a batch, or a WireError. */
import { Check } from '../otlp/check.ts'
import { Allowance, DEFAULT_LIMITS, type RequestLimits } from '../otlp/limits.ts'
import { regular } from '../otlp/regular.ts'
import { Batch, type Batches, type Signal } from './batch.ts'
import { layOut } from './layout.ts'
import { requestMessage } from './signal.ts'

export interface Received<S extends Signal> {
  readonly batch: Batches[S]
  /** How many attributes in it have a key that begins with `sluice.`. */
  readonly sluiceAttributes: number
}

/**
 * Checks a request from outside all the way down and indexes it. The bytes stay as they came, unless a singular field
 * occurs twice somewhere: then they are brought into regular form. Throws WireError, and LimitError for one that holds
 * more than it may.
 */
export function receive<S extends Signal>(
  signal: S,
  body: Buffer,
  limits: RequestLimits = DEFAULT_LIMITS,
): Received<S> {
  let check = new Check(new Allowance(limits))
  let bytes = body
  let layout = layOut(signal, bytes, check)
  if (check.irregular) {
    check = new Check(new Allowance(limits))
    bytes = regular(requestMessage[signal], body)
    layout = layOut(signal, bytes, check)
  }
  return {
    batch: new Batch(signal, bytes, layout) as unknown as Batches[S],
    sluiceAttributes: check.sluiceAttributes,
  }
}
