/**
 * Names of metrics and labels as the Collector's Prometheus exporter makes them.
 * Source: OpenTelemetry specification, compatibility/prometheus_and_openmetrics.md.
 */

export type MetricType = 'gauge' | 'counter' | 'histogram' | 'summary'

export interface Naming {
  readonly namespace: string
  /** Add words for the unit and the type to metric names. */
  readonly suffixes: boolean
  /** Keep all characters, as Prometheus' UTF-8 mode allows. */
  readonly utf8: boolean
}

const UNITS = new Map([
  ['d', 'days'],
  ['h', 'hours'],
  ['min', 'minutes'],
  ['s', 'seconds'],
  ['ms', 'milliseconds'],
  ['us', 'microseconds'],
  ['ns', 'nanoseconds'],
  ['By', 'bytes'],
  ['KiBy', 'kibibytes'],
  ['MiBy', 'mebibytes'],
  ['GiBy', 'gibibytes'],
  ['TiBy', 'tibibytes'],
  ['KBy', 'kilobytes'],
  ['MBy', 'megabytes'],
  ['GBy', 'gigabytes'],
  ['TBy', 'terabytes'],
  ['m', 'meters'],
  ['V', 'volts'],
  ['A', 'amperes'],
  ['J', 'joules'],
  ['W', 'watts'],
  ['g', 'grams'],
  ['Cel', 'celsius'],
  ['Hz', 'hertz'],
  ['1', ''],
  ['%', 'percent'],
])

const PER_UNITS = new Map([
  ['s', 'second'],
  ['m', 'minute'],
  ['h', 'hour'],
  ['d', 'day'],
  ['w', 'week'],
  ['mo', 'month'],
  ['y', 'year'],
])

/**
 * The family's name. Empty: nothing of the name can be said in Prometheus' characters.
 * `gen_ai.client.operation.duration`, `s` → `gen_ai_client_operation_duration_seconds`.
 */
export function metricName(name: string, unit: string, type: MetricType, naming: Naming): string {
  if (naming.utf8) return utf8Name(name, unit, type, naming)
  const built = naming.suffixes ? withSuffixes(name, unit, type, naming.namespace) : plain(name, naming.namespace)
  return /[^_]/.test(built) ? built : ''
}

/** A name that is taken as it is, whatever its unit; only what Prometheus does not allow becomes `_`. */
export function verbatimName(name: string, { namespace, utf8 }: Naming): string {
  return metricName(name, '', 'gauge', { namespace, suffixes: false, utf8 })
}

/**
 * `http.method` → `http_method`, in UTF-8 as it is. A leading digit gets `key_` before it; so does a leading `__`, which
 * is reserved (`__name__` would rename the metric). Empty only for an empty key.
 */
export function labelName(key: string, utf8 = false): string {
  const name = utf8 ? key : key.replace(/[^a-zA-Z0-9_]/gu, '_')
  if (!utf8 && /^[0-9]/.test(name)) return `key_${name}`
  return name.startsWith('__') ? `key${name}` : name
}

/** Words that are at the end already are not said twice, but moved to their place: unit, per unit, type. */
function utf8Name(name: string, unit: string, type: MetricType, { namespace, suffixes }: Naming): string {
  let base = namespace === '' ? name : `${namespace}_${name}`
  if (!suffixes || name === '') return name === '' ? '' : base
  const [main, per] = unitWords(unit)
  const last = type === 'counter' ? 'total' : type === 'gauge' && unit === '1' ? 'ratio' : ''
  base = withoutEnd(withoutEnd(base, last), per)
  if (main !== '' && !base.endsWith(main)) base += `_${main}`
  return [base, per, last].filter((word) => word !== '').join('_')
}

/** Takes the word and the character before it off the end. */
function withoutEnd(name: string, word: string): string {
  const fits = word !== '' && name.endsWith(word) && name.length > word.length + 1
  return fits ? name.slice(0, -word.length - 1) : name
}

function plain(name: string, namespace: string): string {
  const clean = words(name, /[^a-zA-Z0-9:_]+/).join('_')
  if (namespace !== '') return underscoreDigit(`${words(namespace, /[^a-zA-Z0-9:_]+/).join('_')}_${clean}`)
  return underscoreDigit(clean)
}

function withSuffixes(name: string, unit: string, type: MetricType, namespace: string): string {
  let parts = words(name, /[^a-zA-Z0-9:]+/)
  addUnit(parts, unit)
  if (type === 'counter') parts = last(parts, 'total')
  if (type === 'gauge' && unit === '1') parts = last(parts, 'ratio')
  if (namespace !== '') parts.unshift(words(namespace, /[^a-zA-Z0-9:_]+/).join('_'))
  return underscoreDigit(parts.join('_'))
}

function addUnit(parts: string[], unit: string): void {
  const [mainWord, perWord] = unitWords(unit).map((word) => word.replace(/[^a-zA-Z0-9:]+/g, '_').replace(/^_/, '')) as [
    string,
    string,
  ]
  const per = perWord.replace(/_$/, '')
  if (mainWord !== '' && !parts.includes(mainWord)) parts.push(per === '' ? mainWord : mainWord.replace(/_$/, ''))
  if (per !== '' && !parts.includes(per)) parts.push(per)
}

/** `By/s` → `bytes`, `per_second`. Empty where the unit says nothing. */
function unitWords(unit: string): [main: string, per: string] {
  const [main = '', ...rest] = unit.split('/')
  const per = unitWord(rest.join('/'), PER_UNITS)
  return [unitWord(main, UNITS), per === '' ? '' : `per_${per}`]
}

/** `{token}` and the like are annotations and say nothing. */
function unitWord(unit: string, names: ReadonlyMap<string, string>): string {
  const trimmed = unit.trim()
  return /[{}]/.test(trimmed) ? '' : (names.get(trimmed) ?? trimmed)
}

function last(parts: readonly string[], word: string): string[] {
  return [...parts.filter((part) => part !== word), word]
}

function words(text: string, separators: RegExp): string[] {
  return text.split(separators).filter((word) => word !== '')
}

function underscoreDigit(name: string): string {
  return /^[0-9]/.test(name) ? `_${name}` : name
}
