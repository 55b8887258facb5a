/** The daemon's life: start, reload, stop. */
import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { daemonOf } from '../test/pipelines/parts.fixture.ts'
import { anyBatch } from '../test/support/otlp.ts'
import { FakeClock } from './self/clock.ts'

const yaml = (parts: {
  source?: string
  plain?: string
  sink?: string
  helper?: string
  pipelines?: string
  extensions?: string
  service?: string
  more?: string
}) => `
extensions: { helper: ${parts.helper ?? '{}'}, helper/b: {} }
receivers: { source: ${parts.source ?? '{}'}, source/b: ${parts.source ?? '{}'} }
processors: { plain: ${parts.plain ?? '{}'}, plain/b: {} }
exporters: { sink: ${parts.sink ?? '{}'}, sink/b: {} }
connectors: { pass: {} }
service:
  extensions: [${parts.extensions ?? ''}]
  ${parts.service ?? ''}
  pipelines: ${parts.pipelines ?? '{ traces: { receivers: [source], processors: [plain], exporters: [sink] } }'}
`
const batch = anyBatch('traces', 2)

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

describe('start and stop', () => {
  const TWO = `
    traces/a: { receivers: [source], processors: [plain, plain/b], exporters: [pass] }
    traces/b: { receivers: [pass], exporters: [sink] }`

  test('extensions first, then downstream first; stopped in reverse', async () => {
    const { daemon, story } = daemonOf(yaml({ pipelines: TWO, extensions: 'helper/b, helper' }))
    expect(daemon.ready()).toBe(false)
    await daemon.start()
    expect(daemon.ready()).toBe(true)
    const order = [
      'extension/helper/b',
      'extension/helper',
      'exporter/sink',
      'connector/pass',
      'processor/plain/b',
      'processor/plain',
      'receiver/source',
    ]
    expect(story.take()).toEqual(order.map((key) => `start ${key}`))
    const stopped = daemon.stop()
    expect(daemon.ready()).toBe(false)
    expect(await stopped).toBe(0)
    expect(story.take()).toEqual(order.toReversed().map((key) => `stop ${key}`))
    expect(await daemon.stop()).toBe(0)
    expect(story.take()).toEqual([])
  })

  test('what cannot start stops what was started, and is named', async () => {
    const { daemon, story } = daemonOf(yaml({ plain: '{ fails: start }' }))
    await expect(daemon.start()).rejects.toThrow('processor/plain @ traces cannot start: no licence')
    expect(story.take()).toEqual([
      'start exporter/sink',
      'start processor/plain',
      'stop processor/plain',
      'stop exporter/sink',
    ])
    expect(daemon.ready()).toBe(false)
    expect(await daemon.stop()).toBe(0)
  })

  test('a stop during the start waits for it', async () => {
    const { daemon, story } = daemonOf(yaml({}))
    const started = daemon.start()
    expect(await daemon.stop()).toBe(0)
    await started
    expect(story.take().filter((line) => line.startsWith('stop'))).toHaveLength(story.parts.size)
    expect(daemon.ready()).toBe(false)
  })

  test('a component that fails to stop or hangs keeps nobody, and what it has is counted', async () => {
    const clock = new FakeClock()
    const { daemon, story, source, sink, lines } = daemonOf(
      yaml({ plain: '{ fails: hang }', sink: '{ fails: shutdown }', service: 'shutdown_timeout: 10s' }),
      { clock },
    )
    await daemon.start()
    sink().block()
    void source().send(batch)
    story.take()
    let left: number | undefined
    void daemon.stop().then((items) => {
      left = items
    })
    await clock.advance(10_900)
    expect(story.take()).toEqual(['stop receiver/source', 'stop processor/plain'])
    await clock.advance(200)
    expect(story.take()).toEqual(['stop exporter/sink'])
    expect(left).toBe(2)
    expect(lines).toContainEqual(expect.objectContaining({ component: 'exporter/sink', level: 'error' }))
  })

  test('what is shared is made once, and closed at the end', async () => {
    const { daemon, part } = daemonOf(yaml({ service: 'shards: 2' }))
    await daemon.start()
    let closed = 0
    const make = () => ({ close: () => closed++ })
    const [one, other] = ['exporter/sink', 'receiver/source'].map((key) => part(key).host)
    const service = { make }
    expect(one!.service(service)).toBe(other!.service(service))
    expect(one!.shared(make)).toBe(one!.shared(make))
    expect(one!.shared(make)).not.toBe(other!.shared(make))
    expect(one!.shards).toBe(2)
    await daemon.stop()
    expect(closed).toBe(3)
  })

  test('components find the extensions that run, already when they start', async () => {
    const uses = '{ uses: helper }'
    const { daemon, part } = daemonOf(yaml({ sink: uses, source: '{ uses: helper/b }', extensions: 'helper' }))
    await daemon.start()
    expect(part('exporter/sink').found).toBe(part('extension/helper'))
    expect(part('receiver/source').found).toBeUndefined()
  })

  test('the snapshot says what runs and how it fares', async () => {
    const { daemon, part } = daemonOf(yaml({}))
    await daemon.start()
    part('exporter/sink').host.status('recoverable', 'the backend does not answer')
    expect(daemon.snapshot()).toMatchObject({
      ready: true,
      pipelines: [{ id: 'traces' }],
      components: [
        { id: 'exporter/sink', state: 'recoverable', message: 'the backend does not answer' },
        { id: 'processor/plain @ traces', state: 'ok' },
        { id: 'receiver/source', state: 'ok' },
      ],
    })
    expect(JSON.parse(JSON.stringify(daemon.snapshot()))).toMatchObject({ version: '0' })
  })
})

describe('reload', () => {
  test('leaves what is unchanged alone, updates in place what can be, replaces the rest', async () => {
    const { daemon, story, part, reload, source, sink, findings } = daemonOf(yaml({}))
    await daemon.start()
    const before = new Map(story.parts)
    story.take()
    await reload(yaml({}))
    expect(story.take()).toEqual([])
    await reload(yaml({ source: '{ label: a }', plain: '{ version: 2 }' }))
    expect(story.take()).toEqual(['update to a receiver/source', 'start processor/plain', 'stop processor/plain'])
    expect(part('receiver/source')).toBe(before.get('receiver/source'))
    expect(part('exporter/sink')).toBe(before.get('exporter/sink'))
    expect(part('processor/plain')).not.toBe(before.get('processor/plain'))
    await source().send(batch)
    expect(sink().count).toBe(2)
    expect(findings(true)).toEqual([])
  })

  test('re-joins what stays: other exporters, other processors, another pipeline', async () => {
    const { daemon, story, reload, source, sink, balance, findings } = daemonOf(yaml({}))
    await daemon.start()
    const receiver = source()
    story.take()
    await reload(
      yaml({
        pipelines: `
    traces: { receivers: [source], processors: [plain/b, plain], exporters: [sink, sink/b] }
    traces/b: { receivers: [source], exporters: [sink/b] }`,
      }),
    )
    expect(story.take()).toEqual(['start exporter/sink/b', 'start processor/plain/b'])
    expect(source()).toBe(receiver)
    await source().send(batch)
    expect([sink().count, sink('sink/b').count]).toEqual([2, 4])
    expect(balance('receiver/source → traces/b')).toMatchObject({ entered: 2, delivered: 2 })
    await reload(yaml({}))
    expect(story.take()).toEqual(['stop processor/plain/b', 'stop exporter/sink/b'])
    await source().send(batch)
    expect([sink().count, sink('sink/b').count]).toEqual([4, 4])
    expect(findings(true)).toEqual([])
  })

  test('a receiver of another signal is made anew', async () => {
    const { daemon, story, reload, source, sink } = daemonOf(yaml({}))
    await daemon.start()
    story.take()
    await reload(yaml({ pipelines: '{ logs: { receivers: [source], exporters: [sink] } }' }))
    expect(story.take()).toEqual(['start receiver/source', 'stop receiver/source', 'stop processor/plain'])
    await source().send(anyBatch('logs', 1))
    expect(sink().count).toBe(1)
  })

  test('a replaced component takes over its port; so does one of another name', async () => {
    const port = await freePort()
    const { daemon, story, part, reload } = daemonOf(yaml({ source: `{ port: ${port}, version: 1 }` }))
    await daemon.start()
    story.take()
    await reload(yaml({ source: `{ port: ${port}, version: 2 }` }))
    // The first start finds the port taken.
    expect(story.take()).toEqual(['start receiver/source', 'stop receiver/source', 'start receiver/source'])
    expect(part('receiver/source')).toMatchObject({ running: true, config: { version: 2 } })
    await reload(
      yaml({
        source: `{ port: ${port}, version: 2 }`,
        pipelines: '{ traces: { receivers: [source/b], processors: [plain], exporters: [sink] } }',
      }),
    )
    expect(part('receiver/source/b').running).toBe(true)
    expect(part('receiver/source').running).toBe(false)
    await daemon.stop()
  })

  test('a listener that still has to answer somebody does not hold up the next one', async () => {
    const port = await freePort()
    const clock = new FakeClock()
    const { daemon, story, part, reload } = daemonOf(yaml({ source: `{ port: ${port}, fails: hang }` }), { clock })
    await daemon.start()
    story.take()
    const reloaded = reload(yaml({ source: `{ port: ${port}, version: 2 }` }))
    await expect.poll(() => part('receiver/source')).toMatchObject({ running: true, config: { version: 2 } })
    expect(story.take()).toEqual(['start receiver/source', 'stop receiver/source', 'start receiver/source'])
    await clock.advance(40_000)
    await reloaded
    await daemon.stop()
  })

  const bad: [name: string, next: Parameters<typeof yaml>[0] | string, message: RegExp][] = [
    ['does not parse', 'receivers: [', /problem/],
    ['has a constructor that throws', { sink: '{ fails: create }' }, /exporter\/sink: no such file/],
    [
      'has an exporter that cannot start',
      { sink: '{ version: 2, fails: start }', source: '{ label: b }' },
      /exporter\/sink cannot start: no licence/,
    ],
    [
      'has a receiver that cannot start',
      { source: '{ fails: start }', sink: '{ version: 3 }' },
      /receiver\/source cannot start/,
    ],
    ['has an update that throws', { sink: '{ label: b }', plain: '{ fails: update }' }, /bad label/],
    [
      'has a way around the redaction',
      {
        pipelines: `
    traces: { receivers: [source], exporters: [sink] }
    logs: { receivers: [source], processors: [scrub], exporters: [sink] }`,
        more: 'scrub',
      },
      /without redaction/,
    ],
  ]
  test.each(bad)('one that %s leaves the old config running', async (_name, next, message) => {
    const { daemon, story, reload, source, sink, findings } = daemonOf(
      yaml({ source: '{ label: a }', sink: '{ label: a }' }),
    )
    await daemon.start()
    story.take()
    const text =
      typeof next === 'string'
        ? next
        : yaml(next).replace('plain/b: {}', next.more ? 'plain/b: {}, scrub: {}' : 'plain/b: {}')
    await expect((async () => reload(text))()).rejects.toThrow(message)
    expect(daemon.ready()).toBe(true)
    await source().send(batch)
    expect(sink().count).toBe(2)
    expect(findings(true)).toEqual([])
    for (const key of ['receiver/source', 'exporter/sink']) {
      expect(daemon.component(key)).toMatchObject({ running: true, config: { label: 'a' } })
    }
    const running = [...story.parts.values()].filter((part) => part.running)
    // Of a key the newest is known: nobody else may be running either.
    const started = story.lines.filter((line) => line.startsWith('start')).length
    const stoppedLines = story.lines.filter((line) => line.startsWith('stop')).length
    expect(started - stoppedLines).toBe(0)
    expect(running.length).toBeLessThanOrEqual(3)
    await reload(yaml({ source: '{ label: c }', sink: '{ label: c }' }))
    await source().send(batch)
    expect(sink().count).toBe(4)
    expect(await daemon.stop()).toBe(0)
  })

  test('an unbindable port: the old listener is there again', async () => {
    const [port, other] = [await freePort(), await freePort()]
    const { daemon, part, reload } = daemonOf(yaml({ source: `{ port: ${port} }` }))
    await daemon.start()
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(other, '127.0.0.1', resolve))
    await expect(reload(yaml({ source: `{ port: ${other} }` }))).rejects.toThrow(
      /receiver\/source cannot start: .*EADDRINUSE/,
    )
    expect(part('receiver/source')).toMatchObject({ running: true, config: { port } })
    server.close()
    await daemon.stop()
  })

  test('who uses an extension that is replaced is replaced too', async () => {
    const { daemon, story, part, reload } = daemonOf(yaml({ sink: '{ uses: helper }', extensions: 'helper' }))
    await daemon.start()
    story.take()
    await reload(yaml({ sink: '{ uses: helper }', extensions: 'helper', helper: '{ version: 2 }' }))
    expect(part('exporter/sink').found).toBe(part('extension/helper'))
    expect(story.take()).toEqual([
      'start extension/helper',
      'start exporter/sink',
      'stop exporter/sink',
      'stop extension/helper',
    ])
    await reload(yaml({ sink: '{ uses: helper }' }))
    expect(part('exporter/sink').found).toBeUndefined()
  })

  test('a batch under way on the old way ends there before that is stopped', async () => {
    const { daemon, story, reload, source, sink, findings } = daemonOf(yaml({}))
    await daemon.start()
    const open = sink().block()
    const sent = source().send(batch)
    story.take()
    const reloaded = reload(yaml({ sink: '{ version: 2 }' }))
    await expect.poll(() => story.lines).toEqual(['start exporter/sink'])
    open()
    await Promise.all([sent, reloaded])
    expect(story.take()).toEqual(['start exporter/sink', 'stop exporter/sink'])
    expect(sink().count).toBe(2)
    expect(findings(true)).toEqual([])
  })

  test('a stop during a reload comes after it; a reload after a stop is refused', async () => {
    const { daemon, story, reload } = daemonOf(yaml({}))
    await daemon.start()
    const reloaded = reload(yaml({ sink: '{ version: 2 }' }))
    const stopped = daemon.stop()
    await reloaded.catch(() => undefined)
    expect(await stopped).toBe(0)
    expect([...story.parts.values()].some((part) => part.running)).toBe(false)
    await expect(reload(yaml({}))).rejects.toThrow('not running')
  })

  test('50 times under load nothing is lost, refused or doubled', async () => {
    const { daemon, reload, source, sink, findings } = daemonOf(yaml({}))
    await daemon.start()
    let sending = true
    let sent = 0
    const load = (async () => {
      while (sending) {
        await source().send(batch)
        sent += batch.count
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
    const variants = [
      yaml({ plain: '{ version: 2 }' }),
      yaml({ sink: '{ version: 2 }' }),
      yaml({ source: '{ label: x }' }),
      yaml({ pipelines: '{ traces: { receivers: [source], processors: [plain/b, plain], exporters: [sink] } }' }),
      'service: nonsense',
    ]
    for (let turn = 0; turn < 50; turn++) {
      await (async () => reload(variants[turn % variants.length]!))().catch(() => undefined)
      for (let step = 0; step < 3; step++) await new Promise((resolve) => setImmediate(resolve))
      expect(findings()).toEqual([])
    }
    sending = false
    await load
    expect(sent).toBeGreaterThan(100)
    expect(sink().count).toBe(sent)
    expect(await daemon.stop()).toBe(0)
    expect(findings(true)).toEqual([])
  })
})
