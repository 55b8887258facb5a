/** For tests: the way of traces to a backend that answers by a script. */
import { z } from 'zod'
import type { Batches, Context } from '../component.ts'
import { decode, type Message } from '../otlp/codec.ts'
import type { FakeClock } from '../self/clock.ts'
import { sendingKeys } from './config.ts'
import { contextOf, TestAccount, testHost } from './host.fixture.ts'
import { SENT, type SendResult } from './sender.ts'
import { Sending } from './sending.ts'

export const schema = z.strictObject(sendingKeys('5s'))
export type Answer = SendResult | 'hang' | 'throw'

export interface Call {
  at_ms: number
  batch: Batches['traces']
  signal: AbortSignal
  answer(result: SendResult): void
}

/**
 * A line for traces whose backend answers by `script`, a list whose last answer holds for ever or a rule;
 * `'hang'` waits for `call.answer`.
 */
export function setUp(
  config: z.input<typeof schema> = {},
  script: Answer[] | ((call: Call) => Answer) = [SENT],
  random = () => 0.5,
) {
  const test = testHost()
  const calls: Call[] = []
  const sending = new Sending({
    host: test.host,
    settings: schema.parse(config),
    signals: ['traces', 'metrics', 'logs'],
    random,
    sender: () => ({
      send(batch, _context, signal) {
        const { promise, resolve } = Promise.withResolvers<SendResult>()
        const at_ms = test.clock.monotonic_ms()
        const call: Call = { at_ms, batch: batch as Batches['traces'], signal, answer: resolve }
        const answer = Array.isArray(script) ? script[Math.min(calls.length, script.length - 1)]! : script(call)
        calls.push(call)
        if (answer === 'throw') throw new Error('bug')
        if (answer !== 'hang') resolve(answer)
        return promise
      },
    }),
  })
  const port = sending.inputs.traces!
  void sending.start()
  const account = new TestAccount()
  const pass = (batch: Batches['traces'], more: Partial<Context> = {}, on = account) =>
    on.pass(batch.count, () => port.consume(batch, contextOf(on, more)))
  return { clock: test.clock, test, sending, calls, account, pass }
}

export const never = new AbortController().signal

/** Work that has begun sets its timers first. */
export async function advance(clock: FakeClock, by_ms: number): Promise<void> {
  await clock.advance(0)
  await clock.advance(by_ms)
}

export function namesIn(batch: Batches['traces']): string[] {
  const request = decode('TracesRequest', batch.bytes) as { resourceSpans?: Message[] }
  return (request.resourceSpans ?? [])
    .flatMap((resource) => resource['scopeSpans'] as Message[])
    .flatMap((scope) => scope['spans'] as Message[])
    .map((span) => span['name'] as string)
}
