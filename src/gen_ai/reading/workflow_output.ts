/**
 * Model and tokens of calls that say neither, from the output of the workflow that they are part of: OpenLLMetry writes it on
 * the workflow's span, as JSON by the name of the component, and Haystack's own tracer writes a span with that name around
 * each call. Spans of other batches are not looked at: what a sender cut apart stays unknown.
 */
import { textStart } from '../../telemetry/any_value.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { KeySet } from '../../telemetry/key_set.ts'
import { SpanView } from '../../telemetry/span_view.ts'
import { FIELD } from '../call_fields.ts'
import { dialects } from '../dialects/dialects.ts'
import { JsonPlaces } from '../json_places.ts'
import type { ModelCall } from '../model_call.ts'

/** So many spans may stand between a call and its workflow. */
const ABOVE_MAX = 16
const NAME_MAX_BYTES = 200
/** As much of one output is read, and as much of all outputs for the calls of one batch. */
const OUTPUT_MAX_BYTES = 1 << 20
const BATCH_MAX_BYTES = 16 << 20

const keys = new KeySet(['haystack.component.name', 'traceloop.entity.output'])
const COMPONENT = 0
const OUTPUT = 1

/** Where a component's output has what is told of its call: of chats, of completions, of embedders. */
const OWNERS = ['replies.0._meta', 'replies.0.meta', 'meta.0', 'meta']
/** The fields that are taken, and their spellings below `usage`. Those of a cache by itself are counted beside the input. */
const COUNTS = {
  inputTokens: ['prompt_tokens', 'input_tokens'],
  outputTokens: ['completion_tokens', 'output_tokens'],
  cacheReadTokens: ['prompt_tokens_details.cached_tokens', 'cache_read_input_tokens'],
  cacheWriteTokens: ['cache_creation_input_tokens'],
  reasoningTokens: ['completion_tokens_details.reasoning_tokens'],
} as const
const BESIDE = ['cache_read_input_tokens', 'cache_creation_input_tokens']
const PATHS = ['model', ...[...new Set(Object.values(COUNTS).flat())].map((name) => `usage.${name}`)]

const tellsLittle = dialects.map(({ id }) => id === 'traceloop-haystack' || id === 'haystack')
const isComponent = dialects.map(({ id }) => id === 'haystack')

/** May the workflow's output know more of the call? */
export function lacksUsage(call: ModelCall): boolean {
  return (
    tellsLittle[call.dialect] === true &&
    !call.failed &&
    !call.has(FIELD.requestModel) &&
    !call.has(FIELD.responseModel) &&
    Number.isNaN(call.inputTokens)
  )
}

/** Is the span a call only if a workflow's output says so? */
export function needsUsage({ dialect }: ModelCall): boolean {
  return isComponent[dialect] === true
}

/** The spans of one batch after another. One instance serves one component; nothing is done where no call lacks usage. */
export class WorkflowOutputs {
  readonly #view = new SpanView()
  readonly #found = new Int32Array(keys.names.length)
  /** Of the batch, by trace and span id; made when the first call asks. */
  #items: Map<string, number> | undefined
  /** Span of the last run of each component: its usage is the one that the output has. */
  readonly #lastRuns = new Map<string, string>()
  #left_bytes = BATCH_MAX_BYTES

  /** Lets go of the last batch. */
  forget(): void {
    this.#items = undefined
    this.#lastRuns.clear()
    this.#left_bytes = BATCH_MAX_BYTES
    this.#view.forget()
  }

  /** Fills what the output says of the call that `call` was read from, at `view`; false if it says nothing. */
  read(batch: TraceBatch, view: SpanView, call: ModelCall): boolean {
    this.#items ??= this.#itemsOf(batch)
    const above = this.#view
    let component = ''
    let run = ''
    let id = isComponent[call.dialect] ? idOf(view, view.spanId) : idOf(view, view.parentId)
    for (let steps = 0; steps < ABOVE_MAX; steps++) {
      const item = id === '' ? undefined : this.#items.get(id)
      if (item === undefined) return false
      above.read(batch, item)
      above.attributes.find(above.bytes, keys, this.#found)
      if (component === '') [component, run] = [this.#text(COMPONENT), id]
      const output = this.#found[OUTPUT]!
      if (component !== '' && output >= 0)
        return this.#readOutput(output, component, run === this.#lastRuns.get(runKey(above, component)), call)
      id = idOf(above, above.parentId)
    }
    return false
  }

  #readOutput(row: number, component: string, isLastRun: boolean, call: ModelCall): boolean {
    const { bytes, attributes } = this.#view
    const end = attributes.valueEnd(row)
    const start = textStart(bytes, attributes.valueStart(row), end)
    const length = Math.min(end - start, OUTPUT_MAX_BYTES)
    if (start < 0 || this.#left_bytes < length) return false
    this.#left_bytes -= length
    const places = placesOf(component)
    places.read(bytes, start, end)
    for (let owner = 0; owner < OWNERS.length; owner++) {
      const at = owner * PATHS.length
      if (places.starts[at]! < 0) continue
      call.setText(FIELD.responseModel, places.starts[at]!, places.ends[at]!)
      if (isLastRun) readUsage(bytes, places, at, call)
      return true
    }
    return false
  }

  #itemsOf(batch: TraceBatch): Map<string, number> {
    const view = this.#view
    const items = new Map<string, number>()
    const starts = new Map<string, bigint>()
    for (let item = 0; item < batch.items; item++) {
      view.read(batch, item)
      const id = idOf(view, view.spanId)
      if (id === '') continue
      items.set(id, item)
      view.attributes.find(view.bytes, keys, this.#found)
      const component = this.#text(COMPONENT)
      if (component === '' || view.startTime < 0) continue
      const key = runKey(view, component)
      const start = view.bytes.readBigUInt64LE(view.startTime)
      if (start < (starts.get(key) ?? 0n)) continue
      starts.set(key, start)
      this.#lastRuns.set(key, id)
    }
    return items
  }

  #text(key: number): string {
    const { bytes, attributes } = this.#view
    const row = this.#found[key]!
    if (row < 0) return ''
    const end = attributes.valueEnd(row)
    const start = textStart(bytes, attributes.valueStart(row), end)
    return start < 0 || end - start > NAME_MAX_BYTES ? '' : bytes.toString('utf8', start, end)
  }
}

function readUsage(bytes: Buffer, places: JsonPlaces, at: number, call: ModelCall): void {
  for (const [field, names] of Object.entries(COUNTS) as [keyof typeof COUNTS, readonly string[]][])
    for (const name of names) {
      const value = numberAt(bytes, places, at + PATHS.indexOf(`usage.${name}`), call.plausible.tokens_max)
      if (Number.isNaN(value)) continue
      call[field] = value
      if (BESIDE.includes(name) && value > 0) {
        call.inputTokens += value
        call.correctedTokens += value
      }
      break
    }
}

function numberAt(bytes: Buffer, { starts, ends }: JsonPlaces, path: number, max: number): number {
  const [start, end] = [starts[path]!, ends[path]!]
  const text = start < 0 || end - start > 15 ? '' : bytes.toString('latin1', start, end)
  return /^\d+$/.test(text) && Number(text) <= max ? Number(text) : Number.NaN
}

/** Haystack allows no dots in a component's name. */
function placesOf(component: string): JsonPlaces {
  const paths = OWNERS.flatMap((owner) => PATHS.map((path) => `${component}.${owner}.${path}`))
  return new JsonPlaces(paths, OUTPUT_MAX_BYTES)
}

/** Of a span of that trace; empty if one of the ids is missing. */
function idOf({ bytes, traceId }: SpanView, spanId: number): string {
  if (traceId < 0 || spanId < 0) return ''
  return bytes.toString('latin1', traceId, traceId + 16) + bytes.toString('latin1', spanId, spanId + 8)
}

/** A component runs again in one trace where a workflow has a loop. */
function runKey({ bytes, traceId }: SpanView, component: string): string {
  return bytes.toString('latin1', traceId, traceId + 16) + component
}
