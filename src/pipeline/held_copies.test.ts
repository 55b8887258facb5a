/** Batches that wait for a branch while the daemon is reloaded or stopped. */
import { describe, expect, test } from 'vitest'
import { daemonOf } from '../../test/pipelines/parts.fixture.ts'
import { anyBatch } from '../../test/support/otlp.ts'
import { Recorder } from '../../test/support/recorder.ts'
import { retryLater } from '../refusal.ts'
import { FakeClock } from '../self/clock.ts'
import { memoryOf } from '../self/memory/process_memory.ts'
import { Way } from './edge.ts'
import { Book } from './ledger.ts'

const batch = anyBatch('traces', 3)
const FULL = retryLater('queue_full', 'full')

const yaml = (exporters: string, service = '') => `
receivers: { source: {} }
processors: { plain: {}, plain/new: {} }
connectors: { pass: {}, pass/b: {} }
exporters: { sink: {}, sink/b: {}, sink/c: {} }
service:
  ${service}
  pipelines: { traces: { receivers: [source], exporters: [${exporters}] } }
`

/** A daemon whose branch to `sink/b` holds a batch. */
async function holding(before = yaml('sink, sink/b')) {
  const clock = new FakeClock()
  const it = daemonOf(before, { clock })
  await it.daemon.start()
  it.sink('sink/b').refuse(FULL)
  await it.source().send(batch)
  const held = () => it.balance('traces → exporter/sink/b')!
  expect(held()).toMatchObject({ entered: 3, held: { queued: 3 } })
  return { ...it, clock, held }
}

describe('a reload', () => {
  test('leaves what waits for a branch that stays, and new batches go behind it', async () => {
    const it = await holding()
    await it.reload(yaml('sink, sink/b, sink/c'))
    const younger = anyBatch('traces', 2)
    it.sink('sink/b').refuse(undefined)
    await it.source().send(younger)
    expect(it.held()).toMatchObject({ entered: 5, held: { queued: 5 } })
    await it.clock.advance(2000)
    expect(it.sink('sink/b').batches).toEqual([batch, younger])
    expect(it.sink('sink').asked).toBe(2)
    expect(it.findings(true)).toEqual([])
  })

  test('leads what waits onto the new way of the branch', async () => {
    const two = (processors: string) => `
receivers: { source: {} }
processors: { plain: {} }
exporters: { sink: {}, sink/b: {}, sink/c: {} }
service:
  pipelines:
    traces/a: { receivers: [source], exporters: [sink] }
    traces/b: { receivers: [source], ${processors} }
`
    const clock = new FakeClock()
    const it = daemonOf(two('exporters: [sink/b]'), { clock })
    await it.daemon.start()
    it.sink('sink/b').refuse(FULL)
    await it.source().send(batch)
    await it.reload(two('processors: [plain], exporters: [sink/c]'))
    await clock.advance(2000)
    expect([it.sink('sink/b').count, it.sink('sink/c').count]).toEqual([0, 3])
    expect(it.findings(true)).toEqual([])
  })

  test.each([true, false])('that takes the branch away has it handed on first (takes: %s)', async (isTaken) => {
    const it = await holding()
    if (isTaken) it.sink('sink/b').refuse(undefined)
    const reloaded = it.reload(yaml('sink, sink/c'))
    await it.clock.advance(60_000)
    await reloaded
    expect(it.held()).toMatchObject(isTaken ? { delivered: 3 } : { dropped: { shutdown: 3 } })
    expect(it.story.lines.at(-1)).toBe('stop exporter/sink/b')
    // The branch may come again.
    await it.reload(yaml('sink, sink/b'))
    it.sink('sink/b').refuse(FULL, 1)
    await it.source().send(batch)
    await it.clock.advance(2000)
    expect(it.held()).toMatchObject({ entered: 6, held: { queued: 0 } })
    expect(it.sink('sink/b').count).toBe(isTaken ? 6 : 3)
    expect(it.findings(true)).toEqual([])
  })

  test('that fails leaves it as it was', async () => {
    const it = await holding()
    await expect(it.reload(yaml('sink, sink/c').replace('sink/c: {}', 'sink/c: { fails: start }'))).rejects.toThrow(
      'no licence',
    )
    it.sink('sink/b').refuse(undefined)
    await it.clock.advance(2000)
    expect(it.held()).toMatchObject({ delivered: 3, dropped: {} })
    expect(it.findings(true)).toEqual([])
  })

  test('changes the bound and what happens at it', async () => {
    const it = await holding(yaml('sink, sink/b', 'fan_out_when_full: drop_oldest'))
    const large = anyBatch('traces', 20_000)
    await it.source().send(large)
    expect(it.held()).toMatchObject({ dropped: {}, held: { queued: 20_003 } })
    await it.reload(yaml('sink, sink/b', 'fan_out_bytes_max: 1MiB\n  fan_out_when_full: refuse'))
    await expect(it.source().send(large)).rejects.toMatchObject({ reason: 'queue_full', retryable: true })
    expect(it.sink('sink').count).toBe(20_003)
    await it.reload(yaml('sink, sink/b', 'fan_out_bytes_max: 1MiB'))
    await it.source().send(batch)
    expect(it.held()).toMatchObject({ dropped: { queue_full: 20_003 }, held: { queued: 3 } })
    expect(it.lines.filter(({ reason }) => reason === 'queue_full')).toHaveLength(1)
    expect(it.findings(true)).toEqual([])
  })
})

test.each(['drop_oldest', 'refuse'])('while the process is short of memory: %s', async (when_full) => {
  const it = await holding(yaml('sink, sink/b', `fan_out_when_full: ${when_full}`))
  await it.source().send(anyBatch('traces', 2))
  const memory = memoryOf(it.story.parts.get('exporter/sink')!.host)
  memory.relieve(1)
  expect(it.held(), 'it may yet be taken').toMatchObject({ dropped: {}, held: { queued: 5 } })
  await it.clock.advance(10_000)
  memory.relieve(1)
  const [queued, dropped] = when_full === 'refuse' ? [5, {}] : [2, { queue_full: 3 }]
  expect(it.held(), 'the oldest goes').toMatchObject({ dropped, held: { queued } })
  memory.relieve(memory.held_bytes())
  expect(it.held().held.queued).toBe(when_full === 'refuse' ? 5 : 0)
  it.sink('sink/b').refuse(undefined)
  await it.clock.advance(2000)
  expect(it.findings(true)).toEqual([])
})

test('a stop does not wait until its deadline for a branch that takes nothing', async () => {
  const it = await holding()
  const stopped = it.daemon.stop()
  await it.clock.advance(8000)
  expect(await stopped).toBe(3)
  expect(it.held()).toMatchObject({ dropped: { shutdown: 3 } })
})

test('a way tells everybody who waits for it that nothing is on it', async () => {
  const recorder = new Recorder<'traces'>()
  const way = new Way(recorder)
  const open = recorder.block()
  const sent = way.consume(batch, { account: new Book('edge', 'traces'), metadata: new Map() })
  const waiters = Promise.all([way.idle(), way.idle()])
  open()
  await sent
  await waiters
  await way.idle()
})
