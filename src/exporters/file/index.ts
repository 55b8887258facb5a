/** Writes requests to a file. */

import type { Consumer, Exporter, ExporterFactory, Host, Ports, Signal } from '../../component.ts'
import { protobufToJson } from '../../otlp/json_from_protobuf.ts'
import { retryLater } from '../../refusal.ts'
import { ExporterCounts } from '../../sending/exporter_counts.ts'
import { Health } from '../../sending/health.ts'
import type { Batches } from '../../telemetry/batch.ts'
import { requestMessage } from '../../telemetry/signal.ts'
import { type FileConfig, schema } from './config.ts'
import { RotatingFile } from './rotating_file.ts'

export const file: ExporterFactory<FileConfig> = {
  kind: 'exporter',
  type: 'file',
  summary: 'Appends OTLP requests to a file, one a line.',
  schema,
  signals: ['traces', 'metrics', 'logs'],
  create: (config, host) => new FileExporter(config, host),
}

class FileExporter implements Exporter {
  readonly inputs: Ports
  readonly #config: FileConfig
  readonly #host: Host
  readonly #health: Health
  readonly #file: RotatingFile
  #open = false
  #stopping = false

  constructor(config: FileConfig, host: Host) {
    this.#config = config
    this.#host = host
    this.#health = new Health(host)
    const { path, append, rotation } = config
    this.#file = new RotatingFile({ path, append, rotation, clock: host.clock })
    this.inputs = { traces: this.#port('traces'), metrics: this.#port('metrics'), logs: this.#port('logs') }
  }

  async start(): Promise<void> {
    try {
      await this.#file.open()
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'error'
      throw new Error(`${this.#host.id}: cannot open ${this.#config.path} for writing: ${code}`, { cause: error })
    }
    this.#open = true
  }

  async shutdown(): Promise<void> {
    this.#stopping = true
    await this.#file.close()
  }

  #port<S extends Signal>(signal: S): Consumer<S> {
    const counts = new ExporterCounts(this.#host, signal)
    return {
      consume: async (batch, context) => {
        if (this.#stopping || !this.#open) throw retryLater('shutdown', 'the file is not open')
        if (batch.items === 0) return
        const bytes = this.#encode(batch)
        try {
          await this.#file.write(bytes)
        } catch (error) {
          const message = `cannot write: ${(error as NodeJS.ErrnoException).code ?? 'error'}`
          this.#health.failed(signal, message)
          throw retryLater('export_failed', message)
        }
        this.#health.succeeded(signal)
        counts.sent(batch.count)
        context.account.deliver(batch.count)
      },
    }
  }

  #encode(batch: Batches[Signal]): Buffer {
    if (this.#config.format === 'json') {
      return Buffer.concat([protobufToJson(requestMessage[batch.signal], batch.bytes), LINE_BREAK])
    }
    const length = Buffer.alloc(4)
    length.writeUInt32BE(batch.bytes.length)
    return Buffer.concat([length, batch.bytes])
  }
}

const LINE_BREAK = Buffer.from('\n')
