/** Milliseconds of a Retry-After header: seconds or an HTTP-date (RFC 9110, 10.2.3); undefined if it is neither. */
export function retryAfterOf(value: string | undefined, now_ms: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d+$/.test(text)) return Number(text) * 1000
  // Only the forms of RFC 9110: Date.parse also takes bare numbers with a sign and the like.
  if (!/^[A-Z][a-z]+,? /.test(text)) return undefined
  const date_ms = Date.parse(text)
  return Number.isNaN(date_ms) ? undefined : Math.max(0, date_ms - now_ms)
}
