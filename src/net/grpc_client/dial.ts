import { connect, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type SecureContext } from 'node:tls'
import type { ProxyServer } from '../proxy.ts'
import type { PeerAddress } from './peer_address.ts'
import { tunnel } from './tunnel.ts'

export interface DialOptions {
  readonly tls: DialTls | undefined
  readonly proxy: ProxyServer | undefined
}

export interface DialTls {
  readonly context: SecureContext
  /** False: the server's certificate is not checked. */
  readonly isChecked: boolean
  /** The name or address that the server's certificate has to have. */
  readonly server_name: string
}

/** A server with TLS does not speak HTTP/2. */
export class AlpnError extends Error {
  override readonly name = 'AlpnError'
}

/** A dead peer is noticed by the system even where nobody asks for probes. */
const TCP_PROBE_MS = 30_000

/**
 * A connection on which HTTP/2 can begin. Rejects with what went wrong; when `signal` aborts nothing is left open.
 */
export async function dial(address: PeerAddress, { tls, proxy }: DialOptions, signal: AbortSignal): Promise<Socket> {
  const socket = await reach(address, proxy, tls?.context, signal)
  socket.setNoDelay(true)
  socket.setKeepAlive(true, TCP_PROBE_MS)
  if (tls === undefined) return socket
  // What goes wrong with it, the TLS socket over it tells.
  socket.on('error', ignore)
  const name = isIP(tls.server_name) === 0 ? { servername: tls.server_name } : {}
  const options: ConnectionOptions = {
    socket,
    host: tls.server_name,
    ...name,
    secureContext: tls.context,
    rejectUnauthorized: tls.isChecked,
    ALPNProtocols: ['h2'],
  }
  const secure = await whenReady(connectTls(options), 'secureConnect', signal)
  if (secure.alpnProtocol === 'h2') return secure
  secure.destroy()
  throw new AlpnError('the server does not offer HTTP/2 (ALPN h2)')
}

function reach(
  address: PeerAddress,
  proxy: ProxyServer | undefined,
  context: SecureContext | undefined,
  signal: AbortSignal,
): Promise<Socket> {
  if ('path' in address) return whenReady(connect({ path: address.path }), 'connect', signal)
  if (proxy !== undefined) return tunnel(proxy, address, context, signal)
  return whenReady(connect({ host: address.host, port: address.port }), 'connect', signal)
}

function whenReady<S extends Socket>(socket: S, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const end = (error?: Error) => {
      socket.off(event, ready).off('error', end).off('close', closed)
      signal.removeEventListener('abort', abort)
      if (error === undefined) return resolve(socket)
      socket.on('error', ignore).destroy()
      reject(error)
    }
    const ready = () => end()
    const closed = () => end(new Error('ECONNRESET'))
    const abort = () => end(new Error('broken off'))
    socket.once(event, ready).once('error', end).once('close', closed)
    signal.addEventListener('abort', abort)
    if (signal.aborted) abort()
  })
}

function ignore(): void {
  // 'close' follows, and that is where it is dealt with.
}
