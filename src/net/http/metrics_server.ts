/** A small HTTP server that answers `GET /metrics` and nothing else. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { SecureContextOptions, TlsOptions } from 'node:tls'
import { createGzip } from 'node:zlib'
import { farewell } from '../farewell.ts'
import { createServer } from './http_module.ts'

/** The text, at once or in slices: between two slices the event loop gets its turn. */
export interface Exposition {
  readonly contentType: string
  readonly body: string | AsyncIterable<string>
}

/** `accept` is the request's Accept header, empty if there is none. */
export type Expose = (accept: string) => Promise<Exposition>

export interface MetricsServerOptions {
  /** Empty: all interfaces. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  readonly tls?: TlsOptions
  /** A scrape failed: the answer is 500, or is cut off if it had begun. */
  readonly onError?: (error: unknown) => void
}

export interface MetricsServer {
  readonly port: number
  /** For new connections, with TLS only. */
  setSecureContext(options: SecureContextOptions): void
  /** Takes no more requests; answers that have begun are finished, or cut off when `deadline` aborts. */
  close(deadline?: AbortSignal): Promise<void>
}

const PATH = '/metrics'
const MAX_CONNECTIONS = 100
/** A client that takes nothing for so long is cut off. */
const STALLED_MS = 60_000

/** Resolves when it listens; rejects with the system's error (EADDRINUSE …). */
export async function serveMetrics(options: MetricsServerOptions, expose: Expose): Promise<MetricsServer> {
  const answer = (request: IncomingMessage, response: ServerResponse) =>
    receive(request, response, expose, options.onError)
  const limits = { headersTimeout: 10_000, requestTimeout: 10_000, keepAliveTimeout: 65_000 }
  const server: Server | TlsServer =
    options.tls === undefined
      ? createServer(limits, answer)
      : createTlsServer({ ...limits, handshakeTimeout: 10_000, ...options.tls }, answer)
  server.maxConnections = MAX_CONNECTIONS
  server.setTimeout(STALLED_MS)
  server.on('request', (_, response: ServerResponse) => {
    response.on('close', () => {
      if (!server.listening) setImmediate(() => server.closeIdleConnections())
    })
  })
  // What is no HTTP gets Node's own answer (400, 431, 408), but a reset connection must not become an exception.
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
    farewell(socket, `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host === '' ? undefined : options.host, () => {
      server.off('error', reject)
      server.on('error', (error) => options.onError?.(error))
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    setSecureContext: (context) => (server as TlsServer).setSecureContext(context),
    close: (deadline) => close(server, deadline),
  }
}

async function close(server: Server, deadline?: AbortSignal): Promise<void> {
  if (!server.listening) return
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  const cut = () => server.closeAllConnections()
  server.closeIdleConnections()
  if (deadline === undefined || deadline.aborted) cut()
  else deadline.addEventListener('abort', cut, { once: true })
  await closed
  deadline?.removeEventListener('abort', cut)
}

function receive(
  request: IncomingMessage,
  response: ServerResponse,
  expose: Expose,
  onError: MetricsServerOptions['onError'],
): void {
  request.on('error', ignore).resume()
  response.on('error', ignore)
  const path = pathOf(request.url ?? '')
  if (path === undefined) return refuse(response, 400, 'the request target is no path')
  if (path !== PATH) return refuse(response, 404, `there is nothing here but ${PATH}`)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return refuse(response, 405, 'use GET')
  }
  serve(request, response, expose).catch((error: unknown) => {
    if (response.destroyed) return
    onError?.(error)
    if (response.headersSent) response.destroy()
    else refuse(response, 500, 'internal error')
  })
}

/** Path of a request target in origin form or absolute form; undefined if it is neither. */
function pathOf(target: string): string | undefined {
  if (target.startsWith('/')) return target.split('?', 1)[0]
  return URL.parse(target)?.pathname
}

async function serve(request: IncomingMessage, response: ServerResponse, expose: Expose): Promise<void> {
  const { contentType, body } = await expose(request.headers.accept ?? '')
  const zipped = takesGzip(String(request.headers['accept-encoding'] ?? ''))
  response.setHeader('content-type', contentType)
  response.setHeader('vary', 'accept, accept-encoding')
  if (zipped) response.setHeader('content-encoding', 'gzip')
  if (request.method === 'HEAD') return void response.end()
  const slices = Readable.from(typeof body === 'string' ? [body] : inTurns(body))
  const target: Writable = response
  if (zipped) await pipeline(slices, createGzip({ level: 1 }), target)
  else await pipeline(slices, target)
}

async function* inTurns(slices: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const slice of slices) {
    yield slice
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}

/** `gzip` or `*` is listed and not with q=0. */
function takesGzip(accept: string): boolean {
  return accept.split(',').some((part) => {
    const [coding, ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    return (coding === 'gzip' || coding === '*') && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${message}\n`)
}

function ignore(): void {
  // The connection is gone: nobody is left to answer.
}
