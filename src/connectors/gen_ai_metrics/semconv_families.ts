/** The metrics of the OpenTelemetry GenAI conventions: names, units and bounds are theirs. */
import { type CountedCall, type LeasedSeries, perToken } from './families.ts'
import {
  SEMCONV_DURATION_BOUNDS_S,
  SEMCONV_FIRST_TOKEN_BOUNDS_S,
  SEMCONV_PER_TOKEN_BOUNDS_S,
  SEMCONV_TOKEN_BOUNDS,
} from './series/bounds.ts'
import type { Histogram } from './series/histogram.ts'
import type { Lease, PointAttributes } from './series/metric_set.ts'

/** What a client sees of its calls, for one combination of their attributes. */
export class ClientSeries implements LeasedSeries {
  readonly lease: Lease
  readonly #input: Histogram
  readonly #output: Histogram
  readonly #duration: Histogram
  readonly #attributes: PointAttributes
  /** As of CallSeries. */
  readonly #hasRoom: () => boolean
  readonly #other: (() => ClientSeries) | undefined
  #firstChunk: Histogram | undefined

  /** `errorType`: of failed calls. */
  constructor(
    lease: Lease,
    attributes: PointAttributes,
    errorType: string | undefined,
    hasRoom: () => boolean,
    other: (() => ClientSeries) | undefined,
  ) {
    this.lease = lease
    this.#attributes = attributes
    this.#hasRoom = hasRoom
    this.#other = other
    const tokens = (type: string) =>
      lease.histogram(TOKEN_USAGE, SEMCONV_TOKEN_BOUNDS, { ...attributes, 'gen_ai.token.type': type })
    this.#input = tokens('input')
    this.#output = tokens('output')
    const failure = errorType === undefined ? {} : { 'error.type': errorType }
    this.#duration = lease.histogram(OPERATION_DURATION, SEMCONV_DURATION_BOUNDS_S, { ...attributes, ...failure })
  }

  count(call: CountedCall): void {
    if (!Number.isNaN(call.input)) this.#input.record(call.input)
    if (!Number.isNaN(call.output)) this.#output.record(call.output)
    if (call.duration_s >= 0) this.#duration.record(call.duration_s, call)
    if (!Number.isNaN(call.ttft_s)) this.#firstChunks().record(call.ttft_s, call)
  }

  #firstChunks(): Histogram {
    if (this.#firstChunk !== undefined) return this.#firstChunk
    if (this.#other !== undefined && !this.#hasRoom()) return this.#other().#firstChunks()
    return (this.#firstChunk = this.lease.histogram(FIRST_CHUNK, SEMCONV_DURATION_BOUNDS_S, this.#attributes))
  }
}

/** Series that such a combination has in any case. */
export const CLIENT_POINTS = 3

const TOKEN_USAGE = { name: 'gen_ai.client.token.usage', help: 'Tokens of model calls by type', unit: '{token}' }
const OPERATION_DURATION = {
  name: 'gen_ai.client.operation.duration',
  help: 'Duration of model calls',
  unit: 's',
  exemplars: true,
}
const FIRST_CHUNK = {
  name: 'gen_ai.client.operation.time_to_first_chunk',
  help: 'Time to the first chunk',
  unit: 's',
  exemplars: true,
}

/** What the server that runs the model tells of its requests, for one combination of their attributes. */
export class ServerSeries implements LeasedSeries {
  readonly lease: Lease
  readonly #duration: Histogram
  readonly #firstToken: Histogram
  readonly #perToken: Histogram

  /** `errorType`: of failed calls. */
  constructor(lease: Lease, attributes: PointAttributes, errorType: string | undefined) {
    this.lease = lease
    const failure = errorType === undefined ? {} : { 'error.type': errorType }
    this.#duration = lease.histogram(SERVER_DURATION, SEMCONV_DURATION_BOUNDS_S, { ...attributes, ...failure })
    this.#firstToken = lease.histogram(SERVER_FIRST_TOKEN, SEMCONV_FIRST_TOKEN_BOUNDS_S, attributes)
    this.#perToken = lease.histogram(SERVER_PER_TOKEN, SEMCONV_PER_TOKEN_BOUNDS_S, attributes)
  }

  count(call: CountedCall): void {
    this.#duration.record(call.server_s, call)
    if (call.failed || Number.isNaN(call.ttft_s)) return
    this.#firstToken.record(call.ttft_s, call)
    const perToken_s = perToken({ duration_s: call.server_s, ttft_s: call.ttft_s, output: call.output })
    if (!Number.isNaN(perToken_s)) this.#perToken.record(perToken_s)
  }
}

/** Series that such a combination has. */
export const SERVER_POINTS = 3

const SERVER_DURATION = {
  name: 'gen_ai.server.request.duration',
  help: 'Duration of requests to model servers',
  unit: 's',
  exemplars: true,
}
const SERVER_FIRST_TOKEN = {
  name: 'gen_ai.server.time_to_first_token',
  help: 'Time to the first token of requests to model servers that went well',
  unit: 's',
  exemplars: true,
}
const SERVER_PER_TOKEN = {
  name: 'gen_ai.server.time_per_output_token',
  help: 'Time per output token after the first, of requests to model servers that went well',
  unit: 's',
}
