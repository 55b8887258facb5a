/** Batches on the ways of a graph, with the books read after every step. */
import { describe, expect, test } from 'vitest'
import { daemonOf } from '../../test/pipelines/parts.fixture.ts'
import { anyBatch } from '../../test/support/otlp.ts'
import { Refusal, retryLater } from '../refusal.ts'
import { FakeClock } from '../self/clock.ts'

const FAN_OUT = `
receivers: { source: {} }
exporters: { sink: {}, sink/b: {} }
connectors: { count: {} }
service:
  pipelines:
    traces: { receivers: [source], exporters: [count, sink, sink/b] }
    metrics: { receivers: [count], exporters: [sink] }
`
const DATA_ONLY = FAN_OUT.replace('[count, sink', '[sink')
  .replace(/ +metrics.*\n/, '')
  .replace(/connectors.*\n/, '')
const batch = anyBatch('traces', 3)

describe('fan-out', () => {
  test('each branch has its own account, and the edge delivers when all have taken the batch', async () => {
    const { daemon, source, sink, balance, findings } = daemonOf(FAN_OUT)
    await daemon.start()
    const open = sink('sink/b').block()
    const sent = source().send(batch)
    await expect.poll(() => sink().count).toBe(3)
    expect(findings()).toEqual([])
    expect(balance('receiver/source → traces')).toMatchObject({ entered: 3, delivered: 0, held: { in_flight: 3 } })
    expect(balance('traces → exporter/sink')).toMatchObject({ delivered: 3 })
    expect(balance('traces → exporter/sink/b')).toMatchObject({ entered: 3, held: { in_flight: 3 } })
    expect(balance('traces → connector/count')).toMatchObject({ entered: 0 })
    open()
    await sent
    expect(findings(true)).toEqual([])
    for (const edge of ['receiver/source → traces', 'traces → exporter/sink/b', 'traces → connector/count']) {
      expect(balance(edge)).toMatchObject({ entered: 3, delivered: 3 })
    }
    expect(sink('sink/b').batches).toEqual([batch])
    expect(sink('sink/b').batches[0]).toBe(batch)
  })

  test('what one branch has taken, another that refuses gets later: nobody is offered it twice', async () => {
    const clock = new FakeClock()
    const { daemon, story, source, sink, balance, findings } = daemonOf(FAN_OUT, { clock })
    await daemon.start()
    story.take()
    sink('sink/b').refuse(retryLater('queue_full', 'full'), 2)
    await source().send(batch)
    expect(story.take()).toEqual(['count 3'])
    expect(balance('receiver/source → traces')).toMatchObject({ entered: 3, delivered: 3, refused: 0 })
    expect(balance('traces → exporter/sink/b')).toMatchObject({ entered: 3, held: { queued: 3 } })
    expect(balance('traces → exporter/sink')).toMatchObject({ delivered: 3, refused: 0 })
    expect(findings(true)).toEqual([])
    await clock.advance(5_000)
    expect([sink().asked, sink().count, sink('sink/b').count]).toEqual([1, 3, 3])
    expect(balance('traces → exporter/sink/b')).toMatchObject({ entered: 3, delivered: 3, held: { queued: 0 } })
    expect(findings(true)).toEqual([])
  })

  test('what nobody takes goes back to its sender; a refusal that may pass wins over one for good', async () => {
    const { daemon, source, sink, balance, findings } = daemonOf(DATA_ONLY)
    await daemon.start()
    const final = new Refusal('export_failed', 'for good', { retryable: false })
    sink().refuse(final)
    sink('sink/b').refuse(retryLater('timeout', 'later'))
    await expect(source().send(batch)).rejects.toThrow('later')
    sink().refuse(retryLater('timeout', 'later'))
    sink('sink/b').refuse(final)
    await expect(source().send(batch)).rejects.toThrow('later')
    expect(balance('receiver/source → traces')).toMatchObject({ entered: 0, refused: 6 })
    expect(findings(true)).toEqual([])
  })

  test('what one branch refuses for good is dropped there, and counted', async () => {
    const { daemon, source, sink, balance, findings } = daemonOf(FAN_OUT)
    await daemon.start()
    sink('sink/b').refuse(new Refusal('too_large', 'no', { retryable: false }), 1)
    await source().send(batch)
    expect(balance('traces → exporter/sink/b')).toMatchObject({ entered: 3, dropped: { too_large: 3 } })
    expect(findings(true)).toEqual([])
  })

  test('a stop hands on what waits for a branch, or counts it', async () => {
    for (const isTaken of [true, false]) {
      const clock = new FakeClock()
      const { daemon, source, sink, balance, findings } = daemonOf(FAN_OUT, { clock })
      await daemon.start()
      sink('sink/b').refuse(retryLater('queue_full', 'full'))
      await source().send(batch)
      if (isTaken) sink('sink/b').refuse(undefined)
      const stopped = daemon.stop()
      await clock.advance(60_000)
      expect(await stopped).toBe(isTaken ? 0 : 3)
      const expected = isTaken ? { delivered: 3 } : { dropped: { shutdown: 3 } }
      expect(balance('traces → exporter/sink/b')).toMatchObject(expected)
      expect(findings(true)).toEqual([])
    }
  })
})

describe('two pipelines from one receiver', () => {
  const TWO = `
receivers: { source: {} }
exporters: { sink: {}, sink/b: {} }
connectors: { count: {}, pass: {} }
service:
  pipelines:
    traces/a: { receivers: [source], exporters: [pass] }
    traces/counted: { receivers: [pass], exporters: [count, sink] }
    traces/b: { receivers: [source], exporters: [sink/b] }
    metrics: { receivers: [count], exporters: [sink] }
`
  test('both take each batch; the one in which something counts is asked last', async () => {
    const clock = new FakeClock()
    const { daemon, story, source, sink, balance, findings } = daemonOf(TWO, { clock })
    await daemon.start()
    story.take()
    sink('sink/b').refuse(retryLater('queue_full', 'full'), 2)
    await source().send(batch)
    expect(story.take()).toEqual(['count 3'])
    expect([sink().count, sink('sink/b').count]).toEqual([3, 0])
    await clock.advance(0)
    await clock.advance(5_000)
    expect([sink().count, sink('sink/b').count]).toEqual([3, 3])
    expect(balance('receiver/source → traces/a')).toMatchObject({ entered: 3, delivered: 3, refused: 0 })
    expect(balance('receiver/source → traces/b')).toMatchObject({ entered: 3, delivered: 3, refused: 0 })
    expect(balance('connector/pass → traces/counted')).toMatchObject({ entered: 3, delivered: 3 })
    expect(findings(true)).toEqual([])
  })

  test('a refusal that may pass wins here too', async () => {
    const { daemon, source, sink } = daemonOf(
      TWO.replaceAll('[count, sink]', '[sink]')
        .replace(/ +metrics.*\n/, '')
        .replace('count: {}, ', ''),
    )
    await daemon.start()
    sink().refuse(new Refusal('export_failed', 'for good', { retryable: false }))
    sink('sink/b').refuse(retryLater('timeout', 'later'))
    await expect(source().send(batch)).rejects.toThrow('later')
  })
})

test('a chain of connectors: every edge has its account, and a refusal at the end reaches the beginning', async () => {
  const chain = daemonOf(`
receivers: { source: {} }
processors: { plain: {} }
exporters: { sink: {} }
connectors: { pass/1: {}, pass/2: {} }
service:
  pipelines:
    logs/a: { receivers: [source], processors: [plain], exporters: [pass/1] }
    logs/b: { receivers: [pass/1], processors: [plain], exporters: [pass/2] }
    logs/c: { receivers: [pass/2], processors: [plain], exporters: [sink] }
`)
  const { daemon, source, sink, findings } = chain
  await daemon.start()
  const logs = anyBatch('logs', 4)
  await source().send(logs)
  expect(sink().batches[0]).toBe(logs)
  sink().refuse(retryLater('timeout', 'later'), 1)
  await expect(source().send(logs)).rejects.toThrow('later')
  expect(
    daemon.ledger.snapshot().map(({ edge, entered, delivered, refused }) => [edge, entered, delivered, refused]),
  ).toEqual([
    ['connector/pass/2 → logs/c', 4, 4, 4],
    ['connector/pass/1 → logs/b', 4, 4, 4],
    ['receiver/source → logs/a', 4, 4, 4],
  ])
  expect(findings(true)).toEqual([])
})

test('an exception is a refusal too, and the books hold', async () => {
  const { daemon, source, sink, findings, balance } = daemonOf(FAN_OUT)
  await daemon.start()
  sink().refuse(new TypeError('a bug'), 1)
  await source().send(batch)
  expect(findings(true)).toEqual([])
  expect(balance('traces → exporter/sink')).toMatchObject({ entered: 3, dropped: { error: 3 } })
})

test('the books are metrics', async () => {
  const { daemon, source, meter } = daemonOf(FAN_OUT)
  await daemon.start()
  await source().send(batch)
  const { body } = await meter.text()
  expect(body).toMatch(/sluice_ledger_items\{edge="receiver\/source → traces",signal="traces",place="delivered"\} 3/)
})
