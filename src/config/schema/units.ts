/** Durations, sizes and addresses as they are written in a config. */

const DURATION_MS: { readonly [unit: string]: number } = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1e3,
  m: 60e3,
  h: 3600e3,
}

/** Milliseconds of a Go duration (`200ms`, `1h30m`, `1.5s`, `0`); undefined if it is none. Never negative. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  if (!/^\+?((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined
  let duration_ms = 0
  for (const [, number, unit] of text.matchAll(/([\d.]+)([a-zµμ]+)/g))
    duration_ms += Number(number) * DURATION_MS[unit!]!
  // Nanosecond steps, so that 1.1s is 1100 and not 1100.0000000000001.
  return Math.round(duration_ms * 1e6) / 1e6
}

const SIZE_BYTES: { readonly [unit: string]: number } = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** Bytes of `64MiB`, `1.5 GB` or `1024`; undefined if it is none. */
export function parseSize(text: string): number | undefined {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? []
  const factor = SIZE_BYTES[unit.toLowerCase()]
  if (number === undefined || factor === undefined) return undefined
  const size_bytes = Math.round(Number(number) * factor)
  return Number.isSafeInteger(size_bytes) ? size_bytes : undefined
}

/** An address taken apart. */
export interface Endpoint {
  /** `http` or `https`; undefined for a bare `host:port`. */
  readonly scheme: string | undefined
  /** Without brackets; empty for all interfaces. */
  readonly host: string
  readonly port: number
}

/** Takes `host:port` apart, `[::1]:4317` and `:4317` included; undefined if it is none. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const [, scheme, rest = text] = /^(https?):\/\/(.*?)\/?$/s.exec(text) ?? []
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:/@[\]]*)):(\d{1,5})$/.exec(rest) ?? []
  if (port === undefined || Number(port) > 65535) return undefined
  return { scheme, host: bracketed ?? plain ?? '', port: Number(port) }
}
