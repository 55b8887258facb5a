/**
 * What servers in Go, Java, C++, JavaScript, and proxies say of a request over their limit. Many do not say it by the
 * status that is made for it.
 */
const OVER_LIMIT =
  /message (after decompression )?(that decompresses to a size )?(is )?(larger than|exceeds) (the )?(max|limit|\d)|(message length|message|request body|request entity|payload|content) (is )?too large|maximum size exceeded/i

/** Of an answer's text no more is looked at. */
const TEXT_CHARACTERS_MAX = 2000

/** Does the text of a refusal say that the request is larger than the backend takes? */
export function saysTooLarge(text: string): boolean {
  return OVER_LIMIT.test(text.slice(0, TEXT_CHARACTERS_MAX))
}
