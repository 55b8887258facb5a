import { addSpan, type Checksum } from './checksum.ts'
import { ProtobufWriter, writeAttributes } from './protobuf.ts'
import { Random } from './random.ts'
import type { Shape, SpanText } from './shapes.ts'

/** Spans of one trace: a root and seven below it. */
export const TRACE_SPANS = 8

/** An encoded OTLP request whose ids and times are overwritten before every send. */
export interface Body {
  readonly bytes: Buffer
  readonly spans: number
  readonly traces: number
  /** Spans of the traces that the sampling policies must keep: with an error, or slower than two seconds. */
  readonly mustKeepSpans: number
  readonly modelCalls: number
  /** Per span: trace, number in the trace, number of the parent (-1: root), offsets of trace id, span id, parent id, start time. */
  readonly places: Int32Array
  /** Per span: start after the start of its trace and duration, nanoseconds. */
  readonly times_ns: Float64Array
  /** Length of the longest trace, nanoseconds. */
  readonly length_ns: number
}

const PLACES = 7

/** The requests of a shape, in rotation. */
export function encodeBodies(shape: Shape, seed: number): Body[] {
  return Array.from({ length: shape.bodies }, (_, i) => encodeBody(shape, new Random(seed * 1000 + i)))
}

interface SpanPlan {
  readonly text: SpanText
  readonly trace: number
  readonly number: number
  readonly parent: number
  readonly isModelCall: boolean
  readonly hasError: boolean
  readonly start_ns: number
  readonly duration_ns: number
}

function encodeBody(shape: Shape, random: Random): Body {
  const traces = Math.ceil(shape.spans / TRACE_SPANS)
  const plans: SpanPlan[] = []
  let mustKeepSpans = 0
  for (let trace = 0; trace < traces; trace++) {
    const count = Math.min(TRACE_SPANS, shape.spans - trace * TRACE_SPANS)
    const hasError = random.unit() < 0.02
    const isSlow = random.unit() < 0.03
    if (hasError || isSlow) mustKeepSpans += count
    plans.push(...planTrace(shape, random, { trace, count, hasError, isSlow }))
  }
  const byScope = [plans.filter((plan) => plan.isModelCall), plans.filter((plan) => !plan.isModelCall)]
  const { bytes, offsets } = encodeRequest(random, byScope)
  const ordered = byScope.flat()
  const places = new Int32Array(ordered.length * PLACES)
  const times_ns = new Float64Array(ordered.length * 2)
  ordered.forEach((plan, i) => {
    places.set([plan.trace, plan.number, plan.parent, ...offsets[i]!], i * PLACES)
    times_ns.set([plan.start_ns, plan.duration_ns], i * 2)
  })
  const length_ns = Math.max(...ordered.map((plan) => plan.start_ns + plan.duration_ns))
  return {
    bytes,
    spans: shape.spans,
    traces,
    mustKeepSpans,
    modelCalls: byScope[0]!.length,
    places,
    times_ns,
    length_ns,
  }
}

/** Children before their parents, the root last, as an SDK exports them when they end. */
function planTrace(
  shape: Shape,
  random: Random,
  of: { trace: number; count: number; hasError: boolean; isSlow: boolean },
): SpanPlan[] {
  const length_ns = (of.isSlow ? random.whole(2100, 9000) : random.whole(80, 1700)) * 1e6
  const failing = of.hasError ? random.whole(0, of.count - 1) : -1
  const plans: SpanPlan[] = []
  for (let number = of.count - 1; number >= 0; number--) {
    const isModelCall = random.unit() < shape.modelCalls
    const start_ns = number === 0 ? 0 : Math.floor(length_ns * 0.5 * random.unit())
    plans.push({
      text: shape.describe(random, isModelCall),
      trace: of.trace,
      number,
      parent: number === 0 ? -1 : random.unit() < 0.5 ? 0 : random.whole(0, number - 1),
      isModelCall,
      hasError: number === failing,
      start_ns,
      duration_ns: number === 0 ? length_ns : Math.floor((length_ns - start_ns) * random.unit()),
    })
  }
  return plans
}

const SCOPES = ['opentelemetry.instrumentation.openai_v2', 'opentelemetry.instrumentation.asgi']

/** ExportTraceServiceRequest with one resource. Offsets are of trace id, span id, parent id and start time of each span. */
function encodeRequest(random: Random, byScope: readonly SpanPlan[][]): { bytes: Buffer; offsets: number[][] } {
  const offsets: number[][] = []
  const resource = new ProtobufWriter()
  resource.message(1, (inner) =>
    writeAttributes(inner, 1, [
      ['service.name', `assistant-${random.whole(1, 6)}`],
      ['service.version', '4.18.2'],
      ['deployment.environment.name', 'production'],
      ['k8s.pod.name', `assistant-${random.hex(10)}-${random.hex(5)}`],
      ['telemetry.sdk.language', 'python'],
      ['telemetry.sdk.name', 'opentelemetry'],
      ['telemetry.sdk.version', '1.38.0'],
    ]),
  )
  byScope.forEach((plans, i) => {
    if (plans.length === 0) return
    const scope = new ProtobufWriter()
    scope.message(1, (inner) => inner.stringField(1, SCOPES[i]!).stringField(2, '0.59b0'))
    const first = offsets.length
    for (const plan of plans) offsets.push(appendSpan(scope, plan))
    shift(offsets, first, resource.bytesField(2, scope.finish()))
  })
  const request = new ProtobufWriter()
  shift(offsets, 0, request.bytesField(1, resource.finish()))
  return { bytes: request.finish(), offsets }
}

function appendSpan(scope: ProtobufWriter, plan: SpanPlan): number[] {
  const span = new ProtobufWriter()
  const traceId = span.bytesGap(1, 16)
  const spanId = span.bytesGap(2, 8)
  const parentId = plan.parent < 0 ? -1 : span.bytesGap(4, 8)
  span.stringField(5, plan.text.name).varintField(6, plan.isModelCall ? 3 : plan.number === 0 ? 2 : 1)
  const start = span.fixed64Gap(7)
  span.fixed64Gap(8)
  writeAttributes(span, 9, plan.text.attributes)
  if (plan.hasError) span.message(15, (status) => status.stringField(2, 'upstream timeout').varintField(3, 2))
  const at = scope.bytesField(2, span.finish())
  return [traceId, spanId, parentId, start].map((offset) => (offset < 0 ? -1 : offset + at))
}

function shift(offsets: number[][], first: number, by: number): void {
  for (let i = first; i < offsets.length; i++) offsets[i] = offsets[i]!.map((offset) => (offset < 0 ? -1 : offset + by))
}

const traceIds = new Uint32Array(4 * 1024)
const spanIds = new Uint32Array(2 * 1024 * TRACE_SPANS)

/** Gives every trace new ids and lets it end now; adds its spans to `sum`. */
export function renewBody(body: Body, random: Random, now_ms: number, sum: Checksum): void {
  for (let i = 0; i < body.traces * 4; i++) traceIds[i] = random.word()
  for (let i = 0; i < body.traces * TRACE_SPANS * 2; i++) spanIds[i] = random.word() | 1
  const begin = BigInt(now_ms) * 1_000_000n - BigInt(body.length_ns)
  const high = Number(begin >> 32n)
  const low = Number(begin & 0xffff_ffffn)
  const view = new DataView(body.bytes.buffer, body.bytes.byteOffset, body.bytes.length)
  for (let i = 0; i < body.spans; i++) renewSpan(body, view, i, high, low, sum)
}

function renewSpan(body: Body, view: DataView, i: number, high: number, low: number, sum: Checksum): void {
  const places = body.places
  const p = i * PLACES
  const t = places[p]! * 4
  const spansAt = places[p]! * TRACE_SPANS * 2
  const s = spansAt + places[p + 1]! * 2
  const traceAt = places[p + 3]!
  view.setUint32(traceAt, traceIds[t]!, true)
  view.setUint32(traceAt + 4, traceIds[t + 1]!, true)
  view.setUint32(traceAt + 8, traceIds[t + 2]!, true)
  view.setUint32(traceAt + 12, traceIds[t + 3]!, true)
  view.setUint32(places[p + 4]!, spanIds[s]!, true)
  view.setUint32(places[p + 4]! + 4, spanIds[s + 1]!, true)
  if (places[p + 5]! >= 0) {
    const parent = spansAt + places[p + 2]! * 2
    view.setUint32(places[p + 5]!, spanIds[parent]!, true)
    view.setUint32(places[p + 5]! + 4, spanIds[parent + 1]!, true)
  }
  const start = low + body.times_ns[i * 2]!
  setTime(view, places[p + 6]!, high, start)
  setTime(view, places[p + 6]! + 9, high, start + body.times_ns[i * 2 + 1]!)
  addSpan(sum, traceIds[t]!, traceIds[t + 1]!, traceIds[t + 2]!, traceIds[t + 3]!, spanIds[s]!, spanIds[s + 1]!)
}

/** Nanoseconds as fixed64: `high` times 2^32 plus `low`, which may exceed 32 bits. */
function setTime(view: DataView, at: number, high: number, low: number): void {
  const carry = Math.floor(low / 0x1_0000_0000)
  view.setUint32(at, low - carry * 0x1_0000_0000, true)
  view.setUint32(at + 4, high + carry, true)
}
