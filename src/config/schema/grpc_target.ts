import { parseEndpoint } from './units.ts'

/** Where a gRPC client connects to. */
export type GrpcTarget =
  | {
      readonly kind: 'host'
      /** Without brackets. */
      readonly host: string
      readonly port: number
      /** Said by `http://` and `https://`; undefined: the config says it elsewhere. */
      readonly isPlain: boolean | undefined
      /** False (`passthrough:///`): one connection to whichever address answers first. */
      readonly hasAddresses: boolean
    }
  | {
      readonly kind: 'unix'
      /** A path, or a name after a NUL in Linux's abstract namespace. */
      readonly path: string
    }

/**
 * The forms of the Collector and of gRPC's naming: `host:port`, `http://host:port`, `https://host:port`,
 * `dns:///host:port`, `passthrough:///host:port`, `unix:path`, `unix:///path`, `unix-abstract:name`.
 * Undefined if the text is none of them.
 */
export function parseGrpcTarget(text: string): GrpcTarget | undefined {
  const [, kind, path] = /^(unix|unix-abstract):(?:\/\/(?=\/))?(.+)$/s.exec(text) ?? []
  if (path !== undefined) return { kind: 'unix', path: kind === 'unix' ? path : `\0${path}` }
  const [, form, rest = text] = /^(dns|passthrough):(?:\/\/\/?)?(?=.*:)(.*)$/s.exec(text) ?? []
  const endpoint = parseEndpoint(rest)
  if (endpoint === undefined || endpoint.host === '' || endpoint.port === 0) return undefined
  const { scheme, host, port } = endpoint
  if (form !== undefined && scheme !== undefined) return undefined
  const isPlain = scheme === undefined ? undefined : scheme === 'http'
  return { kind: 'host', host, port, isPlain, hasAddresses: form !== 'passthrough' }
}
