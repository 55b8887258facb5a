/** A few calls by gRPC among the load, to see that refusals are what a client may repeat. */
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2'
import type { HttpAnswer } from './connection.ts'

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
const RETRY_INFO = Buffer.from('google.rpc.RetryInfo')
const TIMEOUT_ms = 30_000

export class GrpcProbe {
  readonly #port: number
  #session: ClientHttp2Session | undefined

  constructor(port: number) {
    this.#port = port
  }

  send(body: Buffer, done: (answer: HttpAnswer) => void): void {
    const stream = this.#connected().request({
      ':method': 'POST',
      ':path': PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    let head: IncomingHttpHeaders = {}
    let trailers: IncomingHttpHeaders = {}
    stream.on('response', (headers) => (head = headers))
    stream.on('trailers', (headers) => (trailers = headers))
    stream.on('error', () => {})
    stream.setTimeout(TIMEOUT_ms, () => stream.close(constants.NGHTTP2_CANCEL))
    stream.on('close', () => done(answerOf({ ...head, ...trailers })))
    stream.resume()
    const prefix = Buffer.alloc(5)
    prefix.writeUInt32BE(body.length, 1)
    stream.write(prefix)
    stream.end(body)
  }

  close(): void {
    this.#session?.destroy()
  }

  #connected(): ClientHttp2Session {
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session
    this.#session = connect(`http://127.0.0.1:${this.#port}`)
    this.#session.on('error', () => {})
    return this.#session
  }
}

function answerOf(headers: IncomingHttpHeaders): HttpAnswer {
  const status = headers['grpc-status']
  if (status === undefined) return { kind: 'unknown', what: 'gRPC: no answer', retry_ms: 100 }
  if (status === '0') return { kind: 'taken', what: 'gRPC: OK', retry_ms: 0 }
  const details = Buffer.from(String(headers['grpc-status-details-bin'] ?? ''), 'base64')
  const hasWait = details.includes(RETRY_INFO)
  if (status === '14' && hasWait) return { kind: 'refused', what: 'gRPC: UNAVAILABLE', retry_ms: 1000 }
  return { kind: 'wrong', what: `gRPC: status ${status}${hasWait ? '' : ' without RetryInfo'}`, retry_ms: 1000 }
}
