/** Shortening texts so that everybody sees that something is missing. */
export const MARK = Buffer.from('...[truncated]')

/** Where to cut the UTF-8 text in [start, end) so that it and the mark have at most `size_bytes`; `end` if it fits whole. */
export function cutAt(bytes: Uint8Array, start: number, end: number, size_bytes: number): number {
  if (end - start <= size_bytes) return end
  let at = start + Math.max(0, size_bytes - MARK.length)
  while (at > start && (bytes[at]! & 0xc0) === 0x80) at--
  return at
}
