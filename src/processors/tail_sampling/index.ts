import type { Consumer, Host, Processor, ProcessorFactory } from '../../component.ts'
import { schema, type TailSamplingConfig } from './config.ts'
import { RecordInput } from './record_input.ts'
import { Sampler } from './sampler.ts'
import { SpanInput } from './span_input.ts'

export const tailSampling: ProcessorFactory<TailSamplingConfig> = {
  kind: 'processor',
  type: 'tail_sampling',
  summary:
    'Keeps or drops whole traces by policies, some time after their first span, and their log records with them.',
  signals: ['traces', 'logs'],
  schema,
  create: <S>(config: TailSamplingConfig, host: Host, signal: S, next: unknown) => {
    const sampler = host.shared(() => new Sampler(config, host))
    const input =
      signal === 'logs'
        ? new RecordInput(sampler, config, host, next as Consumer<'logs'>)
        : new SpanInput(sampler, config, host, next as Consumer<'traces'>)
    return input as unknown as Processor<never>
  },
}
