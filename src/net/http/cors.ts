import type { IncomingHttpHeaders } from 'node:http'

export interface CorsOptions {
  /** Origins that browsers may send from; `*` in one stands for any host characters: `https://*.example.com`. */
  allowed_origins: readonly string[]
  /** Request headers beyond Accept, Content-Type and X-Requested-With; `*` allows any. */
  allowed_headers?: readonly string[]
  /** How long a browser may remember the answer, in seconds. */
  max_age_s?: number
}

/**
 * Cross-origin answers (Fetch standard, "CORS protocol"). An allowed origin is echoed, with credentials allowed as
 * browsers' beacons need it; the origin `*` alone is answered with `*` and without credentials.
 */
export class Cors {
  readonly #any: boolean
  readonly #origins: RegExp[]
  readonly #headers: readonly string[]
  readonly #max_age_s: number | undefined

  constructor(options: CorsOptions) {
    this.#any = options.allowed_origins.includes('*')
    this.#origins = options.allowed_origins.filter((origin) => origin !== '*').map(pattern)
    this.#headers = [...DEFAULT_HEADERS, ...(options.allowed_headers ?? [])].map((name) => name.toLowerCase())
    this.#max_age_s = options.max_age_s
  }

  /** Headers for the answer to a request from a page; none for an origin that is not allowed. */
  headers(origin: string | undefined): Record<string, string> {
    if (origin === undefined) return { vary: 'Origin' }
    if (this.#origins.some((allowed) => allowed.test(origin))) {
      return { 'access-control-allow-origin': origin, 'access-control-allow-credentials': 'true', vary: 'Origin' }
    }
    return this.#any ? { 'access-control-allow-origin': '*' } : { vary: 'Origin' }
  }

  /** Headers for the answer 204 to a preflight. */
  preflight(request: IncomingHttpHeaders, methods: readonly string[]): Record<string, string> {
    const headers = this.headers(request.origin)
    if (headers['access-control-allow-origin'] === undefined) return headers
    const wanted = request['access-control-request-headers']
    const names = (wanted ?? '').split(',').map((name) => name.trim().toLowerCase())
    const allowed = names.filter((name) => name !== '' && this.#allows(name))
    return {
      ...headers,
      'access-control-allow-methods': methods.join(', '),
      ...(allowed.length > 0 && { 'access-control-allow-headers': allowed.join(', ') }),
      ...(this.#max_age_s !== undefined && { 'access-control-max-age': String(this.#max_age_s) }),
    }
  }

  #allows(name: string): boolean {
    return HEADER_NAME.test(name) && (this.#headers.includes(name) || this.#headers.includes('*'))
  }
}

const DEFAULT_HEADERS = ['accept', 'content-type', 'x-requested-with']
const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/

function pattern(origin: string): RegExp {
  const parts = origin.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[a-z0-9.:_-]*')}$`, 'i')
}
