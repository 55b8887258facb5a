/** Which format a scraper gets. Source: Prometheus, "Content negotiation". */
import { ESCAPINGS, type Escaping } from './escaping.ts'

export interface Format {
  readonly kind: 'text' | 'open_metrics' | 'protobuf'
  readonly escaping: Escaping
  readonly contentType: string
}

interface Range {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

/** The first that can be had, by the quality that the scraper gives it; the text format if there is none. */
export function negotiate(accept: string, openMetrics: boolean): Format {
  const ranges = rangesOf(accept)
  for (const [at, { type, parameters }] of ranges.entries()) {
    const version = parameters.get('version') ?? ''
    const escaping = escapingOf(ranges.slice(0, at + 1))
    if (type === PROTOBUF && parameters.get('proto') === MESSAGE && parameters.get('encoding') === 'delimited')
      // Prometheus names no escaping for protobuf, and takes the same names there as in the formats that it lists behind.
      return format('protobuf', `${PROTOBUF}; proto=${MESSAGE}; encoding=delimited`, escaping ?? escapingOf(ranges))
    if (type === 'text/plain' && ['', '0.0.4'].includes(version)) return format('text', TEXT, escaping)
    if (type === OPEN_METRICS && openMetrics && ['', '0.0.1', '1.0.0'].includes(version))
      return format('open_metrics', `${OPEN_METRICS}; version=${version || '1.0.0'}; charset=utf-8`, escaping)
  }
  return format('text', TEXT, escapingOf(ranges))
}

const TEXT = 'text/plain; version=0.0.4; charset=utf-8'
const PROTOBUF = 'application/vnd.google.protobuf'
const MESSAGE = 'io.prometheus.client.MetricFamily'
const OPEN_METRICS = 'application/openmetrics-text'
/** More are not read. */
const RANGES_MAX = 50

/** The last that is named, as Prometheus' own library reads it. */
function escapingOf(ranges: readonly Range[]): Escaping | undefined {
  const named = ranges.map(({ parameters }) => parameters.get('escaping') ?? '')
  return named.findLast((escaping) => ESCAPINGS.includes(escaping)) as Escaping | undefined
}

function format(kind: Format['kind'], type: string, escaping: Escaping = 'underscores'): Format {
  return { kind, escaping, contentType: `${type}; escaping=${escaping}` }
}

/** Best first; those of equal quality in their order. */
function rangesOf(accept: string): Range[] {
  const ranges = accept.split(',', RANGES_MAX).map((text) => {
    const [type = '', ...rest] = text.split(';').map((part) => part.trim())
    const parameters = new Map(rest.map((part) => pairOf(part)))
    const quality = Number(parameters.get('q') ?? 1)
    return { type: type.toLowerCase(), parameters, quality }
  })
  return ranges.filter(({ quality }) => quality > 0).sort((a, b) => b.quality - a.quality)
}

function pairOf(parameter: string): [name: string, value: string] {
  const [name = '', value = ''] = parameter.split('=', 2).map((text) => text.trim())
  return [name.toLowerCase(), value.replace(/^"(.*)"$/, '$1')]
}
