/** Shows telemetry as text. */
import type { Batches, Consumer, Context, Exporter, ExporterFactory, Host, Ports, Signal } from '../../component.ts'
import { standardLines } from '../../self/lines.ts'
import { ExporterCounts } from '../../sending/exporter_counts.ts'
import { describe } from './batch_text.ts'
import { type DebugConfig, schema } from './config.ts'

export const debug: ExporterFactory<DebugConfig> = {
  kind: 'exporter',
  type: 'debug',
  summary: 'Writes telemetry as text to standard error or output.',
  schema,
  signals: ['traces', 'metrics', 'logs'],
  create: (config, host) => new DebugExporter(config, host, writeTo(config)),
}

/** `write` gets whole lines. */
export class DebugExporter implements Exporter {
  readonly inputs: Ports

  constructor(config: DebugConfig, host: Host, write: (text: string) => void) {
    this.inputs = {
      traces: new Screen('traces', config, host, write),
      metrics: new Screen('metrics', config, host, write),
      logs: new Screen('logs', config, host, write),
    }
  }
}

class Screen<S extends Signal> implements Consumer<S> {
  readonly #config: DebugConfig
  readonly #host: Host
  readonly #write: (text: string) => void
  readonly #counts: ExporterCounts
  #second = -1
  #seen = 0

  constructor(signal: S, config: DebugConfig, host: Host, write: (text: string) => void) {
    this.#config = config
    this.#host = host
    this.#write = write
    this.#counts = new ExporterCounts(host, signal)
  }

  async consume(batch: Batches[S], context: Context): Promise<void> {
    if (this.#isShown()) this.#write(describe(this.#host.id, batch, this.#config.verbosity))
    this.#counts.sent(batch.count)
    context.account.deliver(batch.count)
  }

  #isShown(): boolean {
    const second = Math.floor(this.#host.clock.monotonic_ms() / 1000)
    if (second !== this.#second) this.#seen = 0
    this.#second = second
    const { sampling_initial, sampling_thereafter } = this.#config
    const after = ++this.#seen - sampling_initial
    return after <= 0 || (sampling_thereafter > 0 && after % sampling_thereafter === 0)
  }
}

function writeTo({ use_internal_logger, output_paths }: DebugConfig): (text: string) => void {
  const paths = use_internal_logger ? ['stderr' as const] : output_paths
  return (text) => {
    for (const path of paths) standardLines(path === 'stdout' ? 1 : 2).write(text)
  }
}
