import type { IncomingHttpHeaders } from 'node:http'

const none: ReadonlyMap<string, string> = new Map()
/** Headers of the transport or of one request alone, and credentials: they are nobody's metadata. */
const left_out = new Set([
  'accept',
  'accept-encoding',
  'expect',
  'http2-settings',
  'keep-alive',
  'traceparent',
  'tracestate',
  'transfer-encoding',
  'upgrade',
  'host',
  'connection',
  'content-length',
  'content-type',
  'content-encoding',
  'te',
  'authorization',
  'cookie',
  'proxy-authorization',
])

/** Request headers as metadata, if they are wanted. Several values of one name are joined by a comma. */
export function metadataOf(headers: IncomingHttpHeaders, wanted: boolean): ReadonlyMap<string, string> {
  if (!wanted) return none
  const metadata = new Map<string, string>()
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':') || name.startsWith('grpc-') || left_out.has(name)) continue
    metadata.set(name, Array.isArray(value) ? value.join(',') : value)
  }
  return metadata
}
