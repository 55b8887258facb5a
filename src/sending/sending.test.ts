import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Batches, Context } from '../component.ts'
import { decode, type Message } from '../otlp/codec.ts'
import type { FakeClock } from '../self/clock.ts'
import { sendingKeys } from './config.ts'
import { contextOf, logs, metrics, spans, TestAccount, testHost } from './host.fixture.ts'
import { retryable, SENT, type SendResult } from './sender.ts'
import { Sending } from './sending.ts'

const schema = z.strictObject(sendingKeys('5s'))
type Answer = SendResult | 'hang' | 'throw'

interface Call {
  at_ms: number
  batch: Batches['traces']
  signal: AbortSignal
  answer(result: SendResult): void
}

/** A line for traces whose backend answers by `script`, the last answer for ever; `'hang'` waits for `call.answer`. */
function setUp(config: z.input<typeof schema> = {}, script: Answer[] = [SENT], random = () => 0.5) {
  const test = testHost()
  const calls: Call[] = []
  const sending = new Sending({
    host: test.host,
    settings: schema.parse(config),
    signals: ['traces', 'metrics', 'logs'],
    random,
    sender: () => ({
      send(batch, _context, signal) {
        const answer = script[Math.min(calls.length, script.length - 1)]!
        const { promise, resolve } = Promise.withResolvers<SendResult>()
        calls.push({ at_ms: test.clock.monotonic_ms(), batch: batch as Batches['traces'], signal, answer: resolve })
        if (answer === 'throw') throw new Error('bug')
        if (answer !== 'hang') resolve(answer)
        return promise
      },
    }),
  })
  const port = sending.inputs.traces!
  void sending.start()
  const account = new TestAccount()
  const pass = (batch: Batches['traces'], more: Partial<Context> = {}, on = account) =>
    on.pass(batch.count, () => port.consume(batch, contextOf(on, more)))
  return { clock: test.clock, test, sending, calls, account, pass }
}

const never = new AbortController().signal

describe('queue on', () => {
  it('acknowledges on enqueue, then books delivered', async () => {
    const { pass, account, calls, clock, test } = setUp({}, ['hang'])
    await pass(spans(3))
    expect(account.held).toMatchObject({ queued: 3, in_flight: 0 })
    expect(test.gauge('otelcol_exporter_queue_size', 'traces')).toBe(1)
    expect(test.gauge('otelcol_exporter_queue_capacity', 'traces')).toBe(1000)
    expect(test.gauge('otelcol_exporter_in_flight_requests', 'traces')).toBe(1)
    calls[0]!.answer(SENT)
    await advance(clock, 0)
    expect(account).toMatchObject({ delivered: 3, held: { queued: 0, in_flight: 0 } })
    expect(test.counter('otelcol_exporter_sent_spans')).toBe(3)
    expect(test.gauge('otelcol_exporter_queue_size', 'traces')).toBe(0)
    expect(test.gauge('otelcol_exporter_in_flight_requests', 'traces')).toBe(0)
  })

  it('sends the bytes as they came', async () => {
    const { pass, calls, clock } = setUp()
    const batch = spans(2)
    await pass(batch)
    await advance(clock, 0)
    expect(calls[0]!.batch.bytes).toBe(batch.bytes)
  })

  it('drops for good what the backend refuses, once', async () => {
    const { pass, account, calls, clock, test } = setUp({}, [
      { outcome: 'permanent', reason: 'rejected_by_backend', message: 'HTTP 400' },
      SENT,
    ])
    await pass(spans(2))
    await pass(spans(5))
    await advance(clock, 60_000)
    expect(calls).toHaveLength(2)
    expect(account).toMatchObject({ delivered: 5, dropped: { rejected_by_backend: 2 } })
    expect(test.counter('otelcol_exporter_send_failed_spans')).toBe(2)
    expect(test.counter('sluice_exporter_failed_items', 'traces', 'rejected_by_backend')).toBe(2)
  })

  it('books a partial success as rejected and never repeats it', async () => {
    const { pass, account, calls, clock, test } = setUp({}, [{ outcome: 'sent', rejected: 2 }])
    await pass(spans(5))
    await advance(clock, 60_000)
    expect(calls).toHaveLength(1)
    expect(account).toMatchObject({ delivered: 3, dropped: { rejected_by_backend: 2 } })
    expect(test.counter('otelcol_exporter_sent_spans')).toBe(3)
    expect(test.counter('otelcol_exporter_send_failed_spans')).toBe(2)
    expect(test.lines).toMatchObject([{ level: 'warn', fields: { rejected_items: 2 } }])
  })

  it.each([7, -1])('does not believe a rejected count of %i among 5', async (rejected) => {
    const { pass, account, clock } = setUp({}, [{ outcome: 'sent', rejected }])
    await pass(spans(5))
    await advance(clock, 0)
    expect(account.delivered).toBe(rejected > 0 ? 0 : 5)
  })

  it('takes a throw of the sender for a bug: dropped, logged without the message', async () => {
    const { pass, account, clock, test } = setUp({}, ['throw'])
    await pass(spans(1))
    await advance(clock, 0)
    expect(account.dropped).toEqual({ permanent_error: 1 })
    expect(test.lines[0]).toMatchObject({ level: 'error', fields: { error: 'Error' } })
    expect(JSON.stringify(test.lines)).not.toContain('bug')
  })

  it('has num_consumers requests under way at most', async () => {
    const { pass, calls, clock, account } = setUp({ sending_queue: { num_consumers: 2 } }, ['hang'])
    for (let at = 0; at < 5; at++) await pass(spans(1))
    await advance(clock, 0)
    expect(calls).toHaveLength(2)
    calls[0]!.answer(SENT)
    await advance(clock, 0)
    expect(calls).toHaveLength(3)
    expect(account).toMatchObject({ delivered: 1, held: { queued: 4 } })
  })

  it.each([
    ['requests', 2, [1, 1, 1], 2],
    ['items', 10, [6, 4, 1], 2],
    ['bytes', spans(6).size_bytes, [6, 1], 1],
  ] as const)('refuses when full, by %s', async (sizer, queue_size, sizes, fit) => {
    const { pass, account, test } = setUp({ sending_queue: { sizer, queue_size } }, ['hang'])
    for (const size of sizes.slice(0, fit)) await pass(spans(size))
    const queued = account.held.queued
    const refusal = { reason: 'queue_full', retryable: true, retryAfter_ms: expect.any(Number) }
    await expect(pass(spans(sizes[fit]!))).rejects.toMatchObject(refusal)
    expect(account.entered).toBe(queued)
    expect(test.counter('otelcol_exporter_enqueue_failed_spans')).toBe(sizes[fit]!)
  })

  it('refuses for good what can never fit', async () => {
    const { pass } = setUp({ sending_queue: { sizer: 'items', queue_size: 3 } })
    await expect(pass(spans(4))).rejects.toMatchObject({ reason: 'too_large', retryable: false })
  })

  it('waits for room in order with block_on_overflow, until the deadline', async () => {
    const settings = { sending_queue: { queue_size: 1, block_on_overflow: true } }
    const { pass, calls, clock, account } = setUp(settings, ['hang'])
    await pass(spans(1))
    const second = pass(spans(2))
    const third = pass(spans(3), { deadline_ms: clock.now_ms() + 1000 })
    const refused = expect(third).rejects.toMatchObject({ reason: 'queue_full', retryable: true })
    calls[0]!.answer(SENT)
    await advance(clock, 0)
    await second
    expect(account).toMatchObject({ delivered: 1, held: { queued: 2, in_flight: 3 } })
    await advance(clock, 1000)
    await refused
    expect(account).toMatchObject({ entered: 3, delivered: 1, held: { queued: 2, in_flight: 0 } })
  })

  it('settles with the result of the send with wait_for_result', async () => {
    const permanent = { outcome: 'permanent', reason: 'rejected_by_backend', message: 'HTTP 400' } as const
    const { pass, account, test } = setUp({ sending_queue: { wait_for_result: true } }, [SENT, permanent])
    await pass(spans(2))
    expect(account.delivered).toBe(2)
    await expect(pass(spans(1))).rejects.toMatchObject({ reason: 'rejected_by_backend', retryable: false })
    expect(account).toMatchObject({ entered: 2, dropped: {} })
    expect(test.counter('otelcol_exporter_enqueue_failed_spans')).toBe(0)
  })

  it('lets an empty request pass without sending it', async () => {
    const { pass, calls } = setUp()
    await pass(spans(0))
    expect(calls).toHaveLength(0)
  })
})

describe('queue off', () => {
  const off = { sending_queue: { enabled: false } }

  it('delivers, or hands the failure to the sender and books nothing', async () => {
    const { pass, account } = setUp(off, [
      SENT,
      { outcome: 'permanent', reason: 'rejected_by_backend', message: 'HTTP 400' },
    ])
    await pass(spans(2))
    await expect(pass(spans(3))).rejects.toMatchObject({ retryable: false, reason: 'rejected_by_backend' })
    expect(account).toMatchObject({ entered: 2, delivered: 2, dropped: {}, held: { in_flight: 0 } })
  })

  it('gives a retryable failure back as retryable, with the wait', async () => {
    const { pass } = setUp({ ...off, retry_on_failure: { enabled: false } }, [retryable('HTTP 503', 7000)])
    const refusal = { retryable: true, reason: 'retries_exhausted', retryAfter_ms: 7000 }
    await expect(pass(spans(3))).rejects.toMatchObject(refusal)
  })

  it('stops repeating when nobody waits any more', async () => {
    const { pass, clock, calls } = setUp(off, [retryable('HTTP 503')])
    const refused = expect(pass(spans(1), { deadline_ms: clock.now_ms() + 8000 })).rejects.toMatchObject({
      retryable: true,
    })
    await advance(clock, 60_000)
    await refused
    expect(calls).toHaveLength(2)
  })

  it('takes a batch back as a whole if a half failed that may be sent again', async () => {
    const large = { outcome: 'too_large', message: '' } as const
    const { pass, account, calls } = setUp({ ...off, retry_on_failure: { enabled: false } }, [
      large,
      SENT,
      retryable('HTTP 503'),
    ])
    await expect(pass(spans(4))).rejects.toMatchObject({ retryable: true })
    expect(calls).toHaveLength(3)
    expect(account).toMatchObject({ entered: 0, delivered: 0 })
  })

  it('keeps a batch of which a half was delivered and the other is lost for good', async () => {
    const large = { outcome: 'too_large', message: '' } as const
    const bad = { outcome: 'permanent', reason: 'rejected_by_backend', message: 'HTTP 400' } as const
    const { pass, account } = setUp(off, [large, SENT, bad])
    await pass(spans(5))
    expect(account).toMatchObject({ entered: 5, delivered: 2, dropped: { rejected_by_backend: 3 } })
  })
})

describe('retry', () => {
  it.each([
    [0, [0, 2500, 6250, 11875]],
    [0.5, [0, 5000, 12500, 23750]],
    [0.999999, [0, 7500, 18750, 35625]],
  ])('waits 5 s, 7.5 s, 11.25 s …, varied by half (random %d)', async (random, times) => {
    const { pass, clock, calls } = setUp({}, [retryable('HTTP 503')], () => random)
    await pass(spans(1))
    await advance(clock, 36_000)
    for (const [at, time_ms] of times.entries()) expect(Math.abs(calls[at]!.at_ms - time_ms)).toBeLessThan(1)
  })

  it('waits at most max_interval and gives up after max_elapsed_time', async () => {
    const { pass, clock, calls, account, test } = setUp({}, [retryable('HTTP 503')])
    await pass(spans(4))
    await advance(clock, 400_000)
    const times = calls.map((call) => call.at_ms)
    expect(Math.max(...times.slice(1).map((time, at) => time - times[at]!))).toBe(30_000)
    expect(times.at(-1)).toBeLessThanOrEqual(300_000)
    expect(times.at(-1)).toBeGreaterThan(270_000)
    expect(account.dropped).toEqual({ retries_exhausted: 4 })
    expect(test.counter('otelcol_exporter_send_failed_spans')).toBe(4)
    expect(test.counter('sluice_exporter_retries', 'traces')).toBe(calls.length - 1)
  })

  it('never gives up with max_elapsed_time 0', async () => {
    const { pass, clock, calls, account } = setUp({ retry_on_failure: { max_elapsed_time: 0 } }, [
      retryable('HTTP 503'),
    ])
    await pass(spans(1))
    await advance(clock, 24 * 3_600_000)
    expect(calls.length).toBeGreaterThan(2800)
    expect(account.held.queued).toBe(1)
  })

  it('waits as long as the backend asks, if that is longer', async () => {
    const { pass, clock, calls } = setUp({}, [retryable('HTTP 429', 20_000), retryable('HTTP 429', 1000), SENT])
    await pass(spans(1))
    await advance(clock, 60_000)
    expect(calls.map((call) => call.at_ms)).toEqual([0, 20_000, 27_500])
  })

  it('does not repeat when disabled', async () => {
    const { pass, clock, calls, account } = setUp({ retry_on_failure: { enabled: false } }, [retryable('HTTP 503')])
    await pass(spans(1))
    await advance(clock, 60_000)
    expect(calls).toHaveLength(1)
    expect(account.dropped).toEqual({ retries_exhausted: 1 })
  })

  it('breaks an attempt off after the timeout, and repeats it', async () => {
    const { pass, clock, calls, account } = setUp({ timeout: '2s' }, ['hang', SENT])
    await pass(spans(1))
    await advance(clock, 1999)
    expect(calls[0]!.signal.aborted).toBe(false)
    await advance(clock, 1)
    expect(calls[0]!.signal.aborted).toBe(true)
    await advance(clock, 5000)
    expect(account.delivered).toBe(1)
    calls[0]!.answer(SENT)
    await advance(clock, 0)
    expect(account.delivered).toBe(1)
  })
})

describe('too large', () => {
  it('sends halves, and drops only the item that is too large alone', async () => {
    const { host, clock } = testHost()
    const sent: string[][] = []
    const sending = new Sending({
      host,
      settings: schema.parse({}),
      signals: ['traces'],
      sender: () => ({
        send: async (batch) => {
          const names = namesIn(batch as Batches['traces'])
          if (names.includes('span-5') || names.length > 4) return { outcome: 'too_large', message: '' }
          sent.push(names)
          return SENT
        },
      }),
    })
    const account = new TestAccount()
    await account.pass(9, () => sending.inputs.traces!.consume(spans(9), contextOf(account)))
    await advance(clock, 0)
    expect(sent.flat()).toEqual([0, 1, 2, 3, 4, 6, 7, 8].map((at) => `span-${at}`))
    expect(account).toMatchObject({ delivered: 8, dropped: { too_large: 1 } })
  })
})

describe('batch', () => {
  const batch = { min_size: 10, flush_timeout: '1s' }

  it('merges until min_size, over accounts, and books each exactly', async () => {
    const { pass, clock, calls, account } = setUp({ sending_queue: { batch } }, [{ outcome: 'sent', rejected: 3 }])
    const other = new TestAccount()
    await pass(spans(4, 'a'))
    await pass(spans(5, 'b'), {}, other)
    await advance(clock, 999)
    expect(calls).toHaveLength(0)
    expect([account.held.queued, other.held.queued]).toEqual([4, 5])
    await pass(spans(3, 'c'))
    await advance(clock, 0)
    expect(calls.map((call) => namesIn(call.batch).join(' '))).toEqual([
      'a-0 a-1 a-2 a-3 b-0 b-1 b-2 b-3 b-4 c-0 c-1 c-2',
    ])
    expect(account.delivered + other.delivered).toBe(9)
    expect([account.held.queued, other.held.queued]).toEqual([0, 0])
  })

  it('sends after flush_timeout what there is', async () => {
    const { pass, clock, calls, account } = setUp({ sending_queue: { batch } })
    await pass(spans(4))
    await advance(clock, 500)
    await pass(spans(2))
    await advance(clock, 500)
    expect(calls.map((call) => call.batch.count)).toEqual([6])
    expect(account.delivered).toBe(6)
  })

  it('splits above max_size and books the parts', async () => {
    const settings = { sending_queue: { batch: { ...batch, max_size: 10 } } }
    const bad = { outcome: 'permanent', reason: 'rejected_by_backend', message: '' } as const
    const { pass, clock, calls, account } = setUp(settings, [SENT, bad, SENT])
    const other = new TestAccount()
    await pass(spans(7, 'a'))
    await pass(spans(18, 'b'), {}, other)
    await advance(clock, 1000)
    expect(calls.map((call) => call.batch.count)).toEqual([10, 10, 5])
    expect(account).toMatchObject({ delivered: 7, dropped: {} })
    expect(other).toMatchObject({ delivered: 8, dropped: { rejected_by_backend: 10 } })
  })

  it('splits by bytes', async () => {
    const limit = 2000
    const settings = { sending_queue: { batch: { ...batch, min_size: 0, max_size: limit, sizer: 'bytes' as const } } }
    const { pass, clock, calls, account } = setUp(settings)
    await pass(spans(40, 'span', 100))
    await advance(clock, 0)
    expect(calls.length).toBeGreaterThan(2)
    expect(Math.max(...calls.map((call) => call.batch.size_bytes))).toBeLessThanOrEqual(limit)
    expect(account.delivered).toBe(40)
  })

  it('keeps unequal tenants and metadata apart', async () => {
    const { pass, clock, calls } = setUp({ sending_queue: { batch } })
    await pass(spans(1, 'a'), { tenant: 'one' })
    await pass(spans(1, 'b'), { tenant: 'two' })
    await pass(spans(1, 'c'), { tenant: 'one', metadata: new Map([['k', 'v']]) })
    await pass(spans(1, 'd'), { tenant: 'one' })
    await advance(clock, 1000)
    expect(calls.map((call) => namesIn(call.batch).join(' '))).toEqual(['a-0 d-0', 'b-0', 'c-0'])
  })

  it('waits for the merged result with wait_for_result', async () => {
    const bad = { outcome: 'permanent', reason: 'rejected_by_backend', message: '' } as const
    const { pass, clock, account } = setUp({ sending_queue: { wait_for_result: true, batch } }, [bad])
    const both = Promise.allSettled([pass(spans(1)), pass(spans(1))])
    await advance(clock, 1000)
    expect((await both).map((result) => result.status)).toEqual(['rejected', 'rejected'])
    expect(account.entered).toBe(0)
  })
})

describe('shutdown', () => {
  it('refuses what comes, cuts waits short and gives each one last attempt', async () => {
    const { pass, sending, clock, calls, account } = setUp({}, [
      retryable('HTTP 503'),
      retryable('HTTP 503'),
      SENT,
      retryable('HTTP 503'),
    ])
    await pass(spans(2))
    await pass(spans(3))
    await advance(clock, 100)
    await sending.shutdown(never)
    expect(calls).toHaveLength(4)
    expect(account).toMatchObject({ delivered: 2, dropped: { shutdown: 3 }, held: { queued: 0, in_flight: 0 } })
    await expect(pass(spans(1))).rejects.toMatchObject({ reason: 'shutdown', retryable: true })
    await sending.shutdown(never)
  })

  it('drains the queue and what waits for a batch', async () => {
    const settings = { sending_queue: { num_consumers: 1, batch: { min_size: 5, flush_timeout: '1h' } } }
    const { pass, sending, account } = setUp(settings)
    for (let at = 0; at < 7; at++) await pass(spans(2))
    await sending.shutdown(never)
    expect(account).toMatchObject({ delivered: 14, held: { queued: 0 } })
  })

  it('drops at the deadline what is left, and breaks attempts off', async () => {
    const { pass, sending, clock, calls, account } = setUp({ sending_queue: { num_consumers: 1 } }, ['hang'])
    for (let at = 0; at < 3; at++) await pass(spans(2))
    const deadline = new AbortController()
    const stopped = sending.shutdown(deadline.signal)
    await advance(clock, 1000)
    expect(account.held.queued).toBe(6)
    deadline.abort()
    await stopped
    expect(calls).toHaveLength(1)
    expect(calls[0]!.signal.aborted).toBe(true)
    expect(account).toMatchObject({ dropped: { shutdown: 6 }, held: { queued: 0, in_flight: 0 } })
  })

  it('refuses who waits for room', async () => {
    const { pass, sending, clock, calls } = setUp({ sending_queue: { queue_size: 1, block_on_overflow: true } }, [
      'hang',
    ])
    await pass(spans(1))
    const waiting = expect(pass(spans(1))).rejects.toMatchObject({ reason: 'shutdown', retryable: true })
    const stopped = sending.shutdown(never)
    await waiting
    calls[0]!.answer(SENT)
    await advance(clock, 0)
    await stopped
  })

  it('works without a start and without ports', async () => {
    const { host } = testHost()
    const sending = new Sending({
      host,
      settings: schema.parse({}),
      signals: ['logs'],
      sender: () => ({ send: async () => SENT }),
    })
    await sending.shutdown(AbortSignal.abort())
  })
})

describe('health', () => {
  it('logs the beginning, at most every 10 s in between, and the end', async () => {
    const settings = { retry_on_failure: { initial_interval: '1s', multiplier: 1, randomization_factor: 0 } }
    const script = [...Array.from({ length: 25 }, () => retryable('HTTP 503')), SENT]
    const { pass, clock, test } = setUp(settings, script)
    await pass(spans(1))
    await advance(clock, 60_000)
    expect(test.lines.map(({ level, fields }) => `${level} ${fields['failures']}`)).toEqual([
      'warn 1',
      'warn 11',
      'warn 21',
      'info 25',
    ])
    expect(test.statuses).toEqual(['recoverable: traces: HTTP 503', 'ok'])
  })

  it('is well again when every signal is', async () => {
    const test = testHost()
    let up = false
    const sending = new Sending({
      host: test.host,
      settings: schema.parse({}),
      signals: ['traces', 'logs'],
      random: () => 0.5,
      sender: (signal) => ({ send: async () => (up && signal === 'logs' ? SENT : retryable('HTTP 503')) }),
    })
    const traces = new TestAccount()
    const account = new TestAccount('logs')
    await traces.pass(1, () => sending.inputs.traces!.consume(spans(1), contextOf(traces)))
    await account.pass(1, () => sending.inputs.logs!.consume(logs(1), contextOf(account)))
    await advance(test.clock, 100)
    up = true
    await advance(test.clock, 10_000)
    expect(account.delivered).toBe(1)
    expect(test.statuses).not.toContain('ok')
  })
})

describe('metrics', () => {
  it('accounts data points, also when a part is cut', async () => {
    const test = testHost()
    const counts: number[] = []
    const batch = { min_size: 0, max_size: 6 }
    const sending = new Sending({
      host: test.host,
      settings: schema.parse({ sending_queue: { batch } }),
      signals: ['metrics'],
      sender: () => ({
        send: async (batch) => {
          counts.push(batch.count)
          return SENT
        },
      }),
    })
    const account = new TestAccount('metrics')
    await account.pass(15, () => sending.inputs.metrics!.consume(metrics([1, 9, 2, 0, 3]), contextOf(account)))
    await advance(test.clock, 0)
    expect(counts.length).toBeGreaterThan(1)
    expect(account).toMatchObject({ delivered: 15, held: { queued: 0 } })
    expect(test.counter('otelcol_exporter_sent_metric_points')).toBe(15)
  })
})

describe('config', () => {
  it('has the Collector’s defaults', () => {
    expect(schema.parse({})).toEqual({
      timeout: 5000,
      retry_on_failure: {
        enabled: true,
        initial_interval: 5000,
        randomization_factor: 0.5,
        multiplier: 1.5,
        max_interval: 30_000,
        max_elapsed_time: 300_000,
      },
      sending_queue: {
        enabled: true,
        num_consumers: 10,
        queue_size: 1000,
        sizer: 'requests',
        block_on_overflow: false,
        wait_for_result: false,
      },
    })
  })

  it('says that there is no storage yet', () => {
    const result = schema.safeParse({ sending_queue: { storage: 'file_storage' } })
    expect(result.error?.issues[0]).toMatchObject({ path: ['sending_queue', 'storage'] })
    expect(result.error?.message).toContain('no sending queue on disk')
  })
})

/** Work that has begun sets its timers first. */
async function advance(clock: FakeClock, by_ms: number): Promise<void> {
  await clock.advance(0)
  await clock.advance(by_ms)
}

function namesIn(batch: Batches['traces']): string[] {
  const request = decode('TracesRequest', batch.bytes) as { resourceSpans?: Message[] }
  return (request.resourceSpans ?? [])
    .flatMap((resource) => resource['scopeSpans'] as Message[])
    .flatMap((scope) => scope['spans'] as Message[])
    .map((span) => span['name'] as string)
}
