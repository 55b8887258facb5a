import type { IncomingMessage } from 'node:http'
import { request as requestTls } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { request as requestPlain } from '../http/http_module.ts'
import type { ProxyServer } from '../proxy.ts'
import { hostAndPort } from './peer_address.ts'

/** The proxy did not make the way. The message is fit for a log. */
export class TunnelError extends Error {
  override readonly name = 'TunnelError'
}

/**
 * A connection to `host:port` through a proxy, by CONNECT (RFC 9110, 9.3.6). The proxy looks the name up. Rejects with a
 * TunnelError for the proxy's refusal, and with what went wrong on the way to it. `context`: whom a proxy with TLS is
 * checked against.
 */
export function tunnel(
  proxy: ProxyServer,
  { host, port }: { readonly host: string; readonly port: number },
  context: SecureContext | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  const name = hostAndPort(host, port)
  return new Promise((resolve, reject) => {
    const options = {
      host: proxy.host,
      port: proxy.port,
      method: 'CONNECT',
      path: name,
      headers: {
        host: name,
        ...(proxy.authorization !== undefined && { 'proxy-authorization': proxy.authorization }),
      },
      agent: false,
      signal,
    } as const
    const request = proxy.isTls
      ? requestTls({ ...options, ...(context !== undefined && { secureContext: context }) })
      : requestPlain(options)
    request.once('connect', (response: IncomingMessage, socket: Socket, first: Buffer) => {
      const { statusCode = 0 } = response
      if (statusCode >= 200 && statusCode < 300) {
        // A server may speak first.
        if (first.length > 0) socket.unshift(first)
        resolve(socket)
        return
      }
      socket.destroy()
      reject(new TunnelError(`the proxy answers HTTP ${statusCode}`))
    })
    request.once('error', reject)
    request.end()
  })
}
