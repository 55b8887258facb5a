/** The processor between a test and its results. */
import type { Context, Host } from '../../component.ts'
import { FakeClock } from '../../self/clock.ts'
import type { Labels } from '../../self/metrics/meter.ts'
import { MadeServices } from '../../self/services.ts'
import type { Batches } from '../../telemetry/batch.ts'
import { type GenAiConfig, schema } from './config.ts'
import { genAi } from './index.ts'

export interface Fixture<S extends 'traces' | 'logs' = 'traces'> {
  /** What the processor passes on for a batch. */
  normalise(batch: Batches[S]): Promise<Batches[S]>
  /** Value of a counter; labels as `name{key=value}`. */
  count(name: string): number
  /** Makes the next consumer refuse. */
  refuse(error: Error | undefined): void
  reconfigure(config: unknown): Promise<boolean>
}

export function processorForTests(config: unknown = {}): Fixture {
  return fixtureOf('traces', config)
}

export function recordProcessorForTests(config: unknown = {}): Fixture<'logs'> {
  return fixtureOf('logs', config)
}

function fixtureOf<S extends 'traces' | 'logs'>(signal: S, config: unknown): Fixture<S> {
  const counts = new Map<string, number>()
  let passed: Batches[S] | undefined
  let refusal: Error | undefined
  const services = new MadeServices({ clock: new FakeClock(), meter: meterInto(counts), shards: 1 })
  const { clock, meter } = services
  const host = { id: 'gen_ai', clock, meter, service: services.service.bind(services) } as unknown as Host
  const processor = genAi.create(schema.parse(config) as GenAiConfig, host, signal, {
    async consume(batch) {
      if (refusal !== undefined) throw refusal
      passed = batch
    },
  })
  return {
    async normalise(batch) {
      await processor.consume(batch, { metadata: new Map() } as unknown as Context)
      return passed!
    },
    count: (name) => counts.get(name) ?? 0,
    refuse: (error) => {
      refusal = error
    },
    reconfigure: (other) => processor.update!(schema.parse(other)),
  }
}

function meterInto(counts: Map<string, number>) {
  return {
    counter(name: string, _help: string, labels: Labels = {}) {
      const shown = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
      const key = shown.length > 0 ? `${name}{${shown.join(',')}}` : name
      return { add: (amount: number) => void counts.set(key, (counts.get(key) ?? 0) + amount) }
    },
    gauge() {},
    histogram: () => ({ record() {} }),
  }
}
