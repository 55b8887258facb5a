/** What comes out of gen_ai → redaction → metrics and records for a request, at each of its exits. */
import type { Batches, Connector, Consumer, Processor, Signal } from '../../src/component.ts'
import { genAiLogs } from '../../src/connectors/gen_ai_logs/index.ts'
import { genAiMetrics } from '../../src/connectors/gen_ai_metrics/index.ts'
import { genAi } from '../../src/processors/gen_ai/index.ts'
import { redaction } from '../../src/processors/redaction/index.ts'
import { bookedAccount } from './account.ts'
import { testHost } from './host.ts'
import type { MemoryMeter } from './memory_meter.ts'
import { Recorder } from './recorder.ts'

export interface Exits<S extends Signal> {
  /** What redaction passes on. */
  readonly batch: Batches[S]
  /** The records that `gen_ai_logs` makes of it. */
  readonly records: readonly Batches['logs'][]
  /** The metrics that `gen_ai_metrics` makes of it. */
  readonly metrics: readonly Batches['metrics'][]
  /** Of the redaction. */
  readonly meter: MemoryMeter
}

/** `config`: of the redaction. Metrics that were sent pass the redaction alone. */
export async function exitsOfRequest<S extends Signal>(
  batch: Batches[S],
  config: object = { content: 'drop' },
): Promise<Exits<S>> {
  const signal = batch.signal as S
  const shared = testHost()
  const host = (id: string) => testHost({ id, clock: shared.clock, sharedWith: shared })
  const redactionHost = host('redaction')
  const redacted = new Recorder<S>()
  const last = redaction.create(redaction.schema.parse(config), redactionHost, signal, redacted) as Processor<S>
  const first =
    signal === 'metrics'
      ? last
      : (genAi.create(
          genAi.schema.parse({}),
          host('gen_ai'),
          signal as 'traces',
          last as never,
        ) as unknown as Processor<S>)
  await bookedAccount(signal).feed(first, batch)
  const passed = redacted.batches[0]!
  if (signal === 'metrics') return { batch: passed, records: [], metrics: [], meter: redactionHost.meter }

  const records = new Recorder<'logs'>()
  const metrics = new Recorder<'metrics'>()
  const logs = genAiLogs.create(genAiLogs.schema.parse({}), host('gen_ai_logs'), { logs: records })
  const counts = genAiMetrics.create(genAiMetrics.schema.parse({}), host('gen_ai_metrics'), { metrics })
  const connectors: readonly Connector[] = signal === 'traces' ? [logs, counts] : [counts]
  for (const connector of connectors) await connector.start?.()
  for (const connector of connectors) await bookedAccount(signal).feed(connector.inputs[signal] as Consumer<S>, passed)
  await shared.clock.advance(60_000)
  for (const connector of connectors) await connector.shutdown?.(new AbortController().signal)
  return { batch: passed, records: records.batches, metrics: metrics.batches, meter: redactionHost.meter }
}
