/**
 * npm run bench:stages: what each stage of the shipped pipeline takes in CPU time for a span that is a model call, in this process and
 * without sockets: 519 bytes, 13 attributes. What waits is settled and decided within the time that is measured.
 */
import '../../src/self/v8_flags.ts'
import type { Batches, Connector, Consumer, Context, Processor } from '../../src/component.ts'
import { genAiLogs } from '../../src/connectors/gen_ai_logs/index.ts'
import { genAiMetrics } from '../../src/connectors/gen_ai_metrics/index.ts'
import { genAi } from '../../src/processors/gen_ai/index.ts'
import { redaction } from '../../src/processors/redaction/index.ts'
import { tailSampling } from '../../src/processors/tail_sampling/index.ts'
import { FakeClock } from '../../src/self/clock.ts'
import { bookedAccount } from '../support/account.ts'
import { type TestHost, testHost } from '../support/host.ts'
import { type SpanOptions, traceBatch } from '../support/otlp.ts'
import { Random } from './random.ts'

const SPANS_PER_BATCH = 100
const SPANS_PER_TRACE = 4
const BATCHES_PER_ROUND = 100
const ROUNDS = { warm: 8, measured: 15 }
/** Longer than anything waits. */
const QUIET_MS = 60_000

type Batch = Batches['traces']
type Take = (batch: Batch) => Promise<void>

const nowhere = { consume: async (batch: { count: number }, { account }: Context) => account.deliver(batch.count) }
const clock = new FakeClock()
const host = testHost({ clock })

await main()

async function main(): Promise<void> {
  const between = { gen_ai: [] as Batch[], redaction: [] as Batch[] }
  const into = (list: Batch[]) => ({
    consume: async (batch: Batch, { account }: Context) => {
      list.push(batch)
      account.deliver(batch.count)
    },
  })
  const stages: [name: string, take: Take, from: 'raw' | keyof typeof between][] = [
    ['gen_ai', through(genAi.create(genAi.schema.parse({}), hostOf('gen_ai'), 'traces', into(between.gen_ai))), 'raw'],
    [
      'redaction',
      through(
        redaction.create(
          redaction.schema.parse({ content: 'drop' }),
          hostOf('redaction'),
          'traces',
          into(between.redaction),
        ),
      ),
      'gen_ai',
    ],
    [
      'both connectors',
      both(await connector(genAiLogs, 'logs'), await connector(genAiMetrics, 'metrics')),
      'redaction',
    ],
    ['tail_sampling', through(await sampler()), 'redaction'],
  ]
  const times_us = new Map<string, number[]>()
  const random = new Random(7)
  let size_bytes = 0
  for (let round = 0; round < ROUNDS.warm + ROUNDS.measured; round++) {
    const raw = Array.from({ length: BATCHES_PER_ROUND }, (_, at) => batchOf(random, round * BATCHES_PER_ROUND + at))
    size_bytes = raw[0]!.bytes.length / SPANS_PER_BATCH
    between.gen_ai.length = between.redaction.length = 0
    for (const [name, take, from] of stages) {
      const batches = [...(from === 'raw' ? raw : between[from])]
      const begun = process.cpuUsage()
      for (const batch of batches) await take(batch)
      await clock.advance(QUIET_MS)
      const { user, system } = process.cpuUsage(begun)
      const time_us = (user + system) / (BATCHES_PER_ROUND * SPANS_PER_BATCH)
      if (round >= ROUNDS.warm) times_us.set(name, [...(times_us.get(name) ?? []), time_us])
    }
  }
  console.log(`µs for a span of ${Math.round(size_bytes)} bytes, median of ${ROUNDS.measured} rounds`)
  const medians = [...times_us].map(([name, list]) => [name, list.sort((a, b) => a - b)[list.length >> 1]!] as const)
  const total_us = medians.reduce((sum, [, median_us]) => sum + median_us, 0)
  for (const [name, median_us] of [...medians, ['together', total_us] as const])
    console.log(`${name.padEnd(16)} ${median_us.toFixed(2)}`)
}

function hostOf(id: string): TestHost {
  return testHost({ id, clock, sharedWith: host })
}

function through(part: Processor<'traces'> | Connector): Take {
  const consumer = ('inputs' in part ? part.inputs.traces : part) as Consumer<'traces'>
  const account = bookedAccount()
  return (batch) => account.feed(consumer, batch)
}

/** As a fan-out hands a batch to them, which share what they know of its steps. */
function both(...connectors: Connector[]): Take {
  const takes = connectors.map(through)
  return async (batch) => {
    for (const take of takes) await take(batch)
  }
}

async function connector(
  factory: typeof genAiMetrics | typeof genAiLogs,
  signal: 'metrics' | 'logs',
): Promise<Connector> {
  const made = factory.create(factory.schema.parse({}) as never, hostOf(factory.type), { [signal]: apart(signal) })
  await made.start?.()
  return made
}

async function sampler(): Promise<Processor<'traces'>> {
  const policies = [
    { name: 'errors', type: 'errors' },
    { name: 'low quality', type: 'quality', quality: { threshold: 0.5 } },
    { name: 'slow', type: 'latency', latency: { threshold_ms: 10_000 } },
    { name: 'the rest', type: 'probabilistic', probabilistic: { sampling_percentage: 7.5 } },
  ]
  const made = tailSampling.create(tailSampling.schema.parse({ policies }), hostOf('tail_sampling'), 'traces', nowhere)
  await made.start?.()
  return made
}

/** What comes out of a connector has books of its own. */
function apart(signal: 'metrics' | 'logs') {
  const account = bookedAccount(signal)
  return { consume: (batch: Batches[typeof signal]) => account.feed(nowhere as never, batch) }
}

function batchOf(random: Random, number: number): Batch {
  const spans: SpanOptions[] = []
  for (let at = 0; at < SPANS_PER_BATCH; at += SPANS_PER_TRACE) {
    const trace = random.hex(32)
    for (let span = 0; span < SPANS_PER_TRACE; span++) spans.push(spanOf(random, trace, number))
  }
  return traceBatch(spans, { resource: { 'service.name': 'shop' }, scope: { name: 'an.instrumentation' } })
}

function spanOf(random: Random, trace: string, number: number): SpanOptions {
  return {
    trace,
    id: random.hex(16),
    parent: random.hex(16),
    name: 'chat gpt-4o-mini',
    kind: 3,
    start_ms: 1_700_000_000_000 + number,
    end_ms: 1_700_000_000_000 + number + random.whole(200, 4000),
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.request.model': 'gpt-4o-mini',
      'gen_ai.response.model': 'gpt-4o-mini-2024-07-18',
      'gen_ai.response.id': `chatcmpl-${random.token(20)}`,
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': random.whole(100, 9000),
      'gen_ai.usage.output_tokens': random.whole(10, 900),
      'gen_ai.request.temperature': 0.7,
      'gen_ai.request.max_tokens': 1024,
      'server.address': 'api.openai.com',
      'server.port': 443,
      'gen_ai.conversation.id': random.hex(12),
    },
  }
}
