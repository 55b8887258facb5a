import type { TlsServer } from '../config/schema/blocks.ts'
import type { TlsFiles } from './tls.ts'

/** What a server needs of its `tls` block: the files, and how often they are read again; undefined: never. */
export interface ServerTlsFiles extends TlsFiles {
  reload_interval_ms?: number
}

/** The `tls` block of a listener as servers take it. TLS below 1.2 is not offered, whatever the config says. */
export function serverTlsFiles({ reload_interval, min_version, max_version, ...files }: TlsServer): ServerTlsFiles {
  const given = Object.fromEntries(Object.entries(files).filter(([, value]) => value !== undefined))
  return {
    ...given,
    min_version: min_version === '1.3' ? '1.3' : '1.2',
    ...(max_version !== undefined && { max_version: max_version === '1.3' ? '1.3' : '1.2' }),
    ...(reload_interval !== undefined && reload_interval > 0 && { reload_interval_ms: reload_interval }),
  }
}
