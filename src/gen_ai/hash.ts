/** FNV-1a of a text; 0 stands for none. */
export function hashOf(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end) return 0
  let hash = 0x811c9dc5
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  return hash | 1
}
