/** Whether a server is one's own, by its address. */
import { BlockList, isIP } from 'node:net'

const ownNetworks = new BlockList()
for (const [network, bits] of [
  ['10.0.0.0', 8],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['0.0.0.0', 32],
] as const)
  ownNetworks.addSubnet(network, bits, 'ipv4')
ownNetworks.addAddress('::1', 'ipv6')
ownNetworks.addSubnet('fc00::', 7, 'ipv6')
ownNetworks.addSubnet('fe80::', 10, 'ipv6')

const ownEndings = ['.local', '.localhost', '.internal', '.lan', '.localdomain', '.home.arpa', '.svc']

/**
 * Is it an address of this machine or a private network, or a name that only such a network knows? `address`: a host, with or
 * without a port, or a URL. False for what is neither.
 */
export function isPrivateHost(address: string): boolean {
  const host = hostOf(address.trim().toLowerCase())
  if (host === undefined) return false
  const family = isIP(host)
  if (family !== 0) return ownNetworks.check(host, family === 4 ? 'ipv4' : 'ipv6')
  return !host.includes('.') || ownEndings.some((ending) => host.endsWith(ending))
}

function hostOf(address: string): string | undefined {
  if (isIP(address) === 6) return address
  const url = URL.parse(address.includes('://') ? address : `http://${address}`)
  return url === null || url.hostname === '' ? undefined : url.hostname.replace(/^\[|\]$/g, '')
}
