import { promisify } from 'node:util'
import { constants, deflate, gzip, zstdCompress } from 'node:zlib'
import type { Encoding } from './decompress.ts'

export type Compression = Encoding | 'none'

/** A body was larger than the limit before compression; it is not sent. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'
  readonly size_bytes: number

  constructor(size_bytes: number, limit_bytes: number) {
    super(`the body has ${size_bytes} bytes, the limit is ${limit_bytes} bytes before compression`)
    this.size_bytes = size_bytes
  }
}

export interface CompressOptions {
  /** gzip, deflate: 1 to 9, zstd: 1 to 22. Default 1: level 6 of gzip costs four times as much for a tenth less. */
  level?: number
  /** Limit of the body before compression. Default none. */
  limit_bytes?: number
}

/**
 * The body as it goes on the wire: compressed on the thread pool, so that a large body does not hold up the others.
 * The caller sets the header (`contentEncoding`). Rejects with BodyTooLarge.
 */
export async function compress(body: Buffer, compression: Compression, options: CompressOptions = {}): Promise<Buffer> {
  const { level = 1, limit_bytes = Number.POSITIVE_INFINITY } = options
  if (body.length > limit_bytes) throw new BodyTooLarge(body.length, limit_bytes)
  if (compression === 'none') return body
  const chunkSize = Math.max(1024, body.length >> 1)
  if (compression === 'gzip') return await gzipLater(body, { level, chunkSize })
  if (compression === 'deflate') return await deflateLater(body, { level, chunkSize })
  return await zstdLater(body, { chunkSize, params: { [constants.ZSTD_c_compressionLevel]: level } })
}

/** The value of Content-Encoding; undefined: leave the header out. */
export function contentEncoding(compression: Compression): string | undefined {
  return compression === 'none' ? undefined : compression
}

const gzipLater = promisify(gzip)
const deflateLater = promisify(deflate)
const zstdLater = promisify(zstdCompress)
