/** The `forward` connector: what leaves one pipeline enters others of the same signal, unchanged. */
import type { Batches, Connector, ConnectorFactory, Consumer, Context, Ports, Signal } from '../../component.ts'
import { type ForwardConfig, schema } from './config.ts'

export const forward: ConnectorFactory<ForwardConfig> = {
  kind: 'connector',
  type: 'forward',
  summary: 'Hands what leaves one pipeline to other pipelines of the same signal.',
  signals: [
    ['traces', 'traces'],
    ['metrics', 'metrics'],
    ['logs', 'logs'],
  ],
  passesItems: true,
  countsOnly: false,
  schema,
  create: (_config, _host, next) => new Forward(next),
}

class Forward implements Connector {
  readonly inputs: Ports

  constructor(next: Ports) {
    this.inputs = {
      ...(next.traces && { traces: passage(next.traces) }),
      ...(next.metrics && { metrics: passage(next.metrics) }),
      ...(next.logs && { logs: passage(next.logs) }),
    }
  }

  async update(): Promise<boolean> {
    return true
  }
}

/** The next edge has an account of its own: here the items are delivered once it has taken them. */
function passage<S extends Signal>(next: Consumer<S>): Consumer<S> {
  return {
    async consume(batch: Batches[S], context: Context): Promise<void> {
      await next.consume(batch, context)
      context.account.deliver(batch.count)
    },
  }
}
