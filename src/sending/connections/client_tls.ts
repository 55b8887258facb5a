/** The `tls` block of an exporter as options for connections. */

import type { Host } from '../../component.ts'
import type { TlsClient } from '../../config/schema/blocks.ts'
import { type ClientTlsFiles, clientTls } from '../../net/tls.ts'
import type { Timer } from '../../self/clock.ts'

export type ClientTlsOptions = ReturnType<typeof clientTls>

/** Reads the files. Throws TlsError. TLS below 1.2 is not offered, whatever `min_version` says. */
export function readClientTls(tls: TlsClient): ClientTlsOptions {
  const { min_version, max_version } = tls
  const files = Object.fromEntries(Object.entries(tls).filter(([, value]) => value !== undefined)) as ClientTlsFiles
  return clientTls({
    ...files,
    min_version: min_version === '1.3' ? '1.3' : '1.2',
    ...(max_version !== undefined && { max_version: max_version === '1.3' ? '1.3' : '1.2' }),
  })
}

/** Equal for equal content of the files. */
export function fingerprintOf(options: ClientTlsOptions): string {
  return JSON.stringify([options.ca, options.cert, options.key])
}

/** Calls `connect` at every `reload_interval`; while the files cannot be used, the old ones stay in force. */
export function watchClientTls({ reload_interval }: TlsClient, host: Host, connect: () => void): Timer | undefined {
  if (reload_interval === undefined || reload_interval === 0) return undefined
  return host.clock.every(reload_interval, () => {
    try {
      connect()
    } catch (error) {
      host.log.warn({ reason: (error as Error).message }, 'TLS files cannot be used, the old ones stay in force')
    }
  })
}
