/** A host for one component under test: a clock that moves when told, metrics that can be read, a log that says nothing. */
import pino from 'pino'
import type { DaemonView, Extension, Host } from '../../src/component.ts'
import { FakeClock } from '../../src/self/clock.ts'
import { MemoryMeter } from './meter.ts'

export interface TestHost extends Host {
  readonly clock: FakeClock
  readonly meter: MemoryMeter
  /** What the component said about itself, in order. */
  readonly statuses: readonly { readonly state: string; readonly message: string | undefined }[]
}

export interface TestHostOptions {
  /** Default `component`. */
  readonly id?: string
  readonly clock?: FakeClock
  readonly meter?: MemoryMeter
  /** Default 1. */
  readonly shards?: number
  readonly extensions?: Readonly<Record<string, Extension>>
  /** Another host whose shared state this one has too, as instances of one daemon do. */
  readonly sharedWith?: Host
  readonly daemon?: Partial<DaemonView>
}

export function testHost(options: TestHostOptions = {}): TestHost {
  const clock = options.clock ?? new FakeClock()
  const statuses: { state: string; message: string | undefined }[] = []
  const shared = new Map<string, unknown>()
  return {
    id: options.id ?? 'component',
    log: pino({ level: 'silent' }),
    clock,
    meter: options.meter ?? new MemoryMeter(),
    statuses,
    extension: (id) => options.extensions?.[id],
    shared<T>(key: string, make: () => T): T {
      if (options.sharedWith !== undefined) return options.sharedWith.shared(key, make)
      if (!shared.has(key)) shared.set(key, make())
      return shared.get(key) as T
    },
    journal: async () => undefined,
    shards: options.shards ?? 1,
    daemon: {
      version: '0.0.0-test',
      startedAt_ms: clock.now_ms(),
      ready: () => true,
      snapshot: () => ({ ledger: [] }),
      ...options.daemon,
    },
    status: (state, message) => void statuses.push({ state, message }),
  }
}
