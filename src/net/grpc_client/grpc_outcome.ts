/** What became of a call, and what HTTP's ways of failing mean in gRPC's codes. */
import { constants } from 'node:http2'
import { GrpcCode } from '../grpc/grpc_status.ts'
import { EMPTY } from '../incoming.ts'

export interface GrpcOutcome {
  /** gRPC status code; OK only from the peer. */
  readonly code: number
  /**
   * Who says so. `peer`: the server, by its grpc-status. `transport`: this side, because of what happened on the way.
   * `limit`: this side, because the answer is larger than it may be.
   */
  readonly from: 'peer' | 'transport' | 'limit'
  /** From a peer its own text, which may quote anything; otherwise words of ours, fit for a log. */
  readonly text: string
  /** A serialised google.rpc.Status; empty without one. */
  readonly details: Buffer
  /** The response message as it came, still compressed if `encoding` says so; empty where there is none. */
  readonly message: Buffer
  /** The peer has certainly not looked at the call: it may be sent again at once. */
  readonly isUnseen: boolean
}

export function failed(code: number, text: string, isUnseen = false): GrpcOutcome {
  return { code, from: 'transport', text, details: EMPTY, message: EMPTY, isUnseen }
}

export function overLimit(text: string): GrpcOutcome {
  return {
    code: GrpcCode.RESOURCE_EXHAUSTED,
    from: 'limit',
    text,
    details: EMPTY,
    message: EMPTY,
    isUnseen: false,
  }
}

/** An HTTP answer without grpc-status (gRPC, doc/http-grpc-status-mapping.md). */
export function outcomeOfHttp(status: number): GrpcOutcome {
  return failed(CODE_OF_HTTP.get(status) ?? GrpcCode.UNKNOWN, `HTTP ${status}`)
}

const CODE_OF_HTTP = new Map<number, number>([
  [400, GrpcCode.INTERNAL],
  [401, GrpcCode.UNAUTHENTICATED],
  [403, GrpcCode.PERMISSION_DENIED],
  [404, GrpcCode.UNIMPLEMENTED],
  [429, GrpcCode.UNAVAILABLE],
  [502, GrpcCode.UNAVAILABLE],
  [503, GrpcCode.UNAVAILABLE],
  [504, GrpcCode.UNAVAILABLE],
])

/** The peer ended the stream by RST_STREAM (gRPC, doc/PROTOCOL-HTTP2.md, "HTTP2 Transport Mapping"). */
export function outcomeOfReset(code: number): GrpcOutcome {
  const [name, status] = RESETS.get(code) ?? [`error ${code}`, GrpcCode.UNKNOWN]
  return failed(status, `stream reset: ${name}`, code === constants.NGHTTP2_REFUSED_STREAM)
}

const RESETS = new Map<number, readonly [name: string, code: number]>([
  [constants.NGHTTP2_NO_ERROR, ['NO_ERROR', GrpcCode.INTERNAL]],
  [constants.NGHTTP2_PROTOCOL_ERROR, ['PROTOCOL_ERROR', GrpcCode.INTERNAL]],
  [constants.NGHTTP2_INTERNAL_ERROR, ['INTERNAL_ERROR', GrpcCode.INTERNAL]],
  [constants.NGHTTP2_FLOW_CONTROL_ERROR, ['FLOW_CONTROL_ERROR', GrpcCode.INTERNAL]],
  [constants.NGHTTP2_SETTINGS_TIMEOUT, ['SETTINGS_TIMEOUT', GrpcCode.INTERNAL]],
  [constants.NGHTTP2_STREAM_CLOSED, ['STREAM_CLOSED', GrpcCode.UNKNOWN]],
  [constants.NGHTTP2_FRAME_SIZE_ERROR, ['FRAME_SIZE_ERROR', GrpcCode.INTERNAL]],
  [constants.NGHTTP2_REFUSED_STREAM, ['REFUSED_STREAM', GrpcCode.UNAVAILABLE]],
  [constants.NGHTTP2_CANCEL, ['CANCEL', GrpcCode.CANCELLED]],
  [constants.NGHTTP2_COMPRESSION_ERROR, ['COMPRESSION_ERROR', GrpcCode.INTERNAL]],
  [constants.NGHTTP2_CONNECT_ERROR, ['CONNECT_ERROR', GrpcCode.INTERNAL]],
  [constants.NGHTTP2_ENHANCE_YOUR_CALM, ['ENHANCE_YOUR_CALM', GrpcCode.RESOURCE_EXHAUSTED]],
  [constants.NGHTTP2_INADEQUATE_SECURITY, ['INADEQUATE_SECURITY', GrpcCode.PERMISSION_DENIED]],
])
