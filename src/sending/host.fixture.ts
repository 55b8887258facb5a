/** For tests: a host with a fake clock whose logs and metrics can be read, an account that checks itself, batches. */
import type { Account, Context, Host, Signal } from '../component.ts'
import { encode, type Message } from '../otlp/codec.ts'
import { type Clock, FakeClock } from '../self/clock.ts'
import { MadeServices } from '../self/services.ts'
import { type Batches, trusted } from '../telemetry/batch.ts'

export interface LogLine {
  readonly level: string
  readonly fields: Record<string, unknown>
  readonly text: string
}

/** A host, and what it was told. */
export class TestHost<C extends Clock = FakeClock> {
  readonly lines: LogLine[] = []
  readonly statuses: string[] = []
  readonly values = new Map<string, number>()
  readonly gauges = new Map<string, () => number>()
  readonly clock: C
  readonly host: Host

  constructor(clock: C, id = 'otlp_http/test') {
    this.clock = clock
    const log = (level: string) => (fields: Record<string, unknown>, text: string) =>
      this.lines.push({ level, fields, text })
    const host: Partial<Host> = {
      id,
      clock,
      log: { info: log('info'), warn: log('warn'), error: log('error'), debug: log('debug') } as unknown as Host['log'],
      meter: {
        counter: (name, _help, labels) => {
          const key = series(name, labels)
          this.values.set(key, this.values.get(key) ?? 0)
          return { add: (amount) => void this.values.set(key, this.values.get(key)! + amount) }
        },
        gauge: (name, _help, labels, read) => void this.gauges.set(series(name, labels), read),
        histogram: () => ({ record: () => {} }),
      },
      shards: 1,
      service: (service) => services.service(service),
      daemon: { version: '0.0.0-test', startedAt_ms: 0, ready: () => true, snapshot: () => ({}) },
      status: (state, message) => void this.statuses.push(message === undefined ? state : `${state}: ${message}`),
    }
    this.host = host as Host
    const services = new MadeServices(this.host)
  }

  /** A counter by name and, without `exporter`, its labels' values. */
  counter(name: string, ...labels: string[]): number {
    return this.values.get([name, ...labels].join(' ')) ?? 0
  }

  gauge(name: string, ...labels: string[]): number {
    return this.gauges.get([name, ...labels].join(' '))!()
  }
}

/** With a fake clock. */
export function testHost(id?: string): TestHost {
  return new TestHost(new FakeClock(), id)
}

function series(name: string, labels: Readonly<Record<string, string>> = {}): string {
  return [name, ...Object.entries(labels).flatMap(([key, value]) => (key === 'exporter' ? [] : [value]))].join(' ')
}

/** Throws at once when items would be taken from where there are none: the equation holds after every step. */
export class TestAccount implements Account {
  readonly name = 'receiver/test → exporter'
  readonly signal: Signal
  entered = 0
  delivered = 0
  dropped: Record<string, number> = {}
  held = { in_flight: 0, pending: 0, queued: 0, rescuable: 0 }

  constructor(signal: Signal = 'traces') {
    this.signal = signal
  }

  /** What the edge does around `consume`. */
  async pass(items: number, consume: () => Promise<void>): Promise<void> {
    this.entered += items
    this.held.in_flight += items
    try {
      await consume()
    } catch (error) {
      this.entered -= items
      this.#take(items, 'in_flight')
      this.#check()
      throw error
    }
  }

  deliver(items: number): void {
    this.#take(items, 'in_flight')
    this.delivered += items
    this.#check()
  }

  drop(items: number, reason: string): void {
    this.#take(items, 'in_flight')
    this.dropped[reason] = (this.dropped[reason] ?? 0) + items
    this.#check()
  }

  sampleOut(): void {
    throw new Error('exporters do not sample')
  }

  duplicate(): void {
    throw new Error('exporters do not look for duplicates')
  }

  hold(items: number, place: 'pending' | 'queued' | 'rescuable'): void {
    this.#take(items, 'in_flight')
    this.held[place] += items
    this.#check()
  }

  release(items: number, place: 'pending' | 'queued' | 'rescuable'): void {
    this.#take(items, place)
    this.held.in_flight += items
  }

  #take(items: number, place: keyof TestAccount['held']): void {
    if (!Number.isInteger(items) || items < 0) throw new Error(`booked ${items} items`)
    if (this.held[place] < items) throw new Error(`took ${items} items from ${this.held[place]} ${place}`)
    this.held[place] -= items
  }

  #check(): void {
    const sum = (record: Record<string, number>) => Object.values(record).reduce((total, one) => total + one, 0)
    const rest = this.entered - this.delivered - sum(this.dropped) - sum(this.held)
    if (rest !== 0) throw new Error(`${rest} items have no place`)
  }
}

export function contextOf(account: Account, more: Partial<Context> = {}): Context {
  return { account, metadata: new Map(), ...more }
}

/** `count` spans named `prefix-0` …, each with an attribute of `padding` bytes, in one resource and scope. */
export function spans(count: number, prefix = 'span', padding = 0): Batches['traces'] {
  const attributes = padding === 0 ? [] : [{ key: 'padding', value: { stringValue: 'x'.repeat(padding) } }]
  const list = Array.from({ length: count }, (_, at) => ({
    traceId: Buffer.alloc(16, at + 1),
    spanId: Buffer.alloc(8, at + 1),
    name: `${prefix}-${at}`,
    attributes,
  }))
  return batchOf('traces', 'TracesRequest', {
    resourceSpans: [{ resource: RESOURCE, scopeSpans: [{ scope: { name: 'test' }, spans: list }] }],
  })
}

/** One gauge for each number, with so many data points. */
export function metrics(points: readonly number[]): Batches['metrics'] {
  const list = points.map((count, at) => ({
    name: `metric-${at}`,
    gauge: { dataPoints: Array.from({ length: count }, (_, value) => ({ asInt: BigInt(value) })) },
  }))
  return batchOf('metrics', 'MetricsRequest', {
    resourceMetrics: [{ resource: RESOURCE, scopeMetrics: [{ scope: { name: 'test' }, metrics: list }] }],
  })
}

export function logs(count: number): Batches['logs'] {
  const list = Array.from({ length: count }, (_, at) => ({
    severityNumber: 9,
    body: { stringValue: `line ${at}` },
    attributes: [],
  }))
  return batchOf('logs', 'LogsRequest', {
    resourceLogs: [{ resource: RESOURCE, scopeLogs: [{ scope: { name: 'test' }, logRecords: list }] }],
  })
}

const RESOURCE = { attributes: [{ key: 'service.name', value: { stringValue: 'test-service' } }] }

function batchOf<S extends Signal>(
  signal: S,
  message: 'TracesRequest' | 'MetricsRequest' | 'LogsRequest',
  content: Message,
): Batches[S] {
  return trusted(signal, encode(message, content).take())
}

/** Resolves as soon as `isSo`; the test's time limit is the limit. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise<void>((resolve) => setImmediate(resolve))
}
