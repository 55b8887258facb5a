/** A host for one component under test: a clock that moves when told, metrics that can be read, a log that says nothing. */
import pino from 'pino'
import type { DaemonView, Extension, Host } from '../../src/component.ts'
import { FakeClock } from '../../src/self/clock.ts'
import { MadeServices, type Service } from '../../src/self/services.ts'
import { MemoryMeter } from './memory_meter.ts'

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

/** What those of one id share. */
const BY_ID: Service<Map<string, unknown>> = { make: () => new Map() }

export function testHost(options: TestHostOptions = {}): TestHost {
  const clock = options.clock ?? new FakeClock()
  const statuses: { state: string; message: string | undefined }[] = []
  const meter = options.meter ?? new MemoryMeter()
  const shards = options.shards ?? 1
  const services = options.sharedWith ?? new MadeServices({ clock, meter, shards })
  const id = options.id ?? 'component'
  return {
    id,
    log: pino({ level: 'silent' }),
    clock,
    meter,
    statuses,
    extension: (id) => options.extensions?.[id],
    service: (service) => services.service(service),
    shared<T>(make: () => T): T {
      const byId = services.service(BY_ID)
      if (!byId.has(id)) byId.set(id, make())
      return byId.get(id) as T
    },
    journal: async () => undefined,
    shards,
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
