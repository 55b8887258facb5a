import type { Host, Ports, Receiver, ReceiverFactory } from '../../component.ts'
import { ByteBudget } from '../../net/budget.ts'
import type { GrpcServer } from '../../net/grpc_server.ts'
import type { HttpServer } from '../../net/http_server.ts'
import { Pressure } from '../../self/pressure.ts'
import { type OtlpReceiverConfig, schema } from './config.ts'
import { grpcServer } from './grpc.ts'
import { httpServer } from './http.ts'
import { Intake } from './intake.ts'

export const otlpReceiver: ReceiverFactory<OtlpReceiverConfig> = {
  kind: 'receiver',
  type: 'otlp',
  summary: 'Takes traces, metrics and logs over OTLP: gRPC, and HTTP with protobuf or JSON.',
  signals: ['traces', 'metrics', 'logs'],
  schema,
  create: (config, host, next) => new OtlpReceiver(config, host, next),
}

export class OtlpReceiver implements Receiver {
  /** The ports that it got, for those who asked for any free one. */
  readonly ports: { grpc?: number; http?: number } = {}
  readonly #host: Host
  readonly #intake: Intake
  readonly #grpc: GrpcServer | undefined
  readonly #http: HttpServer | undefined

  constructor(config: OtlpReceiverConfig, host: Host, next: Ports) {
    this.#host = host
    const pressure = host.shared('pressure', () => new Pressure())
    const budget = new ByteBudget(config.max_in_flight_bytes)
    this.#intake = new Intake(host, config, next, pressure)
    const { grpc, http } = config.protocols
    if (grpc) this.#grpc = grpcServer(grpc, this.#intake, budget, host)
    if (http) this.#http = httpServer(http, this.#intake, budget, host)
  }

  async start(): Promise<void> {
    if (this.#grpc !== undefined) this.ports.grpc = await this.#grpc.listen()
    if (this.#http !== undefined) this.ports.http = await this.#http.listen()
    this.#host.log.info(this.ports, 'listening for OTLP')
  }

  async shutdown(deadline: AbortSignal): Promise<void> {
    this.#intake.stopping = true
    await Promise.all([this.#grpc?.drain(deadline), this.#http?.drain(deadline)])
  }
}
