import { lookup } from 'node:dns/promises'

/** Somewhere to connect to. The host is an address or, where somebody else looks it up, a name. */
export type PeerAddress = { readonly host: string; readonly port: number } | { readonly path: string }

/** All addresses of a host. Rejects with the system's error (ENOTFOUND …). */
export type AddressLookup = (host: string) => Promise<readonly string[]>

/** As the system resolves names: /etc/hosts, search domains, A and AAAA. */
export const lookupAll: AddressLookup = async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address)

/** Equal for equal addresses. */
export function keyOf(address: PeerAddress): string {
  return 'path' in address ? address.path : hostAndPort(address.host, address.port)
}

/** `host:port`, with brackets around an IPv6 address. */
export function hostAndPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
