/** The package has no types of its own. The raw block format of Snappy, without framing. */
declare module 'snappyjs' {
  export function compress(bytes: Buffer): Buffer
  export function uncompress(bytes: Buffer, size_bytes_max?: number): Buffer
}
