/** The way through gen_ai, redaction, gen_ai_logs and Loki's encoding for damaged telemetry: nothing throws, all stays readable. */
import assert from 'node:assert/strict'
import type { Account, Consumer, Context } from '../../src/component.ts'
import { genAiLogs } from '../../src/connectors/gen_ai_logs/index.ts'
import { converter, read } from '../../src/exporters/loki/push.fixture.ts'
import { decode } from '../../src/otlp/codec.ts'
import { genAi } from '../../src/processors/gen_ai/index.ts'
import { redaction } from '../../src/processors/redaction/index.ts'
import type { Batches, Signal } from '../../src/telemetry/batch.ts'
import { requestMessage } from '../../src/telemetry/signal.ts'
import { testHost } from '../support/host.ts'

const nothing = (): void => undefined
const account: Account = {
  name: 'fuzz',
  signal: 'traces',
  deliver: nothing,
  drop: (_, reason) => assert.notEqual(reason, 'redaction_failed'),
  sampleOut: nothing,
  duplicate: nothing,
  hold: nothing,
  release: nothing,
}
const context: Context = { account, metadata: new Map() }
const loki = converter()

/** Takes one batch after another, as the shipped config does. Rejects with whatever went wrong. */
export class Pipeline<S extends Signal> {
  readonly #host = testHost({ id: 'fuzz' })
  readonly #first: Consumer<S>
  #failed = 0

  constructor(signal: S, content: 'drop' | 'mask') {
    const redact = redaction.create(redaction.schema.parse({ content }), this.#host, signal, this.#behind(signal))
    this.#first =
      signal === 'metrics' ? redact : genAi.create(genAi.schema.parse({}), this.#host, signal as never, redact as never)
  }

  async run(batch: Batches[S]): Promise<void> {
    await this.#first.consume(batch, context)
    await this.#host.clock.advance(60_000)
    const failed = this.#host.meter.value('sluice_redaction_failed_closed') ?? 0
    const now = failed - this.#failed
    this.#failed = failed
    assert.equal(now, 0, 'redaction failed closed')
  }

  #behind(signal: S): Consumer<S> {
    if (signal === 'metrics') return { consume: async (batch) => expectReadable(batch) }
    if (signal === 'logs') return { consume: async (batch) => expectPushable(batch as unknown as Batches['logs']) }
    const next = { logs: { consume: async (logs: Batches['logs']) => expectPushable(logs) } }
    const logs = genAiLogs.create(genAiLogs.schema.parse({}), this.#host, next)
    void logs.start?.()
    return {
      consume: async (batch, given) => {
        expectReadable(batch)
        await logs.inputs.traces!.consume(batch as unknown as Batches['traces'], given)
      },
    }
  }
}

function expectPushable(batch: Batches['logs']): void {
  expectReadable(batch)
  const push = loki.convert(batch, Date.now())
  if (push !== undefined) read(push.bytes)
}

function expectReadable(batch: Batches[Signal]): void {
  decode(requestMessage[batch.signal], batch.bytes)
}
