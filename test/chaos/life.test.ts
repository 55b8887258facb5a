/** The process and the machine under it: signals, reloads, kills, disks, descriptors, pipes. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { overlayOf, Subject } from './contained_daemon.ts'
import { smallDisk } from './disk.ts'
import {
  booksClosed,
  complaints,
  type Drill,
  type DrillOptions,
  differs,
  everythingCounted,
  OVERLAY,
  startDrill,
} from './drill.ts'
import { isLong } from './form.ts'
import { goodRequest, posted, sendGoodTraffic } from './good_traffic.ts'

const TRAFFIC_ms = isLong ? 20_000 : 800

let drill: Drill
const start = async (options: DrillOptions = {}) => (drill = await startDrill(options))
afterEach(() => drill?.close())

const canMount = smallDisk(1)
canMount?.remove()

describe.skipIf(canMount === undefined)('C08 the disk under the store', () => {
  const onDisk = (directory: string) => ({
    ...OVERLAY,
    exporters: { ...OVERLAY.exporters, store: { directory: `${directory}/store`, bytes_max: '6MiB' } },
  })

  test('C08 it is full: the others go on, and traces are stored again when there is room', async () => {
    const disk = smallDisk(8)!
    try {
      const { subject, tempo, send } = await start({ overlay: onDisk(disk.directory) })
      await send(500)
      disk.fill()
      const sender = await send(TRAFFIC_ms)
      expect([...sender.faults]).toEqual([])
      disk.free()
      const room_ms = Date.now()
      const later = await send(TRAFFIC_ms)
      expect([...later.faults]).toEqual([])
      expect(await complaints(async () => ((await storedSince(subject, room_ms)) > 0 ? [] : ['nothing new']))).toEqual(
        [],
      )
      expect(await booksClosed(drill)).toEqual([])
      expect(tempo.items).toBeGreaterThan(0)
    } finally {
      await drill.close()
      disk.remove()
    }
  })

  test('C08 F12 it is read-only at the start: the daemon takes data, or ends and says why', async () => {
    const disk = smallDisk(8)!
    disk.setReadOnly(true)
    try {
      const { send } = await start({ overlay: onDisk(disk.directory) })
      expect([...(await send(500)).faults]).toEqual([])
    } catch (error) {
      expect((error as Error).message).toMatch(/cannot use the directory/)
      expect((error as Error).message).toContain(disk.directory)
    } finally {
      await drill.close()
      disk.remove()
    }
  })
})

describe('reloads under load', () => {
  test('G07 bad configs change nothing, and nobody is refused', async () => {
    const { subject, tempo, send } = await start()
    const good = JSON.stringify(overlayOf(subject.ports, { overlay: OVERLAY }))
    const bad = [
      'receivers: [',
      '{"receivers": {"nobody": {}}}',
      good.replace('"policies"', '"polices"'),
      good.replace('always_sample', 'never_heard_of'),
      good.replace(`127.0.0.1:${subject.ports.health}`, `127.0.0.1:${tempo.port}`),
    ]
    const traffic = send(bad.length * 400)
    for (const text of bad) {
      subject.writeOverlay(text)
      subject.signal('SIGHUP')
      await sleep(400)
    }
    const sender = await traffic
    expect(await everythingCounted(drill, sender)).toEqual([])
    expect(await booksClosed(drill)).toEqual([])
    expect(tempo.items).toBe(sender.spans)
    expect(subject.log).toMatch(/ ERROR /)
  })

  test('G08 G10 good configs, one after the other and many at once: nothing is lost, nobody is refused', async () => {
    const { subject, tempo, loki, send } = await start()
    const rounds = isLong ? 200 : 15
    const traffic = send(rounds * 100)
    for (let i = 0; i < rounds; i++) {
      subject.writeOverlay(JSON.stringify(overlayOf(subject.ports, { overlay: variant(i) })))
      for (let storm = 0; storm < (i % 5 === 0 ? 20 : 1); storm++) subject.signal('SIGHUP')
      await sleep(100)
    }
    const sender = await traffic
    expect(await everythingCounted(drill, sender)).toEqual([])
    expect(await booksClosed(drill)).toEqual([])
    expect([tempo.items, loki.items]).toEqual([sender.spans, sender.taken])
  })
})

describe('the end', () => {
  test('G01 SIGTERM under load: what was acknowledged is in Tempo, nothing twice, exit code 0', async () => {
    const { subject, tempo } = await start()
    const sender = sendGoodTraffic(subject.ports.http, 5)
    await sleep(TRAFFIC_ms)
    subject.signal('SIGTERM')
    expect(await subject.ended()).toBe(0)
    await sender.stop()
    expect(tempo.items).toBe(sender.spans)
  })

  test('G03 SIGTERM with dead and hanging backends: within its time, exit code 1, and the log says how much was left', async () => {
    const overlay = { ...OVERLAY, service: { shutdown_timeout: '2s' } }
    const { subject, send } = await start({ tempo: 'dead', loki: 'hang', overlay })
    await send(TRAFFIC_ms)
    subject.signal('SIGTERM')
    expect(await subject.ended()).toBe(1)
    expect(subject.log).toMatch(/stopped before everything was handed on\s+items=\d+/)
  })

  test('G04 a second signal ends it at once', async () => {
    const { subject, send } = await start({ tempo: 'hang', loki: 'hang' })
    await send(300)
    subject.signal('SIGTERM')
    await sleep(300)
    subject.signal('SIGTERM')
    expect(await subject.ended(20_000)).toBe(1)
  })

  test('F10 F15 kill -9 under load, and again: it starts, the store has every trace that it had, the lock is free', async () => {
    const { subject: first, send } = await start()
    await send(TRAFFIC_ms)
    let subject = first
    for (let i = 0; i < (isLong ? 20 : 2); i++) {
      const sender = sendGoodTraffic(subject.ports.http, 5)
      await sleep(500)
      const before = await storedTraces(subject)
      subject.signal('SIGKILL')
      await subject.ended()
      await sender.stop()
      const next = await Subject.start({ overlay: OVERLAY, after: subject })
      await subject.destroy(true)
      subject = next
      const after = new Set(await loaded(subject))
      expect(before.length).toBeGreaterThan(0)
      expect(before.filter((id) => !after.has(id))).toEqual([])
    }
    await subject.destroy()
  })
})

describe('the machine', () => {
  test('C14 stopped for a while and continued: nothing is lost', async () => {
    const { subject, tempo, send } = await start()
    const traffic = send(isLong ? 7500 : 3000)
    await sleep(300)
    subject.signal('SIGSTOP')
    await sleep(isLong ? 5000 : 1500)
    subject.signal('SIGCONT')
    const sender = await traffic
    expect(await everythingCounted(drill, sender)).toEqual([])
    expect(await booksClosed(drill)).toEqual([])
    expect(tempo.items).toBe(sender.spans)
  })

  test('C07 all descriptors are in use: it lives, and takes data when some are free', async () => {
    const { subject, send } = await start({ descriptors: 200 })
    const { connect } = await import('node:net')
    const sockets = Array.from({ length: 400 }, () => connect(subject.ports.http, '127.0.0.1'))
    for (const socket of sockets) socket.on('error', () => {})
    await sleep(isLong ? 60_000 : 1000)
    for (const socket of sockets) socket.destroy()
    await sleep(200)
    expect(subject.alive).toBe(true)
    const sender = await send(500)
    expect(await everythingCounted(drill, sender)).toEqual([])
    expect(await booksClosed(drill)).toEqual([])
  })

  test('G12 nobody reads the log: requests are answered, and SIGTERM is heard', async () => {
    const { subject, tempo } = await start({ logUnread: true })
    // Each reload that fails writes some lines; a pipe holds 64 KiB.
    subject.writeOverlay('broken: [')
    let taken = 0
    for (let i = 0; i < (isLong ? 3000 : 600); i++) {
      subject.signal('SIGHUP')
      const { status, what } = await posted(subject.ports.http, undefined, goodRequest())
      if (status !== 200) expect(what).toBe('200')
      taken++
    }
    expect(await complaints(async () => differs('spans in Tempo', tempo.items, taken * 3))).toEqual([])
    subject.signal('SIGTERM')
    expect(await subject.ended(40_000)).toBe(0)
  })
})

/** Configs that differ in what a reload may change. */
function variant(i: number): object {
  const policies = [{ name: `all ${i}`, type: 'always_sample' }]
  const loki = { ...OVERLAY.exporters.loki, timeout: `${1 + (i % 3)}s` }
  return {
    processors: { tail_sampling: { policies }, redaction: { content: i % 2 === 0 ? 'drop' : 'mask' } },
    exporters: { ...OVERLAY.exporters, loki },
  }
}

interface Page {
  readonly traces: readonly { readonly trace_id: string }[]
  readonly loading: boolean
}

async function page({ ports }: Subject, query = ''): Promise<Page> {
  const answer = await fetch(`http://127.0.0.1:${ports.api}/api/traces?limit=1000${query}`)
  if (answer.status !== 200) throw new Error(`the API answers with ${answer.status}`)
  return (await answer.json()) as Page
}

async function storedTraces(subject: Subject): Promise<string[]> {
  return (await page(subject)).traces.map(({ trace_id }) => trace_id)
}

async function storedSince(subject: Subject, since_ms: number): Promise<number> {
  return (await page(subject, `&since=${new Date(since_ms).toISOString()}`)).traces.length
}

/** When the store has read its journal. */
async function loaded(subject: Subject): Promise<string[]> {
  expect(await complaints(async () => ((await page(subject)).loading ? ['still loading'] : []))).toEqual([])
  return storedTraces(subject)
}
