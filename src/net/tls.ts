import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions, type SecureVersion, type TlsOptions } from 'node:tls'
import { type Clock, systemClock, type Timer } from '../self/clock.ts'

/** Certificates by file or in place, by the names of the Collector's configtls. */
export interface TlsFiles {
  cert_file?: string
  cert_pem?: string
  key_file?: string
  key_pem?: string
  /** Whom a client trusts; default the system's authorities. */
  ca_file?: string
  ca_pem?: string
  /** Whose clients a server admits: with it, a client without a certificate is turned away in the handshake. */
  client_ca_file?: string
  client_ca_pem?: string
  /** Default 1.2. */
  min_version?: '1.2' | '1.3'
  max_version?: '1.2' | '1.3'
}

export interface ClientTlsFiles extends TlsFiles {
  /** Do not check the server's certificate. */
  insecure_skip_verify?: boolean
  /** The name to ask for and to check instead of the host's. */
  server_name_override?: string
}

/** A certificate, key or authority cannot be used. The message names the key and the file, never their content. */
export class TlsError extends Error {
  override readonly name = 'TlsError'
}

/** Options for a TLS server. Throws TlsError. */
export function serverTls(files: TlsFiles): TlsOptions {
  if (files.cert_file === undefined && files.cert_pem === undefined) {
    throw new TlsError('tls: a server needs a certificate: set cert_file and key_file')
  }
  const context = secureContext(files, 'client_ca')
  if (context.ca === undefined) return context
  return { ...context, requestCert: true, rejectUnauthorized: true }
}

/** Options for `tls.connect`, `https` and undici. Throws TlsError. */
export function clientTls(
  files: ClientTlsFiles,
): SecureContextOptions & { rejectUnauthorized: boolean; servername?: string } {
  return {
    ...secureContext(files, 'ca'),
    rejectUnauthorized: files.insecure_skip_verify !== true,
    ...(files.server_name_override !== undefined && { servername: files.server_name_override }),
  }
}

/** A TLS server whose certificates can be exchanged: `tls.Server`, `https.Server`, `http2.Http2SecureServer`. */
interface Reloadable {
  setSecureContext(options: SecureContextOptions): void
}

export interface TlsReload {
  interval_ms: number
  clock?: Clock
  onReload?: () => void
  /** The new files cannot be used: the old ones stay in force. */
  onError?: (error: Error) => void
}

/**
 * Reads the files again every interval and, where their content has changed, uses it for new connections. Content is
 * compared, not times: Kubernetes swaps a link to a directory.
 */
export function watchTls(server: Reloadable, files: TlsFiles, reload: TlsReload): Timer {
  let current = contents(files)
  return (reload.clock ?? systemClock).every(reload.interval_ms, () => {
    try {
      const next = contents(files)
      if (next === current) return
      server.setSecureContext(serverTls(files))
      current = next
      reload.onReload?.()
    } catch (error) {
      reload.onError?.(error instanceof Error ? error : new TlsError(String(error)))
    }
  })
}

function secureContext(files: TlsFiles, authority: 'ca' | 'client_ca'): SecureContextOptions {
  const cert = read(files, 'cert')
  const key = read(files, 'key')
  const ca = read(files, authority)
  if ((cert === undefined) !== (key === undefined)) {
    throw new TlsError(`tls: ${cert === undefined ? 'cert_file' : 'key_file'} is missing: a certificate needs its key`)
  }
  const context: SecureContextOptions = { minVersion: version(files.min_version ?? '1.2') }
  if (files.max_version !== undefined) context.maxVersion = version(files.max_version)
  check({ ca }, `${authority}_file`, files[`${authority}_file`])
  check({ cert }, 'cert_file', files.cert_file)
  check({ key }, 'key_file', files.key_file)
  check({ cert, key }, 'cert_file and key_file', 'they do not belong together')
  return {
    ...context,
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(ca !== undefined && { ca }),
  }
}

function read(files: TlsFiles, name: 'cert' | 'key' | 'ca' | 'client_ca'): string | undefined {
  const path = files[`${name}_file`]
  const text = files[`${name}_pem`]
  if (path !== undefined && text !== undefined) {
    throw new TlsError(`tls: both ${name}_file and ${name}_pem are set: leave one out`)
  }
  if (path === undefined) return checked(text, `${name}_pem`)
  try {
    return checked(readFileSync(path, 'utf8'), `${name}_file ${path}`)
  } catch (error) {
    if (error instanceof TlsError) throw error
    throw new TlsError(`tls.${name}_file: cannot read ${path}: ${(error as NodeJS.ErrnoException).code ?? error}`)
  }
}

function checked(text: string | undefined, where: string): string | undefined {
  if (text === undefined || text.includes('-----BEGIN ')) return text
  throw new TlsError(
    `tls.${where}: expected PEM text (-----BEGIN …), found ${text.length} characters of something else`,
  )
}

function version(value: '1.2' | '1.3'): SecureVersion {
  return `TLSv${value}`
}

/** Throws if OpenSSL cannot use what is given. It skips authorities that it cannot read, so they are read one by one. */
function check(
  given: { [K in 'ca' | 'cert' | 'key']?: string | undefined },
  key: string,
  where = 'given in place',
): void {
  if (Object.values(given).includes(undefined)) return
  try {
    for (const block of given.ca?.match(CERTIFICATE) ?? []) new X509Certificate(block)
    createSecureContext(given as SecureContextOptions)
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new TlsError(`tls.${key} (${where}) cannot be used: ${reason}`)
  }
}

const CERTIFICATE = /-----BEGIN (TRUSTED )?CERTIFICATE-----[^-]*-----END (TRUSTED )?CERTIFICATE-----/g

function contents(files: TlsFiles): string {
  return (['cert', 'key', 'client_ca'] as const).map((name) => read(files, name) ?? '').join('\0')
}
