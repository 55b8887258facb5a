/** A sampler between an account and a recorder, and what came out. Tests only. */
import { type BookedAccount, bookedAccount } from '../../../test/support/account.ts'
import { type TestHost, testHost } from '../../../test/support/host.ts'
import {
  attributesOf,
  itemsOf,
  type LogOptions,
  logBatch,
  type SpanOptions,
  traceBatch,
} from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import type { Batches, Context, Processor, Signal } from '../../component.ts'
import type { Message } from '../../otlp/codec.ts'
import { findings } from '../../pipeline/ledger.ts'
import { schema } from './config.ts'
import { tailSampling } from './index.ts'

export const ERRORS = { name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } }

export interface Bench<S extends Signal = 'traces'> {
  readonly host: TestHost
  readonly account: BookedAccount<S>
  readonly next: Recorder<S>
  readonly sampler: Processor<S>
  /** Sends a batch, or one of these items, and checks the books. */
  send(
    batch: Batches[S] | readonly (S extends 'logs' ? LogOptions : SpanOptions)[],
    more?: Partial<Context>,
  ): Promise<void>
  /** Lets time pass and checks the books. */
  pass(time_ms: number): Promise<void>
  /** Names of the kept spans, or bodies of the log records, with the way in which they were decided, in order: `chat:decided`. */
  kept(): string[]
  /** Entered, delivered, sampled out, pending, refused, duplicate and dropped. */
  books(): Record<string, unknown>
  stop(deadline?: AbortSignal): Promise<void>
}

interface Options<S extends Signal> {
  readonly shards?: number
  /** Default `traces`. */
  readonly signal?: S
  /** An instance of the same sampler in another pipeline. */
  readonly beside?: Bench<Signal>
  readonly host?: TestHost
}

export async function bench<S extends Signal = 'traces'>(
  config: object = {},
  options: Options<S> = {},
): Promise<Bench<S>> {
  const signal = options.signal ?? ('traces' as S)
  const host = options.beside?.host ?? options.host ?? testHost({ id: 'tail_sampling', shards: options.shards ?? 1 })
  const account = bookedAccount(signal)
  const next = new Recorder<S>()
  const parsed = schema.parse({ decision_wait: '10s', policies: [ERRORS], ...config })
  const sampler = tailSampling.create(parsed, host, signal, next)
  await sampler.start?.()
  const check = (): void => {
    const found = findings([account.balance()], true)
    if (found.length > 0) throw new Error(found.join('; '))
  }
  return {
    host,
    account,
    next,
    sampler,
    async send(batch, more) {
      const made = 'bytes' in batch ? batch : signal === 'logs' ? logBatch(batch as LogOptions[]) : traceBatch(batch)
      await account.feed(sampler, made as Batches[S], more).finally(check)
    },
    async pass(time_ms) {
      await host.clock.advance(time_ms)
      check()
    },
    kept: () =>
      next.batches.flatMap(itemsOf).map((item) => {
        const name = item['name'] ?? Object.values((item['body'] ?? {}) as Message)[0]
        return `${name}:${Object.fromEntries(attributesOf(item as Message))['sluice.sampling.decision']}`
      }),
    books() {
      const { entered, delivered, sampled_out, refused, duplicate, dropped, held } = account.balance()
      return { entered, delivered, sampled_out, refused, duplicate, dropped, pending: held.pending }
    },
    async stop(deadline = new AbortController().signal) {
      await sampler.shutdown?.(deadline)
      check()
    },
  }
}

/** A trace id of 32 digits. */
export function traceId(number: number): string {
  return number.toString(16).padStart(32, '0')
}

/** A span with an id of its own. */
export function span(trace: number, name: string, more: SpanOptions = {}): SpanOptions {
  return { trace: traceId(trace), id: (++spansMade).toString(16).padStart(16, '0'), name, ...more }
}

let spansMade = 0

export function failed(trace: number, name: string, more: SpanOptions = {}): SpanOptions {
  return span(trace, name, { status: { code: 2 }, ...more })
}

/** A log record of a trace. */
export function record(trace: number, body: string, more: LogOptions = {}): LogOptions {
  return { trace: traceId(trace), body, ...more }
}
