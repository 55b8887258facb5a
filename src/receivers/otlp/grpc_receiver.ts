/** OTLP over gRPC: three unary methods. Source: OTLP 1.11, OTLP/gRPC. */

import type { Host, Signal } from '../../component.ts'
import type { ByteBudget } from '../../net/budget.ts'
import type { GrpcHead } from '../../net/grpc/grpc_call.ts'
import { GrpcServer, type Method } from '../../net/grpc/grpc_server.ts'
import { encodeRpcStatus, GrpcCode, GrpcStatus } from '../../net/grpc/grpc_status.ts'
import { serverTlsFiles } from '../../net/server_tls.ts'
import { badRequest } from './bad_request.ts'
import { type GrpcConfig, listenAddress } from './config.ts'
import { BadBody, type Intake } from './intake.ts'
import { metadataOf } from './request_metadata.ts'

const methods: readonly (readonly [Signal, string])[] = [
  ['traces', '/opentelemetry.proto.collector.trace.v1.TraceService/Export'],
  ['metrics', '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export'],
  ['logs', '/opentelemetry.proto.collector.logs.v1.LogsService/Export'],
]
/** An Export…ServiceResponse without partial success. */
const SUCCESS = Buffer.alloc(0)

export function grpcServer(config: GrpcConfig, intake: Intake, budget: ByteBudget, host: Host): GrpcServer {
  const { host: name, port } = listenAddress(config.endpoint)
  const age = config.keepalive.server_parameters
  return new GrpcServer({
    host: name,
    port,
    ...(config.tls && { tls: serverTlsFiles(config.tls) }),
    methods: new Map(
      methods
        .filter(([signal]) => intake.takes(signal))
        .map(([signal, path]) => [path, method(signal, config, intake)]),
    ),
    max_recv_msg_size: config.max_recv_msg_size_mib * 1048576,
    max_concurrent_streams: config.max_concurrent_streams,
    ...(age.max_connection_age !== undefined && { max_connection_age_ms: age.max_connection_age }),
    ...(age.max_connection_age_grace !== undefined && { max_connection_age_grace_ms: age.max_connection_age_grace }),
    max_connection_idle_ms: age.max_connection_idle,
    budget,
    clock: host.clock,
    onConnected: () => intake.connected(),
    onCrowded: () => intake.crowded('grpc'),
    onRefused: (reason) => intake.refused('grpc', reason),
    onError: (error) => intake.failed('grpc', error),
  })
}

function method(signal: Signal, config: GrpcConfig, intake: Intake): Method {
  return {
    before: () => {
      intake.checkPressure()
      return undefined
    },
    handler: async (request) => {
      try {
        await intake.take(signal, 'grpc', request.body, false, senderOf(request, config))
        return SUCCESS
      } catch (error) {
        throw statusFor(error)
      }
    },
  }
}

function senderOf(request: GrpcHead, config: GrpcConfig) {
  return {
    peer: request.peer,
    metadata: metadataOf(request.metadata, config.include_metadata),
    deadline_ms: request.deadline_ms,
  }
}

/** Bad bodies are INVALID_ARGUMENT with details, as OTLP recommends; refusals are the server's to translate. */
function statusFor(error: unknown): unknown {
  if (!(error instanceof BadBody)) return error
  const details = encodeRpcStatus(GrpcCode.INVALID_ARGUMENT, error.message, [badRequest(error.message)])
  return new GrpcStatus(GrpcCode.INVALID_ARGUMENT, error.message, { details })
}
