/** Calls that several spans of a trace report, as OTLP/JSON with what is right, by model. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { jsonToProtobuf } from '../../otlp/json_to_protobuf.ts'
import { receive } from '../../telemetry/receive.ts'
import { requestMessage } from '../../telemetry/signal.ts'
import { CapturedCalls } from './captured_calls.fixture.ts'
import { processorForTests } from './processor.fixture.ts'

const folder = new URL('../../gen_ai/testdata/same_call/', import.meta.url)

interface Case {
  readonly right: Record<string, Record<string, number>>
  readonly request: object
}

test.each(readdirSync(folder))('%s', async (file) => {
  const { right, request }: Case = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
  const body = jsonToProtobuf(requestMessage.traces, Buffer.from(JSON.stringify(request)))
  const captured = new CapturedCalls()
  captured.add(await processorForTests().normalise(receive('traces', body).batch))
  const found = Object.entries(captured.totals({})).map(([model, { failed, ...totals }]) => {
    const known = Object.entries({ ...totals, errors: failed - totals.rate_limited }).filter(([, count]) => count > 0)
    return [model, Object.fromEntries(known)]
  })
  expect(Object.fromEntries(found)).toEqual(right)
})
