import { describe, expect, it } from 'vitest'
import { contextOf, logs, spans, TestAccount, testHost } from './host.fixture.ts'
import { retryable, SENT } from './sender.ts'
import { advance, never, schema, setUp } from './sending.fixture.ts'
import { Sending } from './sending.ts'

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
    const refused = expect(pass(spans(1), { deadline_ms: clock.monotonic_ms() + 8000 })).rejects.toMatchObject({
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

  it('grants the last attempt also to what fails while it begins, however late', async () => {
    const settings = { timeout: '0', retry_on_failure: { max_elapsed_time: '1s' } }
    const { pass, sending, clock, calls, account } = setUp(settings, ['hang', SENT])
    await pass(spans(2))
    await advance(clock, 2000)
    const stopped = sending.shutdown(never)
    calls[0]!.answer(retryable('HTTP 503'))
    await stopped
    expect(account).toMatchObject({ delivered: 2, dropped: {} })
  })

  it('waits with the queue off for who waits', async () => {
    const { pass, sending, clock, calls, account } = setUp({ sending_queue: { enabled: false } }, ['hang'])
    const passed = pass(spans(2))
    let isOver = false
    const stopped = sending.shutdown(never).then(() => (isOver = true))
    await advance(clock, 0)
    expect(isOver).toBe(false)
    calls[0]!.answer(SENT)
    await Promise.all([passed, stopped])
    expect(account.delivered).toBe(2)
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
