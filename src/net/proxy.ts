import { NoProxy } from './no_proxy.ts'

/** A proxy that speaks HTTP, plain or by TLS. */
export interface ProxyServer {
  readonly isTls: boolean
  /** Without brackets. */
  readonly host: string
  readonly port: number
  /** Value of Proxy-Authorization. Secret. */
  readonly authorization: string | undefined
}

/** Somebody to be reached. */
export interface Destination {
  /** `grpc` is gRPC without TLS, which passes a proxy by CONNECT, as TLS does. */
  readonly scheme: 'http' | 'https' | 'grpc'
  /** Without brackets. */
  readonly host: string
  readonly port: number
}

/** The text of a proxy cannot be used. The message does not have the text in it, which may hold a password. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
}

/** `http://user:password@proxy:3128`, `https://…`, or a bare `proxy:3128`. Throws ProxyError. */
export function parseProxy(text: string): ProxyServer {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  if (url === null || url.hostname === '') throw new ProxyError('expected a URL such as http://proxy:3128')
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new ProxyError('expected http:// or https://: other kinds of proxies are not supported')
  }
  const isTls = url.protocol === 'https:'
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port)
  return { isTls, host: url.hostname.replace(/^\[|\]$/g, ''), port, authorization: authorizationOf(url) }
}

function authorizationOf({ username, password }: URL): string | undefined {
  if (username === '' && password === '') return undefined
  return `Basic ${Buffer.from(`${decoded(username)}:${decoded(password)}`).toString('base64')}`
}

/** A password with a bare % in it stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

export type ProxyEnvironment = Readonly<Record<string, string | undefined>>

/**
 * The proxy to somebody: `proxy_url` for everybody where it is set, otherwise what HTTP_PROXY, HTTPS_PROXY and NO_PROXY
 * (or these in lower case) say. Undefined: none.
 *
 * https takes HTTPS_PROXY, http HTTP_PROXY. Plain gRPC takes HTTPS_PROXY, as programs in Go do, and where that is not set
 * HTTP_PROXY. Throws ProxyError, which names the variable.
 */
export function proxyFor(
  destination: Destination,
  proxy_url: string | undefined,
  environment: ProxyEnvironment,
): ProxyServer | undefined {
  if (proxy_url !== undefined) return named('proxy_url', proxy_url)
  const { scheme, host, port } = destination
  const names = VARIABLES[scheme]
  const name = names.find((one) => (environment[one] ?? '') !== '')
  if (name === undefined) return undefined
  const exceptions = environment['NO_PROXY'] ?? environment['no_proxy']
  return new NoProxy(exceptions).matches(host, port) ? undefined : named(name, environment[name]!)
}

const HTTP = ['HTTP_PROXY', 'http_proxy']
const HTTPS = ['HTTPS_PROXY', 'https_proxy']
const VARIABLES = { http: HTTP, https: HTTPS, grpc: [...HTTPS, ...HTTP] } as const

function named(name: string, text: string): ProxyServer {
  try {
    return parseProxy(text)
  } catch (error) {
    throw error instanceof ProxyError ? new ProxyError(`${name}: ${error.message}`) : error
  }
}
