/** A line of logfmt: words, and `key=value` pairs, between blanks; values in quotes where they need them. */
export class Line {
  text = ''

  /** A word on its own; false if it cannot stand so, and is not written. */
  word(text: string): boolean {
    if (!/^[\w.:/@+-]+$/.test(text)) return false
    this.#add(text)
    return true
  }

  /** Nothing if the value is empty. */
  pair(key: string, value: string): void {
    if (value !== '') this.#add(`${key}=${quoted(value)}`)
  }

  /** Nothing if the value is not known (NaN). */
  number(key: string, value: number): void {
    if (Number.isFinite(value)) this.#add(`${key}=${plainNumber(value)}`)
  }

  #add(text: string): void {
    this.text += this.text === '' ? text : ` ${text}`
  }
}

const VALUE_MAX = 200

function quoted(value: string): string {
  const short = value.length > VALUE_MAX ? `${value.slice(0, VALUE_MAX).toWellFormed()}…` : value
  if (!/[\s"=\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(short)) return short
  const escaped = short.replace(
    /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (character) => escapes[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `"${escaped}"`
}

const escapes: Readonly<Record<string, string>> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/** Without an exponent, and with at most six digits that matter behind the point. */
function plainNumber(value: number): string {
  if (Number.isInteger(value)) return String(value)
  const digits = Math.max(0, Math.min(20, 5 - Math.floor(Math.log10(Math.abs(value)))))
  const text = value.toFixed(digits)
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text
}
