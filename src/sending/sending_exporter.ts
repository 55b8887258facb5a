import type { Exporter, Host, Ports, Signal } from '../component.ts'
import type { Sender } from './sender.ts'
import { Sending, type SendingOptions } from './sending.ts'

/** What an exporter that sends has of its own: a connection to its backend. */
export interface Client {
  /** Reads what it needs (certificates); connects to nothing yet. */
  start(): void | Promise<void>
  sender<S extends Signal>(signal: S): Sender<S>
  close(): void | Promise<void>
}

/** An exporter out of a client: queue, retry, timeout and books are `Sending`'s. */
export class SendingExporter implements Exporter {
  readonly inputs: Ports
  readonly #sending: Sending
  readonly #client: Client

  constructor(client: Client, signals: readonly Signal[], settings: SendingOptions['settings'], host: Host) {
    this.#client = client
    this.#sending = new Sending({ host, settings, signals, sender: (signal) => client.sender(signal) })
    this.inputs = this.#sending.inputs
  }

  async start(): Promise<void> {
    await this.#client.start()
    await this.#sending.start()
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    await this.#sending.shutdown(deadline)
    await this.#client.close()
  }
}
