/** The `gen_ai` processor: brings model calls of every dialect into the newest conventions, prices them, and
 * judges their answers. */
import type { Consumer, Host, Processor, ProcessorFactory, Signal } from '../../component.ts'
import { contentIn, type GenAiConfig, schema } from './config.ts'
import { RecordNormaliser } from './record_normaliser.ts'
import { SpanNormaliser } from './span_normaliser.ts'

export const genAi: ProcessorFactory<GenAiConfig> = {
  kind: 'processor',
  type: 'gen_ai',
  summary:
    'Recognises model calls in every dialect, writes them in the newest GenAI conventions, prices and judges them.',
  signals: ['traces', 'logs'],
  schema,
  contentKeys: contentIn,
  create<S extends Signal>(config: GenAiConfig, host: Host, signal: S, next: Consumer<S>): Processor<S> {
    const Made = signal === 'traces' ? SpanNormaliser : RecordNormaliser
    return new Made(config, host, next as never) as unknown as Processor<S>
  },
}
