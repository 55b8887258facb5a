import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Share } from '../budget.ts'
import { EMPTY, type Incoming } from '../incoming.ts'

/** A request whose body has not been read. */
export interface HttpHead {
  readonly method: string
  /** Without query; not decoded. */
  readonly path: string
  readonly query: URLSearchParams
  /** Lower-case names. */
  readonly headers: IncomingHttpHeaders
  /** Without parameters, lower case; empty if there is none. */
  readonly contentType: string
  /** Address and port of the other side. */
  readonly peer: string
  /** Aborted when the other side goes away before it has its answer, or the server is forced to close. */
  readonly signal: AbortSignal
}

export interface HttpRequest extends HttpHead {
  /** Without compression. The handler may keep it. */
  readonly body: Buffer
}

export interface HttpAnswer {
  status: number
  headers?: Record<string, string>
  body: Buffer | string
}

/** One request and its answer. What not every handler wants is made when it is asked for. */
export class Exchange implements HttpRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly contentType: string
  body: Buffer = EMPTY
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Of the bytes that may be under way. */
  readonly share: Share
  /** What has come of a body that is not complete. */
  upload: Incoming | undefined
  /** Monotonic. */
  readonly began_ms: number
  answered = false
  /** The answer is to be an error: if that cannot be sent either, the connection is closed. */
  refused = false
  /** The client sends no body before it is told to (`Expect: 100-continue`). */
  readonly waits: boolean
  /** The client waits for the body's turn and has been told to go on. */
  told = false
  readonly #url: string
  #aborter: AbortController | undefined
  #gone = false

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    { waits, share, began_ms }: { waits: boolean; share: Share; began_ms: number },
  ) {
    this.share = share
    this.began_ms = began_ms
    this.request = request
    this.response = response
    this.waits = waits
    this.method = request.method ?? ''
    this.headers = request.headers
    this.#url = request.url ?? '/'
    this.path = pathOf(this.#url)
    this.contentType = mediaType(request.headers['content-type'])
  }

  get query(): URLSearchParams {
    const at = this.#url.indexOf('?')
    return new URLSearchParams(at === -1 ? '' : this.#url.slice(at + 1))
  }

  get peer(): string {
    const { remoteAddress, remotePort } = this.request.socket
    return remoteAddress === undefined ? '' : address(remoteAddress, remotePort)
  }

  get signal(): AbortSignal {
    this.#aborter ??= new AbortController()
    if (this.#gone) this.#aborter.abort()
    return this.#aborter.signal
  }

  abort(): void {
    this.#gone = true
    this.#aborter?.abort()
  }
}

export function address(host: string, port: number | undefined): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** The path of a request target in origin or absolute form (RFC 9112, section 3.2). Never throws. */
function pathOf(url: string): string {
  let start = 0
  if (url.charCodeAt(0) !== 47) {
    const scheme = url.indexOf('://')
    if (scheme === -1) return url
    start = url.indexOf('/', scheme + 3)
    if (start === -1) return '/'
  }
  const end = url.indexOf('?', start)
  return start === 0 && end === -1 ? url : url.slice(start, end === -1 ? url.length : end)
}

function mediaType(header: string | undefined): string {
  if (header === undefined) return ''
  const end = header.indexOf(';')
  return (end === -1 ? header : header.slice(0, end)).trim().toLowerCase()
}
