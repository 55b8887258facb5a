import { afterEach, describe, expect, test, vi } from 'vitest'
import { bookedAccount } from '../../../test/support/account.ts'
import { testHost } from '../../../test/support/host.ts'
import { anyBatch } from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import { Pressure } from '../../self/pressure.ts'
import { schema } from './config.ts'
import { MemoryLimiter } from './index.ts'
import { limitsOf, processMemory } from './memory.ts'

const MIB = 1 << 20

async function limiter(config: Record<string, unknown> = {}) {
  const host = testHost({ id: 'memory_limiter' })
  const memory = { resident_mib: 0, resident: () => memory.resident_mib * MIB, total: () => 1000 * MIB }
  const recorder = new Recorder<'traces'>()
  const processor = new MemoryLimiter(schema.parse({ limit_mib: 100, ...config }), host, 'traces', recorder, memory)
  await processor.start()
  const account = bookedAccount('traces')
  const pressure = host.shared('pressure', () => new Pressure())
  const feed = () => account.feed(processor, anyBatch('traces', 3))
  return { host, memory, processor, account, pressure, feed }
}

afterEach(() => void vi.unstubAllGlobals())

describe('limits', () => {
  const cases: [string, Record<string, number>, hard_mib: number, soft_mib: number][] = [
    ['the spike is a fifth by default', { limit_mib: 100 }, 100, 80],
    ['a given spike', { limit_mib: 100, spike_limit_mib: 30 }, 100, 70],
    ['a percentage of what there is', { limit_percentage: 50 }, 500, 400],
    ['and of the spike', { limit_percentage: 80, spike_limit_percentage: 25 }, 800, 550],
    ['MiB win over per cent', { limit_mib: 100, limit_percentage: 80 }, 100, 80],
  ]
  test.each(cases)('%s', (_, config, hard_mib, soft_mib) => {
    const limits = limitsOf(schema.parse(config), 1000 * MIB)
    expect([limits.hard_bytes / MIB, limits.soft_bytes / MIB]).toEqual([hard_mib, soft_mib])
  })

  test('the process has memory, and less than there is', () => {
    expect(processMemory.resident()).toBeGreaterThan(MIB)
    expect(processMemory.total()).toBeGreaterThan(processMemory.resident())
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
    memory.resident_mib = 81
    await host.clock.advance(1000)
    await expect(feed()).rejects.toMatchObject({ reason: 'memory_limit', retryable: true, retryAfter_ms: 1000 })
    expect(pressure.refusal()).toMatchObject({ reason: 'memory_limit' })
    memory.resident_mib = 79
    await host.clock.advance(1000)
    await expect(feed()).rejects.toThrow('80 MiB')
    memory.resident_mib = 75
    await host.clock.advance(1000)
    await feed()
    expect(pressure.refusal()).toBeUndefined()
    expect(account.balance()).toMatchObject({ entered: 6, delivered: 6, refused: 6 })
    expect(host.meter.value('otelcol_processor_memory_limiter_accepted_spans', { processor: 'memory_limiter' })).toBe(6)
    expect(host.meter.value('otelcol_processor_memory_limiter_refused_spans')).toBe(6)
    expect(host.statuses.map(({ state }) => state)).toEqual(['recoverable', 'ok'])
  })

  test('one of several limiters that recovers does not speak for the others', async () => {
    const one = await limiter()
    const memory = { resident: () => 1000 * MIB, total: () => 1000 * MIB }
    const other = new MemoryLimiter(schema.parse({ limit_mib: 1 }), one.host, 'logs', new Recorder<'logs'>(), memory)
    await other.start()
    one.memory.resident_mib = 90
    await one.host.clock.advance(1000)
    one.memory.resident_mib = 10
    await one.host.clock.advance(1000)
    expect(one.pressure.refusal()).toBeDefined()
    await other.shutdown()
    expect(one.pressure.refusal()).toBeUndefined()
  })

  test('takes another limit in place', async () => {
    const { host, memory, processor, feed } = await limiter()
    memory.resident_mib = 90
    await host.clock.advance(1000)
    await expect(feed()).rejects.toThrow()
    expect(await processor.update(schema.parse({ limit_mib: 200 }))).toBe(true)
    await feed()
  })

  test('asks for a collection, rarely under the hard limit and at every check over it', async () => {
    const gc = vi.fn()
    vi.stubGlobal('gc', gc)
    const { host, memory } = await limiter()
    memory.resident_mib = 90
    await host.clock.advance(9000)
    expect(gc).toHaveBeenCalledTimes(1)
    memory.resident_mib = 101
    await host.clock.advance(3000)
    expect(gc).toHaveBeenCalledTimes(4)
  })
})
