/** Calls that several spans and log records report, as OTLP/JSON with what is right, by model. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { jsonToProtobuf } from '../../otlp/json_to_protobuf.ts'
import type { LogBatch, TraceBatch } from '../../telemetry/batch.ts'
import { receive } from '../../telemetry/receive.ts'
import { requestMessage } from '../../telemetry/signal.ts'
import { CapturedCalls } from './captured_calls.fixture.ts'
import { processorForTests, recordProcessorForTests } from './processor.fixture.ts'

const folder = new URL('../../gen_ai/testdata/same_call/', import.meta.url)

interface Case {
  readonly right: Record<string, Record<string, number>>
  /** Of traces. */
  readonly request?: object
  readonly logs?: object
}

describe.each(readdirSync(folder))('%s', (file) => {
  const { right, request = {}, logs = {} }: Case = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))

  async function totalsOf(order: (spans: TraceBatch, records: LogBatch) => (TraceBatch | LogBatch)[]) {
    const spans = await processorForTests().normalise(received('traces', request))
    const records = await recordProcessorForTests().normalise(received('logs', logs))
    const captured = new CapturedCalls()
    for (const batch of order(spans, records)) captured.add(batch)
    const found = Object.entries(captured.totals({})).map(([model, { failed, ...totals }]) => {
      const known = Object.entries({ ...totals, errors: failed - totals.rate_limited }).filter(([, count]) => count > 0)
      return [model, Object.fromEntries(known)]
    })
    return Object.fromEntries(found)
  }

  test('spans first', async () => {
    expect(await totalsOf((spans, records) => [spans, records])).toEqual(right)
  })

  test('log records first', async () => {
    expect(await totalsOf((spans, records) => [records, spans])).toEqual(right)
  })
})

function received<S extends 'traces' | 'logs'>(signal: S, request: object) {
  return receive(signal, jsonToProtobuf(requestMessage[signal], Buffer.from(JSON.stringify(request)))).batch
}
