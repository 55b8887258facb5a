/**
 * The short names of network errors that may be logged. Anything else in an error's text may come from the other side
 * and quote telemetry.
 */
const KNOWN =
  /\b(E(?:CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|ADDRNOTAVAIL|NOTFOUND|AI_AGAIN|PROTO|ACCES|MFILE|NFILE)|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(?:_LOCALLY)?|ERR_TLS_CERT_ALTNAME_INVALID|ERR_SSL_[A-Z0-9_]{1,40}|ERR_HTTP2_[A-Z_]{1,40}|UND_ERR_[A-Z_]{1,40}|HPE_[A-Z_]{1,40})\b/

/** The name of what went wrong on the network, such as `ECONNREFUSED`; undefined if it is not a known one. */
export function networkErrorName(error: unknown, depth = 0): string | undefined {
  if (!(error instanceof Error) || depth > 3) return undefined
  const { code } = error as NodeJS.ErrnoException
  const name = KNOWN.exec(typeof code === 'string' ? code : '')?.[1] ?? KNOWN.exec(error.message)?.[1]
  if (name !== undefined && !name.startsWith('UND_ERR_SOCKET')) return name
  const inner = error instanceof AggregateError ? (error.errors[0] as unknown) : error.cause
  return networkErrorName(inner, depth + 1) ?? name
}
