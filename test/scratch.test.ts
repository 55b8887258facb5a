/** Scratch that is used again has its usual size after an unusual request: asserted in bytes. */
import { expect, test } from 'vitest'
import { Findings } from '../src/content/detectors/findings.ts'
import { Output } from '../src/otlp/output.ts'
import { KEPT_BYTES } from '../src/otlp/scratch.ts'
import { attribute, part, request } from '../src/otlp/wire.fixture.ts'
import { Edits } from '../src/processors/redaction/walk/edits.ts'
import { WaitQueue } from '../src/processors/tail_sampling/undecided/wait_queue.ts'
import { Attributes } from '../src/telemetry/attributes.ts'
import { trusted } from '../src/telemetry/batch.ts'
import { Rewrite } from '../src/telemetry/rewriting/rewrite.ts'
import { SpanView } from '../src/telemetry/span_view.ts'
import { RowQueue } from '../src/traces/row_queue.ts'

const MANY = 200_000
const small = trusted('traces', request(attribute(9, 'key', part(1, 'value'))))
const large = trusted('traces', request(Buffer.alloc(MANY * 2).fill(Buffer.from([0x4a, 0]))))
const manySpans = trusted('traces', part(1, part(2, Buffer.alloc(MANY * 2).fill(Buffer.from([0x12, 0])))))

test('attributes', () => {
  const view = new SpanView()
  view.read(large, 0)
  expect(view.attributes.count).toBe(MANY)
  expect(view.attributes.rows.byteLength).toBeGreaterThan(KEPT_BYTES)
  view.read(small, 0)
  expect(view.attributes.count).toBe(1)
  expect(view.attributes.rows.byteLength).toBe(new Attributes().rows.byteLength)
})

test('a rewrite, as soon as it is over: there may be no next one', () => {
  const rewrite = new Rewrite<'traces'>()
  const usual = rewrite.capacity_bytes
  rewrite.begin(manySpans)
  for (let item = 0; item < MANY; item++) {
    rewrite.openItem(item)
    rewrite.out.text('0123456789')
    rewrite.close()
  }
  expect(rewrite.capacity_bytes).toBeGreaterThan(2 * KEPT_BYTES)
  expect(rewrite.finish().size_bytes).toBeGreaterThan(MANY * 10)
  expect(rewrite.capacity_bytes).toBe(usual)
})

test('a rewrite that changed nothing', () => {
  const rewrite = new Rewrite<'traces'>()
  const usual = rewrite.capacity_bytes
  rewrite.begin(large)
  rewrite.openItem(0)
  rewrite.out.copy(Buffer.alloc(2 * KEPT_BYTES), 0, 2 * KEPT_BYTES)
  rewrite.cancel()
  expect(rewrite.finish()).toBe(large)
  expect(rewrite.capacity_bytes).toBe(usual)
})

test('an output', () => {
  const out = new Output(1000)
  out.copy(Buffer.alloc(2 * KEPT_BYTES), 0, 2 * KEPT_BYTES)
  out.reset()
  expect([out.end, out.bytes.length]).toEqual([0, 1000])
})

test('edits of a redaction', () => {
  const edits = new Edits()
  const usual = edits.capacity_bytes
  for (let at = 0; at < MANY; at++) {
    edits.open(at, at + 1)
    edits.out.text('[DROPPED]')
    edits.close()
  }
  expect(edits.capacity_bytes).toBeGreaterThan(2 * KEPT_BYTES)
  edits.clear()
  expect(edits.capacity_bytes).toBe(usual)
})

test('findings of detectors', () => {
  const findings = new Findings()
  const usual = findings.capacity_bytes
  findings.reset(1)
  for (let at = 0; at < MANY; at++) findings.add(at * 2, at * 2 + 1, 0)
  findings.settle()
  expect(findings.capacity_bytes).toBeGreaterThan(2 * KEPT_BYTES)
  findings.reset(1)
  expect(findings.capacity_bytes).toBe(usual)
})

test('queues of rows and of waiting traces, when most of what waited has gone', () => {
  const rows = new RowQueue()
  const tickets = { data: Int32Array.from({ length: 10 * MANY }, (_, row) => row + 1) }
  const waits = new WaitQueue(tickets)
  for (let row = 0; row < 10 * MANY; row++) {
    rows.push(row)
    waits.push(row, row + 1, row)
  }
  expect(rows.capacity_bytes).toBeGreaterThan(4 * KEPT_BYTES)
  expect(waits.size_bytes).toBeGreaterThan(4 * KEPT_BYTES)
  let wrong = 0
  for (let row = 0; row < 10 * MANY; row++) {
    if (rows.shift() !== row || waits.first() !== row || waits.since_ms !== row) wrong++
    tickets.data[row] = 0
  }
  expect(wrong).toBe(0)
  expect([rows.shift(), waits.first()]).toEqual([-1, -1])
  expect(rows.capacity_bytes).toBeLessThanOrEqual(KEPT_BYTES)
  expect(waits.size_bytes).toBeLessThanOrEqual(KEPT_BYTES)
})

test('an ordinary size is kept: nothing is made anew for each item', () => {
  const view = new SpanView()
  view.read(trusted('traces', request(Buffer.alloc(2000).fill(Buffer.from([0x4a, 0])))), 0)
  const { rows } = view.attributes
  view.read(small, 0)
  expect(view.attributes.rows).toBe(rows)
})
