/** Spans for tests, built from plain values and brought in through the receiver's door. */
import { encode, type Message, type Value } from '../otlp/codec.ts'
import type { TraceBatch } from '../telemetry/batch.ts'
import { receive } from '../telemetry/receive.ts'
import { SpanView } from '../telemetry/span_view.ts'
import { FINISH_REASONS } from './known_values.ts'
import { ModelCall } from './model_call.ts'
import { foundKeys, readModelCall } from './reading/read.ts'
import { ScopeMarks } from './reading/recognise.ts'

export type Plain = string | number | boolean | readonly string[]
export type AttributeList = Readonly<Record<string, Plain>> | readonly (readonly [string, Plain])[]

export interface SpanFixture {
  readonly scope?: string
  readonly name?: string
  readonly kind?: number
  readonly attributes: AttributeList
  readonly status?: { readonly code: number; readonly message?: string }
  readonly events?: readonly { readonly name: string; readonly attributes: AttributeList; readonly time_ms?: number }[]
  readonly start_ms?: number
}

/** When spans begin, if they do not say. */
export const START_MS = 1_790_000_000_000

/** A batch with these spans, each in a scope group of its own. Whole numbers become ints, others doubles. */
export function batchOf(...spans: readonly SpanFixture[]): TraceBatch {
  const scopeSpans = spans.map((span, at) => ({
    scope: { name: span.scope ?? 'an.application' },
    spans: [
      {
        traceId: Buffer.alloc(16, 7),
        spanId: Buffer.alloc(8, at + 1),
        name: span.name ?? 'a span',
        kind: span.kind ?? 1,
        startTimeUnixNano: BigInt(span.start_ms ?? START_MS) * 1_000_000n,
        endTimeUnixNano: BigInt(span.start_ms ?? START_MS) * 1_000_000n + 1_000_000_000n,
        attributes: keyValues(span.attributes),
        ...(span.status === undefined ? {} : { status: { ...span.status } }),
        events: (span.events ?? []).map((event) => ({
          timeUnixNano: BigInt(event.time_ms ?? START_MS) * 1_000_000n,
          name: event.name,
          attributes: keyValues(event.attributes),
        })),
      },
    ],
  }))
  const message = { resourceSpans: [{ scopeSpans }] } as unknown as Message
  return receive('traces', encode('TracesRequest', message).take()).batch
}

/** What is derived from one span; undefined if it is no model call. */
export function callOf(span: SpanFixture): ModelCall | undefined {
  const batch = batchOf(span)
  const view = new SpanView()
  const call = new ModelCall()
  view.read(batch, 0)
  return readModelCall(view, foundKeys(), new ScopeMarks().of(batch, view.scope), call) ? call : undefined
}

/** By their names; `?` for one that is not known. */
export function finishReasonsOf(call: ModelCall): string[] {
  return Array.from(call.finishReasons.subarray(0, call.finishReasonCount), (at) => FINISH_REASONS[at] ?? '?')
}

export function anyValueOf(plain: Plain): Message {
  if (typeof plain === 'string') return { stringValue: plain }
  if (typeof plain === 'boolean') return { boolValue: plain }
  if (typeof plain === 'number')
    return Number.isSafeInteger(plain) ? { intValue: BigInt(plain) } : { doubleValue: plain }
  return { arrayValue: { values: plain.map(anyValueOf) } }
}

function keyValues(attributes: AttributeList): Value[] {
  const pairs = Array.isArray(attributes) ? attributes : Object.entries(attributes)
  return pairs.map(([key, plain]) => ({ key, value: anyValueOf(plain) }))
}
