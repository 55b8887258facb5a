/** Batches on the ways of a graph, with the books read after every step. */
import { describe, expect, test } from 'vitest'
import { daemonOf } from '../../test/pipelines/parts.fixture.ts'
import { anyBatch } from '../../test/support/otlp.ts'
import { Refusal, retryLater } from '../refusal.ts'

const FAN_OUT = `
receivers: { source: {} }
exporters: { sink: {}, sink/b: {} }
connectors: { count: {} }
service:
  pipelines:
    traces: { receivers: [source], exporters: [count, sink, sink/b] }
    metrics: { receivers: [count], exporters: [sink] }
`
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

  test('what only counts is asked last: a refused batch is taken back, and its repeat is counted once', async () => {
    const { daemon, story, source, sink, balance, findings } = daemonOf(FAN_OUT)
    await daemon.start()
    story.take()
    sink('sink/b').refuse(retryLater('queue_full', 'full'), 1)
    await expect(source().send(batch)).rejects.toThrow('full')
    expect(story.take()).toEqual([])
    expect(balance('receiver/source → traces')).toMatchObject({ entered: 0, refused: 3 })
    expect(balance('traces → exporter/sink/b')).toMatchObject({ entered: 0, refused: 3 })
    expect(balance('traces → exporter/sink')).toMatchObject({ delivered: 3, refused: 0 })
    expect(findings(true)).toEqual([])
    await source().send(batch)
    expect(story.take()).toEqual(['count 3'])
    expect(balance('receiver/source → traces')).toMatchObject({ entered: 3, delivered: 3, refused: 3 })
    expect(findings(true)).toEqual([])
  })

  test('a refusal that may pass wins over one for good, whichever comes first', async () => {
    const { daemon, source, sink } = daemonOf(FAN_OUT)
    await daemon.start()
    const final = new Refusal('export_failed', 'for good', { retryable: false })
    sink().refuse(final)
    sink('sink/b').refuse(retryLater('timeout', 'later'))
    await expect(source().send(batch)).rejects.toThrow('later')
    sink().refuse(retryLater('timeout', 'later'))
    sink('sink/b').refuse(final)
    await expect(source().send(batch)).rejects.toThrow('later')
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
    const { daemon, story, source, sink, balance, findings } = daemonOf(TWO)
    await daemon.start()
    story.take()
    sink('sink/b').refuse(retryLater('queue_full', 'full'), 1)
    await expect(source().send(batch)).rejects.toThrow('full')
    expect(sink().asked).toBe(0)
    expect(findings(true)).toEqual([])
    await source().send(batch)
    expect(story.take()).toEqual(['count 3'])
    expect([sink().count, sink('sink/b').count]).toEqual([3, 3])
    expect(balance('receiver/source → traces/a')).toMatchObject({ entered: 3, delivered: 3, refused: 0 })
    expect(balance('receiver/source → traces/b')).toMatchObject({ entered: 3, delivered: 3, refused: 3 })
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
  await expect(source().send(batch)).rejects.toThrow('a bug')
  expect(findings(true)).toEqual([])
  expect(balance('receiver/source → traces')).toMatchObject({ entered: 0, refused: 3 })
})

test('the books are metrics', async () => {
  const { daemon, source, meter } = daemonOf(FAN_OUT)
  await daemon.start()
  await source().send(batch)
  const { body } = await meter.text()
  expect(body).toMatch(/sluice_ledger_items\{edge="receiver\/source → traces",signal="traces",place="delivered"\} 3/)
})
