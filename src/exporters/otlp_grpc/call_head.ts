/** The headers of calls, made once and not for every call. */
import type { Compression } from '../../net/compress.ts'

export interface HeadOptions {
  readonly scheme: 'http' | 'https'
  readonly authority: string
  readonly user_agent: string
  readonly compression: Compression
  /** 0: none. */
  readonly timeout_ms: number
  readonly headers: Readonly<Record<string, string>>
}

/** Where the time limit's value stands. */
const TIMEOUT_AT = 9

/** Names and values by turns, as HTTP/2 wants them: those with a colon first. */
export function headOf(path: string, options: HeadOptions): string[] {
  const { scheme, authority, user_agent, compression, timeout_ms, headers } = options
  const pseudo = [':method', 'POST', ':scheme', scheme, ':path', path, ':authority', authority]
  const timeout = timeout_ms > 0 ? ['grpc-timeout', timeoutText(timeout_ms)] : []
  const encoding = compression === 'none' ? [] : ['grpc-encoding', compression]
  const own = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  return [
    ...pseudo,
    ...timeout,
    ...['te', 'trailers', 'content-type', 'application/grpc', 'user-agent', user_agent],
    ...encoding,
    ...['grpc-accept-encoding', 'identity,gzip,deflate,zstd'],
    ...[...own].filter(([name]) => !isReserved(name)).flat(),
  ]
}

/** The head of a call that has so much time left. */
export function withTimeout(head: readonly string[], left_ms: number): string[] {
  return head.with(TIMEOUT_AT, timeoutText(Math.max(1, left_ms)))
}

/** At most eight digits and a unit (gRPC over HTTP2, Requests). */
export function timeoutText(timeout_ms: number): string {
  const whole_ms = Math.ceil(timeout_ms)
  if (whole_ms < 1e8) return `${whole_ms}m`
  return `${Math.min(99_999_999, Math.ceil(whole_ms / 1000))}S`
}

/** What gRPC and HTTP/2 say themselves; a value from the config is left out. */
export function isReserved(name: string): boolean {
  return RESERVED.has(name) || name.startsWith('grpc-') || name.startsWith(':')
}

const RESERVED = new Set([
  'content-type',
  'te',
  'user-agent',
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'content-length',
])
