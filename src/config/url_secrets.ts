/** Secrets that stand in URLs: user and password before the host, and whatever a query says. */

/** Characters `start` up to `end`. */
type Range = readonly [start: number, end: number]

/**
 * Up to the last @ of the word, since a password with an unescaped / or # would otherwise end in the middle; and without
 * a scheme as well, as addresses of gRPC backends are written.
 */
const USER = /(?:\w[\w+.-]*:\/\/)([^\s"'@]*(?:@[^\s"'@]*)*)@|(?<![^\s"'])([^\s"'/@:]+:[^\s"'@]+)@/dg
const QUERY_VALUE = /[?&;#][\w.~%[\]-]+=([^\s"'&;#]+)/dg

/** Where in a text there are secrets of URLs; in order, and apart. */
export function urlSecrets(text: string): Range[] {
  const users = text.includes('@') ? rangesOf(USER, text) : []
  const values = text.includes('=') && /[?#]/.test(text) ? rangesOf(QUERY_VALUE, text) : []
  const free = values.filter(([start, end]) => users.every((user) => end <= user[0] || start >= user[1]))
  return [...users, ...free].sort((a, b) => a[0] - b[0])
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
