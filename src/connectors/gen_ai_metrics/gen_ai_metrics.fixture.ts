/** The connector between an account and what takes its metrics. Tests only. */
import { type BookedAccount, bookedAccount } from '../../../test/support/account.ts'
import { type TestHost, testHost } from '../../../test/support/host.ts'
import {
  attributesOf,
  itemsOf,
  type LogOptions,
  logBatch,
  type PlainAttributes,
  type SpanOptions,
  traceBatch,
} from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import type { Account, Connector, Context } from '../../component.ts'
import type { Message } from '../../otlp/codec.ts'
import { findings } from '../../pipeline/ledger.ts'
import type { MetricBatch } from '../../telemetry/batch.ts'
import { schema } from './config.ts'
import { genAiMetrics } from './index.ts'

/** A call as the `gen_ai` processor leaves it. */
export function call(options: SpanOptions & { with?: Record<string, string | number | boolean> } = {}): SpanOptions {
  const { with: more, ...span } = options
  const attributes: PlainAttributes = {
    'sluice.dialect': 'otel-genai-newest',
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'm1',
    'gen_ai.usage.input_tokens': 100,
    'gen_ai.usage.output_tokens': 10,
    ...more,
  }
  return { id: `00000000000000${(++made % 200) + 16}`.slice(-16), ...span, attributes }
}

let made = 0

export interface Bench {
  readonly host: TestHost
  readonly account: BookedAccount<'traces'>
  readonly records: BookedAccount<'logs'>
  readonly next: Recorder<'metrics'>
  readonly connector: Connector
  send(...spans: SpanOptions[]): Promise<void>
  /** Log records, as `gen_ai` leaves them; with books of their own. */
  sendRecords(...records: LogOptions[]): Promise<void>
  pass(time_ms: number): Promise<void>
  /** Sum over the points of that metric with these labels in the newest batch that has any; undefined if there are none. */
  value(name: string, labels?: Record<string, string>): number | undefined
  /** The same of every batch that has any, in order. */
  values(name: string, labels?: Record<string, string>): number[]
  stop(): Promise<void>
}

export async function bench(config: object = {}, options: { shards?: number } = {}): Promise<Bench> {
  const host = testHost({ id: 'gen_ai_metrics', ...options })
  const account = bookedAccount()
  const records = bookedAccount('logs')
  const next = new Recorder<'metrics'>()
  // As the edge behind a connector does: what comes out gets books of its own.
  const books = { deliver: () => undefined } as Partial<Account> as Account
  const metrics = {
    consume: (batch: MetricBatch, context: Context) => next.consume(batch, { ...context, account: books }),
  }
  const connector = genAiMetrics.create(schema.parse(config), host, { metrics })
  await connector.start?.()
  const values = (name: string, labels: Record<string, string> = {}) =>
    next.batches.flatMap((batch) =>
      pointsOf(batch, name, labels)
        .slice(0, 1)
        .map(() => sum(pointsOf(batch, name, labels))),
    )
  return {
    host,
    account,
    records,
    next,
    connector,
    async send(...spans) {
      await account.feed(connector.inputs.traces!, traceBatch(spans))
      const found = findings([account.balance()], true)
      if (found.length > 0) throw new Error(found.join('; '))
    },
    async sendRecords(...list) {
      await records.feed(connector.inputs.logs!, logBatch(list))
      const found = findings([records.balance()], true)
      if (found.length > 0) throw new Error(found.join('; '))
    },
    pass: (time_ms) => host.clock.advance(time_ms),
    value: (name, labels) => values(name, labels).at(-1),
    values,
    stop: () => connector.shutdown!(new AbortController().signal),
  }
}

/** Values of the points: of counters the value, of histograms the count. */
function pointsOf(batch: MetricBatch, name: string, labels: Record<string, string>): number[] {
  const metrics = itemsOf(batch).filter((metric) => metric['name'] === name)
  const points = metrics.flatMap(
    (metric) => ((metric['sum'] ?? metric['histogram'] ?? metric['gauge']) as Message)['dataPoints'] as Message[],
  )
  return points
    .filter((point) => {
      const attributes = Object.fromEntries(attributesOf(point))
      return Object.entries(labels).every(([label, text]) => attributes[label] === text)
    })
    .map((point) => Number(point['asDouble'] ?? point['count'] ?? 0))
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
