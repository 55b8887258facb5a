import type { Consumer, Host, Processor, ProcessorFactory } from '../../component.ts'
import { schema, type TailSamplingConfig } from './config.ts'
import { TailSampling } from './sampler.ts'

export const tailSampling: ProcessorFactory<TailSamplingConfig> = {
  kind: 'processor',
  type: 'tail_sampling',
  summary: 'Keeps or drops whole traces by policies, some time after their first span.',
  signals: ['traces'],
  schema,
  create: <S>(config: TailSamplingConfig, host: Host, _signal: S, next: unknown) =>
    new TailSampling(config, host, next as Consumer<'traces'>) as unknown as Processor<never>,
}
