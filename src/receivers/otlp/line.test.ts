/** What senders get when more requests come than there is time for. */
import { describe, expect, test } from 'vitest'
import { anyBatch } from '../../../test/support/otlp.ts'
import { SLICE_MS, turnsOf } from '../../self/turns.ts'
import { LINE_MAX_MS } from './intake.ts'
import { methods, readStatus, startReceiver } from './receiver.fixture.ts'

const body = anyBatch('traces', 3).bytes
const NONE = Buffer.alloc(0)

/** A receiver with a line before it in which everybody waits for so long, until `stop`. */
async function behind(wait_ms: number) {
  const started = await startReceiver()
  const { host } = started
  const turns = turnsOf(host)
  let isOver = false
  const occupy = async (): Promise<void> => {
    void host.clock.advance(SLICE_MS)
    if (!isOver) void turns.run(occupy)
  }
  for (let i = 0; i < wait_ms / SLICE_MS; i++) void turns.run(occupy)
  while (turns.age_ms < wait_ms * 0.9) await new Promise((resolve) => setImmediate(resolve))
  return {
    ...started,
    stop: async () => {
      isOver = true
      while (turns.age_ms > 0) await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

describe('a line of requests', () => {
  test('that is too long: new ones are refused for now, and not read', async () => {
    const { post, call, sinks, stop, host, findings } = await behind(2 * LINE_MAX_MS)
    const http = await post('/v1/traces', body)
    expect(http).toMatchObject({ status: 503, headers: { 'retry-after': '1' } })
    expect(readStatus(http.bytes)).toMatchObject({ code: 14 })
    const grpc = await call(methods.traces, body)
    expect(grpc).toMatchObject({ code: 14, status: { details: { RetryInfo: { retryDelay: { seconds: 1 } } } } })
    await stop()
    expect(sinks.traces.batches).toEqual([])
    const refused = (transport: string) =>
      host.meter.value('sluice_receiver_refused_requests', { transport, reason: 'overload' })
    expect([refused('http'), refused('grpc')]).toEqual([1, 1])
    expect(await post('/v1/traces', body)).toMatchObject({ status: 200, bytes: NONE })
    expect(findings()).toEqual([])
  })

  test('that is not: they come to their turn', async () => {
    const { post, sinks, stop } = await behind(LINE_MAX_MS / 2)
    const answer = post('/v1/traces', body)
    expect(await answer).toMatchObject({ status: 200 })
    expect(sinks.traces.batches).toHaveLength(1)
    await stop()
  })

  test('whose end comes after the time that a client gave: it is not taken, the client sends it again', async () => {
    const { call, sinks, stop, findings } = await behind(LINE_MAX_MS / 2)
    const { code } = await call(methods.traces, body, { 'grpc-timeout': '100m' })
    expect([4, 14]).toContain(code)
    await stop()
    expect(sinks.traces.batches).toEqual([])
    expect(findings()).toEqual([])
  })
})
