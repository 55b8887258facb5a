/**
 * Schema blocks that components share. Names, defaults and meaning are the Collector's.
 *
 * Durations come out in milliseconds and sizes in bytes, under the key's own name. Give defaults as they are written
 * in a config, so that `schema` and `print-config` show them so: `duration().prefault('200ms').describe('…')`.
 */
import { z } from 'zod'
import { parseGrpcTarget } from './grpc_target.ts'
import { type Endpoint, parseDuration, parseEndpoint, parseSize } from './units.ts'

/**
 * A refusal for `.transform()` and `.superRefine()`: what was expected, and what to do.
 * The finding adds what was found, unless it is secret.
 */
export function expect(
  context: z.RefinementCtx,
  expected: string,
  advice?: string,
  path: (string | number)[] = [],
): never {
  context.addIssue({ code: 'custom', message: `expected ${expected}`, params: { expected, advice }, path })
  return z.NEVER
}

/** A Go duration: `200ms`, `1h30m`, `1.5s` or a bare 0. Output: milliseconds, possibly with a fraction. */
export function duration(bounds: { min_ms?: number; max_ms?: number } = {}) {
  const { min_ms = 0, max_ms = Number.MAX_SAFE_INTEGER } = bounds
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const advice = 'write numbers with units (ms, s, m, h), such as 200ms, 1.5s or 1h30m'
    const duration_ms = typeof value === 'string' ? parseDuration(value) : value === 0 ? 0 : undefined
    if (duration_ms === undefined) return expect(context, 'a duration', advice)
    if (duration_ms < min_ms) return expect(context, `at least ${min_ms}ms`)
    if (duration_ms > max_ms) return expect(context, `at most ${max_ms}ms`)
    return duration_ms
  })
}

/** A size: plain bytes or `64MiB`. Output: bytes. */
export function size(bounds: { min_bytes?: number; max_bytes?: number } = {}) {
  const { min_bytes = 0, max_bytes = Number.MAX_SAFE_INTEGER } = bounds
  return z.union([z.string(), z.number()]).transform((value, context) => {
    const bytes = parseSize(String(value))
    if (bytes === undefined)
      return expect(context, 'a size', 'write bytes, or a number with KiB, MiB or GiB, such as 64MiB')
    if (bytes < min_bytes) return expect(context, `at least ${min_bytes} bytes`)
    if (bytes > max_bytes) return expect(context, `at most ${max_bytes} bytes`)
    return bytes
  })
}

/** An address to listen on, `host:port`; an empty host means all interfaces. Output: the text; `parseEndpoint` takes it apart. */
export function endpoint() {
  return z.string().superRefine((text, context) => {
    const parsed = checkEndpoint(text, context)
    if (parsed?.scheme) expect(context, 'an address without a scheme', `write ${parsed.host}:${parsed.port}`)
  })
}

/** Where a gRPC client connects to; `parseGrpcTarget` takes it apart and names the forms. Output: the text. */
export function clientEndpoint() {
  return z.string().superRefine((text, context) => {
    if (parseGrpcTarget(text) !== undefined) return
    const advice =
      'write a host and a port, such as tempo:4317 or [::1]:4317, or a socket such as unix:///run/tempo.sock'
    expect(context, 'an address host:port', advice)
  })
}

/** URL of a proxy, which may hold a password: messages and `print-config` never show it. Output: the text. */
export function proxyUrl() {
  return secret()
    .superRefine((text, context) => {
      const url = URL.parse(text)
      if (text !== '' && (url === null || !/^https?:$/.test(url.protocol)))
        expect(context, 'a URL of a proxy', 'write http:// or https://, a host and a port, such as http://proxy:3128')
    })
    .transform((text) => (text === '' ? undefined : text))
    .optional()
    .describe(
      'Proxy for all connections; without it HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the environment are followed.',
    )
}

function checkEndpoint(text: string, context: z.RefinementCtx): Endpoint | undefined {
  if (/^unix|^\//.test(text)) {
    return expect(
      context,
      'host:port; unix sockets are not supported',
      'listen on a loopback address, such as localhost:4317',
    )
  }
  return (
    parseEndpoint(text) ??
    expect(context, 'an address host:port', 'write a host and a port, such as localhost:4317 or [::1]:4317')
  )
}

/** An `http://` or `https://` URL. Output: the text. */
export function httpUrl() {
  return z.string().superRefine((text, context) => {
    const url = URL.parse(text)
    if (!url || !/^https?:$/.test(url.protocol)) expect(context, 'a URL', 'write http:// or https:// and a host')
    else if (url.password !== '')
      expect(context, 'a URL without a password', 'give credentials in headers or with an auth extension')
  })
}

/** A text that messages and `print-config` never show. */
export function secret() {
  return z.string().meta({ writeOnly: true })
}

/** Request headers by name; the values are secrets. Also takes the list form `[{name, value}]`. Output: a plain object. */
export function headers() {
  const value = secret().regex(/^[^\r\n\0]*$/, 'expected a text of one line')
  const list = z.array(z.strictObject({ name: z.string().describe('Name.'), value: value.describe('Value.') }))
  return z
    .union([z.record(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/), value), list])
    .transform((given) =>
      Array.isArray(given) ? Object.fromEntries(given.map((header) => [header.name, header.value])) : given,
    )
    .prefault({})
    .describe('Headers sent with every request, by name.')
}
export type Headers = z.output<ReturnType<typeof headers>>

const TLS_VERSIONS = ['1.0', '1.1', '1.2', '1.3'] as const
const tlsVersion = () =>
  z
    .union([z.string(), z.number()])
    .transform((given, context) => {
      // Without quotes YAML makes a number of it.
      const version = typeof given === 'number' ? given.toFixed(1) : given
      return TLS_VERSIONS.find((known) => known === version) ?? expect(context, '1.0, 1.1, 1.2 or 1.3')
    })
    .meta({ enum: [...TLS_VERSIONS, 1, 1.1, 1.2, 1.3] })

const tlsCommon = () => ({
  ca_file: z
    .string()
    .optional()
    .describe('Path of the PEM file with the authorities to trust; the system’s by default.'),
  cert_file: z.string().optional().describe('Path of the PEM file with our certificate.'),
  key_file: z.string().optional().describe('Path of the PEM file with our private key.'),
  ca_pem: secret().optional().describe('The authorities to trust as PEM text.'),
  cert_pem: secret().optional().describe('Our certificate as PEM text.'),
  key_pem: secret().optional().describe('Our private key as PEM text.'),
  min_version: tlsVersion().prefault('1.2').describe('Lowest TLS version.'),
  max_version: tlsVersion().optional().describe('Highest TLS version; the newest by default.'),
  reload_interval: duration().optional().describe('How often the files are read again; never by default.'),
})

type TlsGiven = z.output<z.ZodObject<ReturnType<typeof tlsCommon>>>

function checkTls(tls: TlsGiven, context: z.RefinementCtx): void {
  for (const what of ['ca', 'cert', 'key'] as const) {
    if (tls[`${what}_file`] !== undefined && tls[`${what}_pem`] !== undefined) {
      expect(context, `either ${what}_file or ${what}_pem, not both`, 'remove one of them', [`${what}_pem`])
    }
  }
  const certificate = tls.cert_file ?? tls.cert_pem
  const key = tls.key_file ?? tls.key_pem
  if ((certificate === undefined) !== (key === undefined)) {
    expect(
      context,
      'a certificate and a private key together',
      `give ${key === undefined ? 'key_file' : 'cert_file'} as well`,
    )
  }
  if (tls.max_version !== undefined && tls.max_version < tls.min_version) {
    expect(context, `a max_version of at least min_version (${tls.min_version})`, undefined, ['max_version'])
  }
}

/** TLS of an outgoing connection. Encrypted unless `insecure: true`. */
export function tlsClient() {
  return z
    .strictObject({
      insecure: z.boolean().default(false).describe('True: no TLS at all.'),
      insecure_skip_verify: z.boolean().default(false).describe('True: the server’s certificate is not checked.'),
      server_name_override: z.string().optional().describe('The name expected in the server’s certificate.'),
      ...tlsCommon(),
    })
    .superRefine(checkTls)
    .describe('TLS of the connection.')
}
export type TlsClient = z.output<ReturnType<typeof tlsClient>>

/** TLS of a listener; without the block it speaks plain text. */
export function tlsServer() {
  return z
    .strictObject({
      client_ca_file: z
        .string()
        .optional()
        .describe('Path of the authorities for client certificates, which are then required.'),
      ...tlsCommon(),
    })
    .superRefine((tls, context) => {
      checkTls(tls, context)
      if ((tls.cert_file ?? tls.cert_pem) === undefined && (tls.key_file ?? tls.key_pem) === undefined) {
        expect(context, 'a certificate and a private key', 'give cert_file and key_file')
      }
    })
    .describe('TLS of the listener.')
}
export type TlsServer = z.output<ReturnType<typeof tlsServer>>

/** Repeats of a failed request. */
export function retryOnFailure() {
  return z
    .strictObject({
      enabled: z.boolean().default(true).describe('False: a failed request is not repeated.'),
      initial_interval: duration().prefault('5s').describe('Wait before the first repeat.'),
      randomization_factor: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .describe('Each wait varies by this share, up and down.'),
      multiplier: z.number().min(1).default(1.5).describe('Each wait is this many times the one before.'),
      max_interval: duration().prefault('30s').describe('Longest wait.'),
      max_elapsed_time: duration().prefault('300s').describe('Give up after this time; 0 never gives up.'),
    })
    .prefault({})
    .describe('How failed requests are repeated.')
}
export type RetryOnFailure = z.output<ReturnType<typeof retryOnFailure>>

/** The queue in front of an exporter, and the batches that it makes. */
export function sendingQueue() {
  const batch = z
    .strictObject({
      flush_timeout: duration({ min_ms: 1 })
        .prefault('200ms')
        .describe('A batch is sent after this time at the latest.'),
      min_size: z.int().min(0).default(8192).describe('A batch is sent as soon as it has this size.'),
      max_size: z.int().min(0).default(0).describe('Larger batches are split; 0 means no limit.'),
      sizer: z.enum(['items', 'bytes']).default('items').describe('What batch sizes count.'),
    })
    .superRefine(({ min_size, max_size }, context) => {
      if (max_size > 0 && max_size < min_size)
        expect(context, `0, or at least min_size (${min_size})`, undefined, ['max_size'])
    })
  return z
    .strictObject({
      enabled: z.boolean().default(true).describe('False: requests are sent one by one while the sender waits.'),
      num_consumers: z.int().min(1).default(10).describe('Requests under way at a time.'),
      queue_size: z
        .int()
        .min(1)
        .optional()
        .describe(
          'Most that the queue holds, in units of `sizer`. Default 1000, with `sizer: bytes` a sixteenth of the memory limit.',
        ),
      sizer: z.enum(['requests', 'items', 'bytes']).default('requests').describe('What `queue_size` counts.'),
      block_on_overflow: z
        .boolean()
        .default(false)
        .describe('True: a full queue makes the sender wait instead of refusing.'),
      wait_for_result: z.boolean().default(false).describe('True: the sender waits until its request was sent.'),
      storage: z.string().optional().describe('Id of a storage extension that keeps the queue over restarts.'),
      batch: batch.optional().describe('Batches made of what is queued; without it requests stay as they came.'),
    })
    .prefault({})
    .describe('The queue in front of the backend.')
}
export type SendingQueue = z.output<ReturnType<typeof sendingQueue>>

/** What happens when what waits for a destination that does not take it has reached its bytes. */
export function whenFull() {
  return z
    .enum(['drop_oldest', 'refuse'])
    .default('drop_oldest')
    .describe(
      'What happens when what has been taken and waits for a destination has reached its bytes. drop_oldest: the oldest is dropped and counted, other destinations go on. refuse: senders are refused until it has been taken.',
    )
}
export type WhenFull = z.output<ReturnType<typeof whenFull>>

/** Time for one request; 0 means no limit. */
export function timeout(fallback: string) {
  return duration().prefault(fallback).describe('Time for one attempt to send a request; 0 means no limit.')
}

const COMPRESSIONS = ['gzip', 'zstd', 'deflate', 'none'] as const
export type CompressionName = (typeof COMPRESSIONS)[number]

/** Compression of outgoing requests, out of `allowed`. */
export function compression<const A extends CompressionName>(allowed: readonly A[], fallback: NoInfer<A>) {
  return z
    .enum(allowed)
    .default(fallback as never)
    .describe('Compression of request bodies.')
}
