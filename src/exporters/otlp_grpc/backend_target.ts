import { parseGrpcTarget } from '../../config/schema/grpc_target.ts'
import { hostAndPort, type PeerAddress } from '../../net/grpc_client/peer_address.ts'
import { type ProxyEnvironment, type ProxyServer, proxyFor } from '../../net/proxy.ts'
import type { OtlpGrpcConfig } from './config.ts'

/** How the backend of a config is reached. */
export interface BackendTarget {
  readonly address: PeerAddress
  readonly isPlain: boolean
  /** One connection to whichever address of the host answers first. */
  readonly isOne: boolean
  /** Value of `:authority`. */
  readonly authority: string
  /** The name or address that the backend's certificate has to have. */
  readonly server_name: string
  readonly proxy: ProxyServer | undefined
}

type Keys = Pick<OtlpGrpcConfig, 'endpoint' | 'tls' | 'authority' | 'proxy_url'>

/**
 * `http://` means no TLS and `https://` TLS, whatever `tls.insecure` says. A name in `server_name_override` or `authority`
 * is asked for and checked instead of the host's. Sockets of this machine know no proxy. Throws ProxyError.
 */
export function targetOf({ endpoint, tls, authority, proxy_url }: Keys, environment: ProxyEnvironment): BackendTarget {
  const target = parseGrpcTarget(endpoint)!
  const isPlain = target.kind === 'host' && target.isPlain !== undefined ? target.isPlain : tls.insecure
  const given = authority ?? tls.server_name_override
  const name = tls.server_name_override ?? (authority === undefined ? undefined : withoutPort(authority))
  if (target.kind === 'unix') {
    const address = { path: target.path }
    return {
      address,
      isPlain,
      isOne: true,
      authority: given ?? 'localhost',
      server_name: name ?? 'localhost',
      proxy: undefined,
    }
  }
  const { host, port, hasAddresses } = target
  const scheme = isPlain ? 'grpc' : 'https'
  return {
    address: { host, port },
    isPlain,
    isOne: !hasAddresses,
    authority: given ?? hostAndPort(host, port),
    server_name: name ?? host,
    proxy: proxyFor({ scheme, host, port }, proxy_url, environment),
  }
}

function withoutPort(authority: string): string {
  return authority.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}
