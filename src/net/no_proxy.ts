import { BlockList, isIP } from 'node:net'

/**
 * Who is reached without a proxy: the rules of NO_PROXY as Go programs read them, so that one value serves a Collector and
 * us. A comma between the entries; upper and lower case are the same.
 *
 * | entry | matches |
 * | --- | --- |
 * | `*` | everybody |
 * | `example.com` | the host and those below it |
 * | `.example.com`, `*.example.com` | only those below it |
 * | `10.1.2.3`, `fd00::1`, `10.0.0.0/8` | the address, the network; names are not looked up for it |
 * | one of these but a network, with `:8080` behind it | that port only |
 *
 * `localhost` and loopback addresses are never reached by a proxy.
 */
export class NoProxy {
  #everybody = false
  readonly #networks = new BlockList()
  readonly #addresses: { readonly address: BlockList; readonly port: string }[] = []
  readonly #domains: { readonly suffix: string; readonly isHostToo: boolean; readonly port: string }[] = []

  constructor(text = '') {
    for (const entry of text.split(',')) this.#add(entry.trim().toLowerCase())
  }

  /** `host` without brackets. */
  matches(host: string, port: number): boolean {
    const name = host.toLowerCase().replace(/\.$/, '')
    if (this.#everybody || name === 'localhost') return true
    const family = familyOf(name)
    if (family === undefined) return this.#hasDomain(name, String(port))
    if (LOOPBACK.check(name, family) || this.#networks.check(name, family)) return true
    return this.#addresses.some((one) => one.address.check(name, family) && isPort(one.port, String(port)))
  }

  #add(entry: string): void {
    if (entry === '') return
    if (entry === '*') {
      this.#everybody = true
      return
    }
    if (this.#addNetwork(entry)) return
    const { host, port } = split(entry)
    const family = familyOf(host)
    if (family !== undefined) {
      const address = new BlockList()
      address.addAddress(host, family)
      this.#addresses.push({ address, port })
      return
    }
    const domain = host.startsWith('*.') ? host.slice(1) : host
    if (domain === '') return
    const isHostToo = !domain.startsWith('.')
    this.#domains.push({ suffix: isHostToo ? `.${domain}` : domain, isHostToo, port })
  }

  #addNetwork(entry: string): boolean {
    const [, address, bits] = /^([0-9a-f.:]+)\/(\d{1,3})$/.exec(entry) ?? []
    const family = address === undefined ? undefined : familyOf(address)
    if (family === undefined || Number(bits) > (family === 'ipv4' ? 32 : 128)) return false
    this.#networks.addSubnet(address!, Number(bits), family)
    return true
  }

  #hasDomain(name: string, port: string): boolean {
    return this.#domains.some(
      (one) => isPort(one.port, port) && (name.endsWith(one.suffix) || (one.isHostToo && name === one.suffix.slice(1))),
    )
  }
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** No port in an entry stands for each. */
function isPort(wanted: string, port: string): boolean {
  return wanted === '' || wanted === port
}

/** `host:port`, `[v6]:port`, `[v6]` or what has no port. */
function split(entry: string): { host: string; port: string } {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? []
  return { host: bracketed ?? plain ?? entry, port }
}

function familyOf(host: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(host)
  return version === 0 ? undefined : version === 4 ? 'ipv4' : 'ipv6'
}
