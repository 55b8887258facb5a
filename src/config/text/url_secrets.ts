/**
 * Secrets that stand in URLs: user and password before the host, and whatever a query says; and what connection strings
 * call a key or password (`Endpoint=sb://…;SharedAccessKey=…`, `sasl.password=…`).
 */

/** Characters `start` up to `end`. */
type Range = readonly [start: number, end: number]

/**
 * Up to the last @ of the word, since a password with an unescaped / or # would otherwise end in the middle; and without
 * a scheme as well, as addresses of gRPC backends are written.
 */
const USER = /(?:\w[\w+.-]*:\/\/)([^\s"'@]*(?:@[^\s"'@]*)*)@|(?<![^\s"'])([^\s"'/@:]+:[^\s"'@]+)@/dg
const QUERY_VALUE = /[?&;#][\w.~%[\]-]+=([^\s"'&;#]+)/dg

const NAMED_VALUE =
  /(?<![\w.-])[\w.-]{0,40}(?:passw(?:or)?d|pwd|secret|token|api_?key|accesskey|accountkey|access_key|signature|credential)[\w.-]{0,40}=([^\s"'&;,]+)/dgi

/** Where in a text there are secrets of URLs; in order, and apart. */
export function urlSecrets(text: string): Range[] {
  const users = text.includes('@') ? rangesOf(USER, text) : []
  const values = text.includes('=') && /[?#]/.test(text) ? rangesOf(QUERY_VALUE, text) : []
  const named = text.includes('=') ? rangesOf(NAMED_VALUE, text) : []
  return apart([...users, ...values, ...named])
}

/** In order; of those that overlap the one that begins first, or is first in the list. */
function apart(ranges: readonly Range[]): Range[] {
  let end = 0
  return [...ranges]
    .sort((a, b) => a[0] - b[0] || b[1] - a[1])
    .filter((range) => {
      if (range[0] < end) return false
      end = range[1]
      return true
    })
}

/** The text with `***` in the place of each. */
export function withoutUrlSecrets(text: string): string {
  let shown = ''
  let at = 0
  for (const [start, end] of urlSecrets(text)) {
    shown += `${text.slice(at, start)}***`
    at = end
  }
  return at === 0 ? text : shown + text.slice(at)
}

function rangesOf(pattern: RegExp, text: string): Range[] {
  return [...text.matchAll(pattern)].flatMap(({ indices }) => {
    const range = indices!.slice(1).find((one) => one !== undefined)
    return range === undefined || range[0] === range[1] ? [] : [range]
  })
}
