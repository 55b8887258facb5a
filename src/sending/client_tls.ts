/** The `tls` block of an exporter as options for connections. */
import type { TlsClient } from '../config/blocks.ts'
import { type ClientTlsFiles, clientTls } from '../net/tls.ts'

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
