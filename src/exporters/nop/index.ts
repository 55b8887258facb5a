/** Takes everything and does nothing with it. */
import { z } from 'zod'
import type { Consumer, Exporter, ExporterFactory, Host, Ports, Signal } from '../../component.ts'
import { ExporterCounts } from '../../sending/exporter_counts.ts'

const schema = z.strictObject({})

export const nop: ExporterFactory<z.output<typeof schema>> = {
  kind: 'exporter',
  type: 'nop',
  summary: 'Takes everything and throws it away, counted as sent.',
  schema,
  signals: ['traces', 'metrics', 'logs'],
  create: (_config, host) => new NopExporter(host),
}

class NopExporter implements Exporter {
  readonly inputs: Ports

  constructor(host: Host) {
    this.inputs = { traces: sink(host, 'traces'), metrics: sink(host, 'metrics'), logs: sink(host, 'logs') }
  }
}

function sink<S extends Signal>(host: Host, signal: S): Consumer<S> {
  const counts = new ExporterCounts(host, signal)
  return {
    async consume(batch, context) {
      counts.sent(batch.count)
      context.account.deliver(batch.count)
    },
  }
}
