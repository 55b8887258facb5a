/** What gRPC and HTTP do alike with a body: check it, strip our own attributes, count its items, hand it on. */
import type { Consumer, Context, Host, Ports, Signal } from '../../component.ts'
import { TlsError } from '../../net/tls.ts'
import { notAccounted } from '../../not_accounted.ts'
import { LimitError, type RequestLimits } from '../../otlp/limits.ts'
import { WireError } from '../../otlp/wire_error.ts'
import { Refusal, retryLater } from '../../refusal.ts'
import { asideOf } from '../../self/aside.ts'
import { Throttle } from '../../self/log.ts'
import type { Pressure } from '../../self/memory/pressure.ts'
import type { Counter } from '../../self/metrics/meter.ts'
import { type Turns, turnsOf } from '../../self/turns.ts'
import type { Batches } from '../../telemetry/batch.ts'
import { accountedItems } from '../../telemetry/signal.ts'
import type { OtlpReceiverConfig } from './config.ts'
import { isLongBody, type Opened, open, openAside } from './door.ts'

/** When the oldest request has waited this long for its turn, new ones are refused. */
export const LINE_MAX_MS = 1_000

const OVERLOAD = retryLater('overload', 'more requests come than there is time for, send it again later', LINE_MAX_MS)

export type Transport = 'grpc' | 'http'

/** A body that is no OTLP: never worth sending again. The message names a place in it, not its content. */
export class BadBody extends Error {
  override readonly name = 'BadBody'
}

/** Who sent a request, and how long they wait. */
export interface RequestSender {
  readonly peer: string
  readonly metadata: ReadonlyMap<string, string>
  readonly deadline_ms?: number | undefined
}

export class Intake {
  readonly #host: Host
  readonly #next: Ports
  readonly #pressure: Pressure
  readonly #counters = new Map<string, Counter>()
  readonly #throttle: Throttle
  readonly #turns: Turns
  /** `sluice.*` attributes, which only this program writes, are believed: the sender is another Sluice. */
  trustsSluice: boolean
  /** What one request may hold. */
  limits: RequestLimits

  constructor(
    host: Host,
    config: Pick<OtlpReceiverConfig, 'trust_sluice' | 'limits'>,
    next: Ports,
    pressure: Pressure,
  ) {
    this.#host = host
    this.trustsSluice = config.trust_sluice
    this.limits = config.limits
    this.#next = next
    this.#pressure = pressure
    this.#throttle = new Throttle(host.clock)
    this.#turns = turnsOf(host)
  }

  /** Does a pipeline take this signal? */
  takes(signal: Signal): boolean {
    return this.#next[signal] !== undefined
  }

  /** Throws a Refusal if a request need not even be read. */
  checkPressure(): void {
    const refusal = this.#pressure.refusal()
    if (refusal !== undefined) throw refusal
    if (this.#turns.age_ms > LINE_MAX_MS) throw OVERLOAD
  }

  /** Takes a body when its turn has come. Resolves when the pipeline has it; rejects with BadBody or a Refusal. */
  take(signal: Signal, transport: Transport, body: Buffer, isJson: boolean, sender: RequestSender): Promise<void> {
    return this.#turns.run(() => this.#take(signal, transport, body, isJson, sender))
  }

  async #take<S extends Signal>(
    signal: S,
    transport: Transport,
    body: Buffer,
    isJson: boolean,
    sender: RequestSender,
  ): Promise<void> {
    const { deadline_ms } = sender
    if (deadline_ms !== undefined && this.#host.clock.monotonic_ms() > deadline_ms)
      throw retryLater('timeout', 'other requests came first, and the time for this one ran out')
    const batch = await this.#read(signal, transport, body, isJson, deadline_ms)
    if (batch.count === 0) return
    const context: Context = {
      account: notAccounted,
      peer: sender.peer,
      metadata: sender.metadata,
      deadline_ms,
    }
    try {
      await (this.#next[signal] as unknown as Consumer<S>).consume(batch, context)
    } catch (error) {
      const outcome = error instanceof Refusal && error.retryable ? 'refused' : 'failed'
      this.#count(outcome, signal, transport, batch.count)
      throw error
    }
    this.#count('accepted', signal, transport, batch.count)
  }

  /** Something went wrong that is no sender's fault: it is counted, and logged at most every 10 s. */
  failed(transport: Transport, error: unknown): void {
    const isBug = !(error instanceof TlsError)
    const message = isBug
      ? 'a bug: a request failed'
      : 'the TLS files cannot be used; what was read before stays in use'
    if (isBug) this.#counter('sluice_receiver_bugs', 'Requests that failed for an unexpected reason.', transport).add(1)
    this.#throttle.log(message, (repeats) => this.#host.log.error({ err: error, transport, repeats }, message))
  }

  /** Somebody has connected. */
  connected(): void {
    this.#turns.welcome()
  }

  /** A connection was sent away because there are too many. */
  crowded(transport: Transport): void {
    const help = 'Connections that were closed at once because there were too many.'
    this.#counter('sluice_receiver_refused_connections', help, transport).add(1)
    const message = 'too many connections: new ones are closed until others end'
    this.#throttle.log(`${message} ${transport}`, (repeats) => this.#host.log.warn({ transport, repeats }, message))
  }

  /** A request was refused; how many items were in it is often unknown. */
  refused(transport: Transport, reason: string): void {
    this.#counter('sluice_receiver_refused_requests', 'Requests that got an error for an answer.', transport, {
      reason,
    }).add(1)
  }

  async #read<S extends Signal>(
    signal: S,
    transport: Transport,
    body: Buffer,
    isJson: boolean,
    deadline_ms: number | undefined,
  ): Promise<Batches[S]> {
    try {
      const settings = { signal, isJson, trustsSluice: this.trustsSluice, limits: this.limits }
      const opened = isLongBody(body, isJson)
        ? await openAside(asideOf(this.#host), body, settings, deadline_ms)
        : open(body, settings)
      this.#countStripped(opened, transport)
      return opened.batch
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      const reason = error instanceof LimitError ? error.limit : 'malformed'
      this.#counter('sluice_receiver_bad_requests', 'Requests that were not taken for what is in them.', transport, {
        reason,
      }).add(1)
      throw new BadBody(
        error instanceof LimitError
          ? `the ${signal} request is too much: ${error.message}`
          : `the body is no valid OTLP ${signal} request: ${error.message}`,
      )
    }
  }

  #countStripped({ stripped }: Opened<Signal>, transport: Transport): void {
    if (stripped === 0) return
    this.#counter(
      'sluice_receiver_stripped_attributes',
      'sluice.* attributes removed from what senders sent.',
      transport,
    ).add(stripped)
  }

  #count(outcome: 'accepted' | 'refused' | 'failed', signal: Signal, transport: Transport, items: number): void {
    this.#counter(
      `otelcol_receiver_${outcome}_${accountedItems[signal]}`,
      `Items ${outcome} by the receiver.`,
      transport,
    ).add(items)
  }

  #counter(name: string, help: string, transport: Transport, labels: Record<string, string> = {}): Counter {
    const key = `${name} ${transport} ${labels['reason'] ?? ''}`
    const counter =
      this.#counters.get(key) ?? this.#host.meter.counter(name, help, { receiver: this.#host.id, transport, ...labels })
    this.#counters.set(key, counter)
    return counter
  }
}
