/** The connector between an account and what takes its log records. Tests only. */
import { type BookedAccount, bookedAccount, discrepancyOf } from '../../../test/support/account.ts'
import { type TestHost, testHost } from '../../../test/support/host.ts'
import {
  attributesOf,
  type GroupOptions,
  itemsOf,
  type LogOptions,
  logBatch,
  type Plain,
  type PlainAttributes,
  type SpanOptions,
  traceBatch,
} from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import type { Connector, Context } from '../../component.ts'
import type { Message } from '../../otlp/codec.ts'
import { findings } from '../../pipeline/ledger.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { receive } from '../../telemetry/receive.ts'
import { schema } from './config.ts'
import { genAiLogs } from './index.ts'

/** A call as `gen_ai` and `redaction` leave it. Each has another span id. */
export function call(options: SpanOptions & { with?: PlainAttributes } = {}): SpanOptions {
  const { with: more, ...span } = options
  const attributes = {
    'sluice.dialect': 'otel-genai-newest',
    'gen_ai.operation.name': 'chat',
    'gen_ai.provider.name': 'openai',
    'gen_ai.request.model': 'm1',
    'gen_ai.usage.input_tokens': 100,
    'gen_ai.usage.output_tokens': 10,
    ...(more as Record<string, Plain>),
  }
  return { id: (++made + 4096).toString(16).padStart(16, '0'), start_ms: 1000, end_ms: 2000, ...span, attributes }
}

let made = 0

/** A decoded log record. */
export interface LogFacts {
  readonly event: string
  readonly trace: string
  readonly span: string
  readonly severity: string
  readonly body: Plain
  readonly attributes: Record<string, Plain>
  readonly message: Message
}

export interface Bench {
  readonly host: TestHost
  readonly account: BookedAccount<'traces'>
  readonly ofRecords: BookedAccount<'logs'>
  readonly behind: BookedAccount<'logs'>
  readonly next: Recorder<'logs'>
  readonly connector: Connector
  send(...spans: SpanOptions[]): Promise<void>
  /** Log records, as `gen_ai` and `redaction` leave them; with books of their own. */
  sendRecords(...records: LogOptions[]): Promise<void>
  feed(batch: TraceBatch, more?: Partial<Context>): Promise<void>
  pass(time_ms: number): Promise<void>
  /** All records that were taken, of that kind if one is named. */
  records(kind?: 'summary' | 'content'): LogFacts[]
  stop(): Promise<void>
}

export async function bench(
  config: object = {},
  options: { shards?: number; group?: GroupOptions } = {},
): Promise<Bench> {
  const host = testHost({ id: 'gen_ai_logs', shards: options.shards ?? 1 })
  const account = bookedAccount()
  const ofRecords = bookedAccount('logs')
  const behind = bookedAccount('logs', 'connector/gen_ai_logs → logs')
  const next = new Recorder<'logs'>()
  const edge = {
    consume: (batch: Parameters<typeof next.consume>[0], context: Context) => behind.feed(next, batch, context),
  }
  const connector = genAiLogs.create(schema.parse(config), host, { logs: edge })
  await connector.start?.()
  const feed = async (batch: TraceBatch, more: Partial<Context> = {}) => {
    await account.feed(connector.inputs.traces!, batch, more)
    const found = findings([account.balance()], true)
    if (found.length > 0) throw new Error(found.join('; '))
  }
  return {
    host,
    account,
    ofRecords,
    behind,
    next,
    connector,
    feed,
    send: (...spans) => feed(traceBatch(spans, options.group)),
    async sendRecords(...list) {
      await ofRecords.feed(connector.inputs.logs!, logBatch(list, options.group))
      const found = findings([ofRecords.balance()], true)
      if (found.length > 0) throw new Error(found.join('; '))
    },
    pass: (time_ms) => host.clock.advance(time_ms),
    records(kind) {
      if (discrepancyOf(behind.balance()) !== 0) throw new Error('the books behind the connector do not balance')
      const all = next.batches.flatMap((batch) => itemsOf(receive('logs', batch.bytes).batch).map(recordOf))
      return kind === undefined ? all : all.filter(({ event }) => event === `sluice.gen_ai.${kind}`)
    },
    stop: () => connector.shutdown!(new AbortController().signal),
  }
}

function recordOf(message: Message): LogFacts {
  const hex = (id: unknown) => (id === undefined ? '' : (id as Buffer).toString('hex'))
  const body = attributesOf({ attributes: [{ key: 'body', value: message['body'] as Message }] })[0]![1]
  return {
    event: (message['eventName'] ?? '') as string,
    trace: hex(message['traceId']),
    span: hex(message['spanId']),
    severity: `${message['severityText']} ${message['severityNumber']}`,
    body,
    attributes: Object.fromEntries(attributesOf(message)),
    message,
  }
}
