import { describe, expect, test } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { testHost } from '../../../test/support/host.ts'
import { anyBatch } from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import { pressureOf } from '../../self/memory/pressure.ts'
import { memoryOf, ProcessMemory } from '../../self/memory/process_memory.ts'
import { schema } from './config.ts'
import { MemoryLimiter } from './index.ts'
import { limitsOf, memoryOfProcess } from './memory_limits.ts'

const MIB = 1 << 20

/** Figures in MiB. `collect` makes garbage go, but what is resident stays. */
function testMemory() {
  const memory = {
    used_mib: 0,
    garbage_mib: 0,
    resident_mib: 0,
    collections: 0,
    used: () => memory.used_mib * MIB,
    resident: () => {
      memory.resident_mib = Math.max(memory.resident_mib, memory.used_mib + memory.garbage_mib)
      return memory.resident_mib * MIB
    },
    collectable: () => (memory.used_mib + memory.garbage_mib) * MIB,
    total: () => 1000 * MIB,
    collect: () => {
      memory.collections++
      memory.garbage_mib = 0
    },
    close: () => undefined,
  }
  return memory
}

async function limiter(config: Record<string, unknown> = {}) {
  const host = testHost({ id: 'memory_limiter' })
  const memory = testMemory()
  const recorder = new Recorder<'traces'>()
  const processor = new MemoryLimiter(schema.parse({ limit_mib: 100, ...config }), host, 'traces', recorder, memory)
  await processor.start()
  const account = bookedAccount('traces')
  const pressure = pressureOf(host)
  const feed = () => account.feed(processor, anyBatch('traces', 3))
  return { host, memory, processor, account, pressure, feed }
}

describe('limits', () => {
  const cases: [string, Record<string, number>, hard_mib: number, soft_mib: number][] = [
    ['the spike is a fifth by default', { limit_mib: 100 }, 100, 80],
    ['a given spike', { limit_mib: 100, spike_limit_mib: 30 }, 100, 70],
    ['a percentage of what there is', { limit_percentage: 50 }, 500, 400],
    ['and of the spike', { limit_percentage: 75, spike_limit_percentage: 25 }, 750, 500],
    ['MiB win over per cent', { limit_mib: 100, limit_percentage: 80 }, 100, 80],
  ]
  test.each(cases)('%s', (_, config, hard_mib, soft_mib) => {
    const limits = limitsOf(schema.parse(config), 1000 * MIB)
    expect([limits.hard_bytes / MIB, limits.soft_bytes / MIB]).toEqual([hard_mib, soft_mib])
  })

  const small: [string, Record<string, number>, total_mib: number, hard_mib: number, soft_mib: number][] = [
    ['a share leaves room for what is beside it', { limit_percentage: 75 }, 256, 160, 128],
    ['the spike shrinks with it', { limit_percentage: 80, spike_limit_percentage: 40 }, 256, 160, 80],
    ['something is left in any case', { limit_percentage: 50 }, 100, 25, 20],
    ['MiB are what was asked for', { limit_mib: 250 }, 256, 250, 200],
    ['a third and a little more stays beside it', { limit_percentage: 75 }, 512, 333, 266],
    ['up to 208 MiB', { limit_percentage: 75 }, 768, 560, 448],
    ['in a gibibyte a share is what was asked for', { limit_percentage: 75 }, 1024, 768, 614],
  ]
  test.each(small)('small containers: %s', (_, config, total_mib, hard_mib, soft_mib) => {
    const limits = limitsOf(schema.parse(config), total_mib * MIB)
    expect([limits.hard_bytes, limits.soft_bytes].map((bytes) => Math.round(bytes / MIB))).toEqual([hard_mib, soft_mib])
  })

  test('the process has memory, and less than there is', () => {
    const process = new ProcessMemory()
    const memory = memoryOfProcess(process)
    const quiet_bytes = memory.used()
    expect(quiet_bytes).toBeGreaterThan(MIB)
    expect(memory.total()).toBeGreaterThan(memory.resident())
    const release = process.hold('test', () => 1000 * MIB)
    expect(memory.used() - quiet_bytes).toBeGreaterThan(900 * MIB)
    release()
    const garbage = Array.from({ length: 1_000_000 }, (_, number) => ({ number }))
    expect(garbage.length).toBe(1_000_000)
    memory.collect()
    expect(memory.used()).toBeLessThan(quiet_bytes + 100 * MIB)
    memory.close()
  })

  const mistakes: [Record<string, unknown>, string][] = [
    [{}, 'limit_mib or limit_percentage'],
    [{ limit_mib: 100, spike_limit_mib: 100 }, 'less than limit_mib (100)'],
    [{ limit_percentage: 10, spike_limit_percentage: 20 }, 'less than limit_percentage (10)'],
  ]
  test.each(mistakes)('%j is a mistake', (config, message) => {
    expect(schema.safeParse(config).error?.issues[0]?.message).toContain(message)
  })
})

describe('memory_limiter', () => {
  test('refuses over the soft limit, and takes again only somewhat below it', async () => {
    const { host, memory, account, pressure, feed } = await limiter()
    await feed()
    memory.used_mib = 81
    await host.clock.advance(1000)
    await expect(feed()).rejects.toMatchObject({ reason: 'memory_limit', retryable: true, retryAfter_ms: 1000 })
    expect(pressure.refusal()).toMatchObject({ reason: 'memory_limit' })
    memory.used_mib = 79
    await host.clock.advance(1000)
    await expect(feed()).rejects.toThrow('80 MiB')
    memory.used_mib = 75
    await host.clock.advance(1000)
    await feed()
    expect(pressure.refusal()).toBeUndefined()
    expect(account.balance()).toMatchObject({ entered: 6, delivered: 6, refused: 6 })
    expect(host.meter.value('otelcol_processor_memory_limiter_accepted_spans', { processor: 'memory_limiter' })).toBe(6)
    expect(host.meter.value('otelcol_processor_memory_limiter_refused_spans')).toBe(6)
    expect(host.statuses.map(({ state }) => state)).toEqual(['recoverable', 'ok'])
  })

  test('lets through what the daemon tells of what it has taken', async () => {
    const { host, memory, account, processor, feed } = await limiter()
    memory.used_mib = 81
    await host.clock.advance(1000)
    await expect(feed()).rejects.toMatchObject({ reason: 'memory_limit' })
    await account.feed(processor, anyBatch('traces', 2), { isOwn: true })
    expect(account.balance()).toMatchObject({ entered: 2, delivered: 2, refused: 3 })
  })

  test('where nothing falls further while it refuses, takes again below the soft limit', async () => {
    const { host, memory, feed } = await limiter()
    memory.used_mib = 81
    await host.clock.advance(1000)
    memory.used_mib = 79
    await host.clock.advance(9000)
    await expect(feed()).rejects.toThrow('80 MiB')
    await host.clock.advance(1000)
    await feed()
  })

  test('one of several limiters that recovers does not speak for the others', async () => {
    const one = await limiter()
    const memory = testMemory()
    memory.used_mib = 1000
    const other = new MemoryLimiter(schema.parse({ limit_mib: 1 }), one.host, 'logs', new Recorder<'logs'>(), memory)
    await other.start()
    one.memory.used_mib = 90
    await one.host.clock.advance(1000)
    one.memory.used_mib = 10
    await one.host.clock.advance(1000)
    expect(one.pressure.refusal()).toBeDefined()
    await other.shutdown()
    expect(one.pressure.refusal()).toBeUndefined()
  })

  test('takes another limit in place', async () => {
    const { host, memory, processor, feed } = await limiter()
    memory.used_mib = 90
    await host.clock.advance(1000)
    await expect(feed()).rejects.toThrow()
    expect(await processor.update(schema.parse({ limit_mib: 200 }))).toBe(true)
    await feed()
  })

  test('a process that is large, and holds nothing, goes on taking data', async () => {
    const { host, memory, feed } = await limiter()
    memory.resident_mib = 1000
    await host.clock.advance(100_000)
    await feed()
    expect(host.statuses).toEqual([])
  })

  test('what is held between two checks counts at once', async () => {
    const { memory, feed } = await limiter()
    memory.used_mib = 101
    await expect(feed()).rejects.toMatchObject({ reason: 'memory_limit' })
  })

  test('the limit is known to all', async () => {
    const { host, processor } = await limiter()
    expect(memoryOf(host).limit_bytes).toBe(100 * MIB)
    await processor.update(schema.parse({ limit_percentage: 50 }))
    expect(memoryOf(host).limit_bytes).toBe(500 * MIB)
  })

  test('a long check_interval makes nobody wait as long', async () => {
    const { memory, feed } = await limiter({ check_interval: '720h' })
    memory.used_mib = 101
    await expect(feed()).rejects.toMatchObject({ retryAfter_ms: 30_000 })
  })

  test('collects rarely while the process is large, and at every check while it is larger still', async () => {
    const { host, memory } = await limiter()
    const collectionsAfter = async (garbage_mib: number, time_ms: number) => {
      memory.garbage_mib += garbage_mib
      await host.clock.advance(time_ms)
      return memory.collections
    }
    expect(await collectionsAfter(90, 1000)).toBe(1)
    expect(await collectionsAfter(90, 8000), 'ten seconds have not passed').toBe(1)
    expect(await collectionsAfter(0, 2000)).toBe(2)
    expect(await collectionsAfter(101, 1000)).toBe(3)
    expect(await collectionsAfter(101, 1000)).toBe(4)
    expect(await collectionsAfter(0, 100_000), 'nothing was allocated since').toBe(4)
  })

  test('what has passed at the door makes it look, before any timer fires', async () => {
    const { host, memory } = await limiter()
    memory.garbage_mib = 101
    memoryOf(host).pass(5 * MIB)
    expect(memory.collections).toBe(1)
  })

  const coming: [string, garbage_mib: number, coming_mib: number, collections: number][] = [
    ['four times its bytes find room below the limits', 30, 10, 0],
    ['they would not: garbage goes first, each time', 70, 10, 3],
    ['a small body is no reason', 70, 2, 0],
  ]
  test.each(coming)('a large body is about to be made: %s', async (_, garbage_mib, coming_mib, collections) => {
    const { host, memory } = await limiter()
    for (let body = 0; body < 3; body++) {
      memory.garbage_mib = garbage_mib
      memoryOf(host).pass(coming_mib * MIB)
    }
    expect(memory.collections).toBe(collections)
  })

  test('several limiters collect the same garbage once', async () => {
    const { host, memory } = await limiter()
    const other = new MemoryLimiter(schema.parse({ limit_mib: 100 }), host, 'logs', new Recorder<'logs'>(), memory)
    await other.start()
    memory.garbage_mib = 101
    await host.clock.advance(1000)
    expect(memory.collections).toBe(1)
  })

  test('what lived may have gone: while data is refused it is measured again, though nothing was allocated', async () => {
    const { host, memory, feed } = await limiter()
    memory.used_mib = 90
    await host.clock.advance(1000)
    await expect(feed()).rejects.toThrow()
    memory.collect = () => {
      memory.used_mib = 10
    }
    await host.clock.advance(4000)
    await feed()
  })

  test('who holds something is asked to let go of it before anybody is refused', async () => {
    const { host, memory, feed } = await limiter()
    const asked: number[] = []
    const held_bytes = () => memory.used_mib * MIB
    memoryOf(host).hold('sampler', held_bytes)
    memoryOf(host).onShort({
      held_bytes,
      relieve: (bytes) => {
        asked.push(bytes / MIB)
        memory.used_mib -= bytes / MIB
      },
    })
    memory.used_mib = 79
    await host.clock.advance(1000)
    memory.used_mib = 90
    await host.clock.advance(1000)
    await feed()
    expect(asked).toEqual([3, 14])
  })

  test('while data is refused, collects at every check', async () => {
    const { host, memory } = await limiter()
    memory.used_mib = 90
    for (let check = 0; check < 3; check++) {
      memory.garbage_mib += 1000
      await host.clock.advance(1000)
    }
    expect(memory.collections).toBe(3)
  })
})
