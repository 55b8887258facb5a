/** OTLP over HTTP: protobuf and JSON. Every error body is a google.rpc.Status. Source: OTLP 1.11, OTLP/HTTP. */

import type { Signal } from '../../component.ts'
import type { ByteBudget } from '../../net/budget.ts'
import { encodeRpcStatus, GrpcCode } from '../../net/grpc/grpc_status.ts'
import type { CorsOptions } from '../../net/http/cors.ts'
import type { HttpAnswer, HttpHead, HttpRequest } from '../../net/http/http_exchange.ts'
import { HttpFailure } from '../../net/http/http_failure.ts'
import type { Route } from '../../net/http/http_options.ts'
import { HttpServer } from '../../net/http/http_server.ts'
import { serverTlsFiles } from '../../net/server_tls.ts'
import { badRequest, fieldViolations } from './bad_request.ts'
import { type HttpConfig, listenAddress } from './config.ts'
import { BadBody, type Intake } from './intake.ts'
import { metadataOf } from './request_metadata.ts'

const PROTOBUF = 'application/x-protobuf'
const JSON_TYPE = 'application/json'
/** Paths that vendors' SDKs append to their endpoint: Langfuse, LangSmith. */
const VENDOR_PREFIXES = ['/api/public/otel', '/otel']

/** An Export…ServiceResponse without partial success, by content type. */
const success = new Map<string, HttpAnswer>([
  [PROTOBUF, { status: 200, headers: { 'content-type': PROTOBUF }, body: Buffer.alloc(0) }],
  [JSON_TYPE, { status: 200, headers: { 'content-type': JSON_TYPE }, body: '{}' }],
])

export function httpServer(config: HttpConfig, intake: Intake, budget: ByteBudget): HttpServer {
  const { host: name, port } = listenAddress(config.endpoint)
  return new HttpServer({
    host: name,
    port,
    ...(config.tls && { tls: serverTlsFiles(config.tls) }),
    ...(config.cors && { cors: corsOf(config.cors) }),
    routes: routesOf(config, intake),
    max_request_body_size: config.max_request_body_size,
    read_header_timeout_ms: config.read_header_timeout,
    request_timeout_ms: config.read_timeout,
    idle_timeout_ms: config.idle_timeout,
    budget,
    fail: renderFailure,
    onConnected: () => intake.connected(),
    onCrowded: () => intake.crowded('http'),
    onRefused: (reason) => intake.refused('http', reason),
    onError: (error) => intake.failed('http', error),
  })
}

function corsOf({ max_age, ...origins }: NonNullable<HttpConfig['cors']>): CorsOptions {
  return { ...origins, ...(max_age > 0 && { max_age_s: max_age }) }
}

function routesOf(config: HttpConfig, intake: Intake): Map<string, Route> {
  const routes = new Map<string, Route>()
  for (const signal of ['traces', 'metrics', 'logs'] as const) {
    if (!intake.takes(signal)) continue
    const route = routeOf(signal, config, intake)
    for (const prefix of VENDOR_PREFIXES) routes.set(`${prefix}/v1/${signal}`, route)
    routes.set(config[`${signal}_url_path`], route)
  }
  return routes
}

function routeOf(signal: Signal, config: HttpConfig, intake: Intake): Route {
  return {
    methods: ['POST'],
    before: (head) => {
      intake.checkPressure()
      if (success.has(head.contentType)) return undefined
      throw new HttpFailure(
        415,
        `content type ${JSON.stringify(head.contentType.slice(0, 100))}, expected ${PROTOBUF} or ${JSON_TYPE}`,
      )
    },
    handler: async (request) => {
      try {
        await intake.take(signal, 'http', request.body, request.contentType === JSON_TYPE, senderOf(request, config))
        return success.get(request.contentType)!
      } catch (error) {
        throw error instanceof BadBody ? new HttpFailure(400, error.message) : error
      }
    },
  }
}

function senderOf(request: HttpRequest, config: HttpConfig) {
  return { peer: request.peer, metadata: metadataOf(request.headers, config.include_metadata) }
}

const codes: Record<number, number> = {
  400: GrpcCode.INVALID_ARGUMENT,
  401: GrpcCode.UNAUTHENTICATED,
  403: GrpcCode.PERMISSION_DENIED,
  404: GrpcCode.UNIMPLEMENTED,
  405: GrpcCode.UNIMPLEMENTED,
  413: GrpcCode.RESOURCE_EXHAUSTED,
  415: GrpcCode.INVALID_ARGUMENT,
  429: GrpcCode.RESOURCE_EXHAUSTED,
  500: GrpcCode.INTERNAL,
  503: GrpcCode.UNAVAILABLE,
}

/** The error as google.rpc.Status in the request's encoding, else JSON. */
function renderFailure(
  head: HttpHead | undefined,
  status: number,
  message: string,
): { contentType: string; body: Buffer | string } {
  const code = codes[status] ?? GrpcCode.UNKNOWN
  if (head?.contentType === PROTOBUF) {
    const details = status === 400 ? [badRequest(message)] : []
    return { contentType: PROTOBUF, body: encodeRpcStatus(code, message, details) }
  }
  const details = status === 400 && { details: [fieldViolations(message)] }
  return { contentType: JSON_TYPE, body: JSON.stringify({ code, message, ...details }) }
}
