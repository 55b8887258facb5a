/** Backends that fail in every way: others do not notice, nothing is lost in silence, what waits goes out afterwards. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import type { Mood } from './backends.ts'
import {
  booksClosed,
  complaints,
  type Drill,
  type DrillOptions,
  delivered,
  differs,
  droppedBefore,
  everythingCounted,
  OVERLAY,
  startDrill,
} from './drill.ts'
import { isLong } from './form.ts'

const TRAFFIC_ms = isLong ? 20_000 : 800
/** Moods in which a request may be repeated. */
const PASSING: readonly Mood[] = ['dead', 'hang', 'refuse', 'reset', 'slow']

let drill: Drill
const start = async (options: DrillOptions = {}) => (drill = await startDrill(options))
afterEach(() => drill?.close())

describe('D04 E01 E12: a backend that fails does not touch the others', () => {
  for (const mood of PASSING) {
    test(`E01 Tempo is ${mood}: every call is counted and told to Loki, all traces arrive when it is well`, async () => {
      const { tempo, loki, send } = await start({ tempo: mood })
      const sender = await send(TRAFFIC_ms)
      expect(await everythingCounted(drill, sender)).toEqual([])
      expect(
        await complaints(async () => differs('summaries in Loki', loki.items - loki.unheard, sender.taken)),
      ).toEqual([])
      await tempo.become('well')
      expect(await booksClosed(drill)).toEqual([])
      expect(await droppedBefore(drill, 'otlp_grpc/tempo')).toEqual({})
      expect(await delivered(drill, 'otlp_grpc/tempo')).toBe(sender.spans)
      expect(tempo.items - tempo.unheard).toBe(sender.spans)
    })

    test(`E01 E06 Loki is ${mood}: every call is counted, every trace reaches Tempo, all lines arrive when it is well`, async () => {
      const { tempo, loki, send } = await start({ loki: mood })
      const sender = await send(TRAFFIC_ms)
      expect(await everythingCounted(drill, sender)).toEqual([])
      expect(
        await complaints(async () => differs('spans in Tempo', tempo.items - tempo.unheard, sender.spans)),
      ).toEqual([])
      await loki.become('well')
      expect(await booksClosed(drill)).toEqual([])
      expect(await droppedBefore(drill, 'loki')).toEqual({})
      expect(loki.items - loki.unheard).toBe(sender.taken)
    })
  }

  test('E01 both are dead, and come back', async () => {
    const { tempo, loki, send } = await start({ tempo: 'dead', loki: 'dead' })
    const sender = await send(TRAFFIC_ms)
    expect(await everythingCounted(drill, sender)).toEqual([])
    await Promise.all([tempo.become('well'), loki.become('well')])
    expect(await booksClosed(drill)).toEqual([])
    expect([tempo.items - tempo.unheard, loki.items - loki.unheard]).toEqual([sender.spans, sender.taken])
  })

  test('E01 their names do not resolve: it starts, and counts every call', async () => {
    const endpoints = { TEMPO_ENDPOINT: 'tempo.invalid:4317', LOKI_ENDPOINT: 'http://loki.invalid:3100' }
    const { send } = await start({ endpoints })
    expect(await everythingCounted(drill, await send(TRAFFIC_ms))).toEqual([])
  })

  test('E01 they flap: everything arrives', async () => {
    const { tempo, loki, send } = await start()
    const moods: readonly Mood[] = ['dead', 'well', 'reset', 'well', 'hang', 'well', 'refuse', 'well']
    const traffic = send(moods.length * 400)
    for (const mood of moods) {
      await Promise.all([tempo.become(mood), loki.become(mood)])
      await sleep(400)
    }
    const sender = await traffic
    expect(await everythingCounted(drill, sender)).toEqual([])
    expect(await booksClosed(drill)).toEqual([])
    expect([tempo.items - tempo.unheard, loki.items - loki.unheard]).toEqual([sender.spans, sender.taken])
  })

  test('E04 Tempo rejects everything for good: counted once, and what comes later is delivered', async () => {
    const { tempo, send } = await start({ tempo: 'reject' })
    const bad = await send(TRAFFIC_ms)
    expect(await everythingCounted(drill, bad)).toEqual([])
    expect(await booksClosed(drill)).toEqual([])
    await tempo.become('well')
    const good = await send(TRAFFIC_ms)
    expect(await booksClosed(drill)).toEqual([])
    expect(good.faults.size + good.refused).toBe(0)
    expect(tempo.items).toBe(good.spans)
    const dropped = Object.values(await droppedBefore(drill, 'otlp_grpc/tempo'))
    expect(dropped.reduce((sum, items) => sum + items, 0)).toBe(bad.spans)
  })

  test('E12 D01 a queue that is full stops nobody else, and what it loses is counted', async () => {
    const tempo = { ...OVERLAY.exporters['otlp_grpc/tempo'], sending_queue: { queue_size: 2, sizer: 'requests' } }
    const overlay = {
      processors: { tail_sampling: { ...OVERLAY.processors.tail_sampling, max_pending_bytes: 1024 * 1024 } },
      exporters: { ...OVERLAY.exporters, 'otlp_grpc/tempo': tempo },
    }
    const { tempo: backend, loki, send } = await start({ tempo: 'dead', overlay })
    const sender = await send(isLong ? 60_000 : 4000)
    expect(await everythingCounted(drill, sender)).toEqual([])
    expect(await complaints(async () => differs('summaries in Loki', loki.items - loki.unheard, sender.taken))).toEqual(
      [],
    )
    await backend.become('well')
    expect(await booksClosed(drill)).toEqual([])
    const dropped = await droppedBefore(drill, 'otlp_grpc/tempo')
    expect(Object.keys(dropped).filter((reason) => reason !== 'queue_full')).toEqual([])
    expect(backend.items - backend.unheard + (dropped['queue_full'] ?? 0)).toBe(sender.spans)
  })
})

test('E01 scrapers that never read their answers disturb nobody', async () => {
  const { subject, send } = await start()
  const sockets = Array.from({ length: 30 }, () => connect(subject.ports.metrics, '127.0.0.1'))
  for (const socket of sockets) {
    socket.on('error', () => {})
    socket.pause()
    await once(socket, 'connect')
    socket.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50))
  }
  const sender = await send(TRAFFIC_ms)
  for (const socket of sockets) socket.destroy()
  expect(await everythingCounted(drill, sender)).toEqual([])
  expect(await booksClosed(drill)).toEqual([])
})
