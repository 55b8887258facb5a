import { isDeepStrictEqual } from 'node:util'
import type { Host, Ports, Receiver, ReceiverFactory } from '../../component.ts'
import { ByteBudget } from '../../net/budget.ts'
import type { GrpcServer } from '../../net/grpc/grpc_server.ts'
import type { HttpServer } from '../../net/http/http_server.ts'
import { pressureOf } from '../../self/memory/pressure.ts'
import { memoryOf } from '../../self/memory/process_memory.ts'
import { type OtlpReceiverConfig, schema } from './config.ts'
import { grpcServer } from './grpc_receiver.ts'
import { httpServer } from './http_receiver.ts'
import { Intake } from './intake.ts'

export const otlpReceiver: ReceiverFactory<OtlpReceiverConfig> = {
  kind: 'receiver',
  type: 'otlp',
  summary: 'Takes traces, metrics and logs over OTLP: gRPC, and HTTP with protobuf or JSON.',
  signals: ['traces', 'metrics', 'logs'],
  schema,
  create: (config, host, next) => new OtlpReceiver(config, host, next),
}

/** More is under way only where somebody wants it so. */
const BUDGET_BYTES_MAX = 512 << 20

export class OtlpReceiver implements Receiver {
  /** The ports that it got, for those who asked for any free one. */
  readonly ports: { grpc?: number; http?: number } = {}
  readonly #host: Host
  readonly #intake: Intake
  readonly #budget: ByteBudget
  #config: OtlpReceiverConfig
  #servers: Servers
  #release: (() => void) | undefined

  /** Throws TlsError. */
  constructor(config: OtlpReceiverConfig, host: Host, next: Ports) {
    this.#config = config
    this.#host = host
    const memory = memoryOf(host)
    const { max_in_flight_bytes } = config
    this.#budget = new ByteBudget(
      () => max_in_flight_bytes ?? Math.min(BUDGET_BYTES_MAX, memory.limit_bytes / 4),
      (bytes) => memory.pass(bytes),
    )
    this.#intake = new Intake(host, config, next, pressureOf(host))
    this.#servers = this.#build()
  }

  /** Listens on all of its addresses or on none: it may be started again after it failed. */
  async start(): Promise<void> {
    const { grpc, http } = this.#servers
    try {
      if (grpc !== undefined) this.ports.grpc = await grpc.listen()
      if (http !== undefined) this.ports.http = await http.listen()
    } catch (error) {
      await this.shutdown(AbortSignal.abort())
      this.#servers = this.#build()
      throw error
    }
    this.#release = memoryOf(this.#host).hold(this.#host.id, () => this.#budget.taken_bytes)
    this.#host.log.info(this.ports, 'listening for OTLP')
  }

  /**
   * Listens no longer and answers what has arrived. What still comes on open connections is taken: all that it needs
   * downstream runs until this is over.
   */
  async shutdown(deadline: AbortSignal): Promise<void> {
    const { grpc, http } = this.#servers
    await Promise.all([grpc?.drain(deadline), http?.drain(deadline)])
    this.#release?.()
  }

  /** Takes what needs no other listener. */
  async update(config: OtlpReceiverConfig): Promise<boolean> {
    const { trust_sluice, limits } = config
    if (!isDeepStrictEqual({ ...this.#config, trust_sluice, limits }, config)) return false
    this.#config = config
    this.#intake.trustsSluice = trust_sluice
    this.#intake.limits = limits
    return true
  }

  #build(): Servers {
    const { grpc, http } = this.#config.protocols
    return {
      grpc: grpc && grpcServer(grpc, this.#intake, this.#budget, this.#host),
      http: http && httpServer(http, this.#intake, this.#budget),
    }
  }
}

interface Servers {
  readonly grpc: GrpcServer | undefined
  readonly http: HttpServer | undefined
}
