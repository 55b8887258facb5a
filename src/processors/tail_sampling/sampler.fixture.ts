/** A sampler between an account and a recorder, and what came out. Tests only. */
import { type BookedAccount, bookedAccount } from '../../../test/support/account.ts'
import { type TestHost, testHost } from '../../../test/support/host.ts'
import { attributesOf, itemsOf, type SpanOptions, traceBatch } from '../../../test/support/otlp.ts'
import { Recorder } from '../../../test/support/recorder.ts'
import type { Context, Processor } from '../../component.ts'
import type { Message } from '../../otlp/codec.ts'
import { findings } from '../../pipeline/ledger.ts'
import type { TraceBatch } from '../../telemetry/batch.ts'
import { schema } from './config.ts'
import { tailSampling } from './index.ts'

export const ERRORS = { name: 'errors', type: 'status_code', status_code: { status_codes: ['ERROR'] } }

export interface Bench {
  readonly host: TestHost
  readonly account: BookedAccount<'traces'>
  readonly next: Recorder<'traces'>
  readonly sampler: Processor<'traces'>
  /** Sends a batch, or one of these spans, and checks the books. */
  send(batch: TraceBatch | readonly SpanOptions[], more?: Partial<Context>): Promise<void>
  /** Lets time pass and checks the books. */
  pass(time_ms: number): Promise<void>
  /** Names of the kept spans with the way in which they were decided, in order: `chat:decided`. */
  kept(): string[]
  /** Entered, delivered, sampled out, pending, refused and dropped. */
  books(): Record<string, unknown>
  stop(deadline?: AbortSignal): Promise<void>
}

export async function bench(config: object = {}, options: { shards?: number } = {}): Promise<Bench> {
  const host = testHost({ id: 'tail_sampling', ...options })
  const account = bookedAccount()
  const next = new Recorder<'traces'>()
  const parsed = schema.parse({ decision_wait: '10s', policies: [ERRORS], ...config })
  const sampler = tailSampling.create(parsed, host, 'traces', next)
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
      const made = 'bytes' in batch ? batch : traceBatch(batch)
      await account.feed(sampler, made, more).finally(check)
    },
    async pass(time_ms) {
      await host.clock.advance(time_ms)
      check()
    },
    kept: () =>
      next.batches
        .flatMap(itemsOf)
        .map(
          (span) => `${span['name']}:${Object.fromEntries(attributesOf(span as Message))['sluice.sampling.decision']}`,
        ),
    books() {
      const { entered, delivered, sampled_out, refused, dropped, held } = account.balance()
      return { entered, delivered, sampled_out, refused, dropped, pending: held.pending }
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

export function span(trace: number, name: string, more: SpanOptions = {}): SpanOptions {
  return { trace: traceId(trace), name, ...more }
}

export function failed(trace: number, name: string, more: SpanOptions = {}): SpanOptions {
  return span(trace, name, { status: { code: 2 }, ...more })
}
