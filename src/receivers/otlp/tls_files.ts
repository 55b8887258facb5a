import type { TlsServer } from '../../config/schema/blocks.ts'
import type { TlsFiles } from '../../net/tls.ts'

/** The config's `tls` block as the servers take it. */
export function tlsFiles(config: TlsServer): TlsFiles & { reload_interval_ms?: number } {
  const { reload_interval, ...files } = config
  return { ...(files as TlsFiles), ...(reload_interval !== undefined && { reload_interval_ms: reload_interval }) }
}
