/** What is fuzzed: each takes a damaged body, may throw a WireError, and must otherwise keep what it promises. */
import assert from 'node:assert/strict'
import { type Capture, captures, requestNames } from '../../src/otlp/captures.fixture.ts'
import { Check } from '../../src/otlp/check.ts'
import { decode } from '../../src/otlp/codec.ts'
import { protobufToJson } from '../../src/otlp/json_from_protobuf.ts'
import { jsonToProtobuf } from '../../src/otlp/json_to_protobuf.ts'
import { Allowance, DEFAULT_LIMITS } from '../../src/otlp/limits.ts'
import type { Random } from '../../src/otlp/random.fixture.ts'
import { regular } from '../../src/otlp/regular.ts'
import { messageId } from '../../src/otlp/schema.ts'
import { boolOf, numberOf, textOf } from '../../src/telemetry/any_value.ts'
import { type AnyBatch, type Batches, join, type Signal, type TraceBatch, trusted } from '../../src/telemetry/batch.ts'
import { RESOURCE, SCOPE } from '../../src/telemetry/layout.ts'
import { receive } from '../../src/telemetry/receive.ts'
import { Rewrite } from '../../src/telemetry/rewriting/rewrite.ts'
import { SpanView } from '../../src/telemetry/span_view.ts'
import { mutateJson, mutateProtobuf } from './mutate.ts'
import { Pipeline } from './pipeline.ts'

export interface Decoder {
  readonly name: string
  /** A damaged body. */
  make(random: Random): Input
  run(input: Input, random: Random): void | Promise<void>
}

export interface Input {
  readonly signal: Signal
  readonly body: Buffer
}

/** Small bodies, for speed: so many per signal. */
const BODIES = 12
const selection = captures(true)
const protobufs = smallest(selection.filter((one) => one.encoding === 'pb'))
const jsons = {
  ...smallest(selection.filter((one) => one.encoding === 'json')),
  traces: protobufs.traces.map((one) => ({ ...one, body: protobufToJson(one.name, one.body) })),
}
const signals = ['traces', 'metrics', 'logs'] as const

export const decoders: readonly Decoder[] = [
  ...signals.map((signal) => ({
    name: `receive_${signal}`,
    make: (random: Random) => madeProtobuf(random, signal),
    run: ({ body }: Input) => expectReadable(receive(signal, body).batch),
  })),
  { name: 'regular', make: madeProtobuf, run: ({ signal, body }) => expectRegular(signal, body) },
  { name: 'decode', make: madeProtobuf, run: ({ signal, body }) => void decode(requestNames[signal], body) },
  {
    name: 'protobuf_to_json',
    make: madeProtobuf,
    run: ({ signal, body }) => void JSON.parse(protobufToJson(requestNames[signal], body).toString()),
  },
  { name: 'json_to_protobuf', make: madeJson, run: expectReceivable },
  {
    name: 'span_view',
    make: (random) => madeProtobuf(random, 'traces'),
    run: ({ body }) => expectViews(receive('traces', body).batch),
  },
  {
    name: 'rewrite',
    make: madeProtobuf,
    run: ({ signal, body }, random) => expectRewritable(signal, receive(signal, body).batch, random),
  },
  ...signals.flatMap((signal) =>
    (['drop', 'mask'] as const).map((content) => {
      let pipeline: Pipeline<Signal> | undefined
      return {
        name: `pipeline_${signal}_${content}`,
        make: (random: Random) => madeProtobuf(random, signal),
        run: ({ body }: Input) => (pipeline ??= new Pipeline<Signal>(signal, content)).run(receive(signal, body).batch),
      }
    }),
  ),
]

function madeProtobuf(random: Random, signal: Signal = random.pick(signals)): Input {
  const one = random.pick(protobufs[signal])
  return { signal, body: mutateProtobuf(one.name, one.body, random) }
}

function madeJson(random: Random): Input {
  const signal = random.pick(signals)
  return { signal, body: mutateJson(random.pick(jsons[signal]).body, random) }
}

function smallest(list: readonly Capture[]): Record<Signal, readonly Capture[]> {
  const sorted = list.toSorted((a, b) => a.body.length - b.body.length)
  const of = (signal: Signal) => sorted.filter((one) => one.signal === signal).slice(0, BODIES)
  return { traces: of('traces'), metrics: of('metrics'), logs: of('logs') }
}

function expectReadable(batch: AnyBatch): void {
  const name = requestNames[batch.signal]
  decode(name, batch.bytes)
  protobufToJson(name, batch.bytes)
  const again = receive(batch.signal, batch.bytes).batch
  assert.equal(again.bytes, batch.bytes, 'a batch is in regular form')
  assert.deepEqual(trusted(batch.signal, batch.bytes).layout, batch.layout)
  if (batch.signal === 'traces') expectViews(batch as TraceBatch)
}

const view = new SpanView()
function expectViews(batch: TraceBatch): void {
  for (let item = 0; item < batch.items; item++) {
    view.read(batch, item)
    const { attributes, bytes } = view
    for (let row = 0; row < attributes.count; row++) {
      const [start, end] = [attributes.valueStart(row), attributes.valueEnd(row)]
      assert.ok(start >= view.start && start <= end && end <= view.end)
      assert.ok(attributes.keyStart(row) <= attributes.keyEnd(row) && attributes.keyEnd(row) <= view.end)
      textOf(bytes, start, end)
      numberOf(bytes, start, end)
      boolOf(bytes, start, end)
    }
    expectInside(view.startTime, 8)
    expectInside(view.endTime, 8)
    expectInside(view.traceId, 16)
    expectInside(view.spanId, 8)
    expectInside(view.parentId, 8)
    assert.ok(view.nameStart <= view.nameEnd && view.nameEnd <= view.end && view.statusEnd <= view.end)
  }
}

function expectInside(start: number, length: number): void {
  assert.ok(start === -1 || (start >= view.start && start + length <= view.end))
}

function expectRegular(signal: Signal, body: Buffer): void {
  checked(signal, body)
  const bytes = regular(requestNames[signal], body)
  assert.equal(checked(signal, bytes).irregular, false)
  assert.ok(regular(requestNames[signal], bytes).equals(bytes))
}

function checked(signal: Signal, bytes: Buffer): Check {
  const check = new Check(new Allowance(DEFAULT_LIMITS))
  check.check(messageId[requestNames[signal]], bytes, 0, bytes.length)
  return check
}

function expectReceivable({ signal, body }: Input): void {
  const bytes = jsonToProtobuf(requestNames[signal], body)
  assert.equal(receive(signal, bytes).batch.bytes, bytes)
  const back = jsonToProtobuf(requestNames[signal], protobufToJson(requestNames[signal], bytes))
  assert.ok(back.equals(jsonToProtobuf(requestNames[signal], protobufToJson(requestNames[signal], back))))
}

const rewrites = { traces: new Rewrite<'traces'>(), metrics: new Rewrite<'metrics'>(), logs: new Rewrite<'logs'>() }
function expectRewritable<S extends Signal>(signal: S, batch: Batches[S], random: Random): void {
  const rewrite = rewrites[signal] as unknown as Rewrite<S>
  rewrite.begin(batch)
  const { itemRows, resources, scopes, items } = batch.layout
  let dropped = 0
  for (let item = 0; item < items; item++) {
    if (random.chance(30)) {
      rewrite.dropItem(item)
      dropped++
    } else if (random.chance(40)) {
      rewrite.openItem(item)
      rewrite.out.copy(batch.bytes, itemRows[item * 4 + 1]!, itemRows[item * 4 + 2]!)
      rewrite.close()
    }
  }
  for (let row = 0; row < resources.length / RESOURCE.width; row++)
    if (random.chance(30)) putHead(rewrite, 'resource', row)
  for (let row = 0; row < scopes.length / SCOPE.width; row++) if (random.chance(30)) putHead(rewrite, 'scope', row)
  const result = rewrite.finish()
  assert.equal(result.items, items - dropped)
  const again = receive(signal, result.bytes).batch
  assert.equal(again.bytes, result.bytes)
  assert.equal(join(signal, [batch, result]).items, items + result.items)
}

function putHead<S extends Signal>(rewrite: Rewrite<S>, level: 'resource' | 'scope', row: number): void {
  rewrite.openHead(level, row)
  rewrite.out.tag(level === 'resource' ? 2 : 4, 0)
  rewrite.out.varint(row)
  rewrite.close()
}
