import {
  constants,
  gunzip,
  gunzipSync,
  inflate,
  inflateRaw,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
  type ZstdOptions,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'

export type Encoding = 'gzip' | 'deflate' | 'zstd'

/** Why a compressed body was not taken. The message says nothing about its content. */
export class DecompressError extends Error {
  override readonly name = 'DecompressError'
  readonly kind: 'too_large' | 'corrupt'

  constructor(kind: 'too_large' | 'corrupt', message: string) {
    super(message)
    this.kind = kind
  }
}

/** The encoding that a `Content-Encoding` or `grpc-encoding` names; undefined if it is none of ours. */
export function encodingOf(header: string | undefined): Encoding | 'identity' | undefined {
  if (header === undefined) return 'identity'
  return ENCODINGS.get(header) ?? ENCODINGS.get(header.trim().toLowerCase())
}

const ENCODINGS = new Map<string, Encoding | 'identity'>([
  ['', 'identity'],
  ['none', 'identity'],
  ['identity', 'identity'],
  ['gzip', 'gzip'],
  ['x-gzip', 'gzip'],
  ['deflate', 'deflate'],
  ['zlib', 'deflate'],
  ['zstd', 'zstd'],
])

/**
 * The body without its compression, at most `limit_bytes` long: inflating stops there. Several gzip members or zstd
 * frames in a row are one body; anything else after the end is an error. Throws or rejects with DecompressError.
 * What will probably be small is done at once (a job for the thread pool costs 80 µs), the rest on the thread pool.
 */
export function decompress(body: Buffer, encoding: Encoding, limit_bytes: number): Buffer | Promise<Buffer> {
  const expected_bytes = Math.min(expectedSize(body, encoding), limit_bytes)
  const small = expected_bytes <= AT_ONCE_BYTES && body.length <= AT_ONCE_BYTES
  if (encoding === 'zstd') return unpackZstd(body, limit_bytes, expected_bytes, small)
  const codec = encoding === 'gzip' ? GZIP : hasZlibHeader(body) ? ZLIB : RAW
  const options = { chunkSize: chunkSize(expected_bytes), maxOutputLength: limit_bytes, info: true }
  if (small) return whole(body, runNow(codec, body, options, limit_bytes))
  return runLater(codec, body, options, limit_bytes).then((result) => whole(body, result))
}

const AT_ONCE_BYTES = 1 << 20
/** Deflate cannot do better than this. */
const RATIO_MAX = 1032
const RATIO_GUESS = 6

/** What zlib answers with `info: true`: `bytesWritten` is how much of the input was used. */
interface Unpacked {
  buffer: Buffer
  engine: { bytesWritten: number }
}
type Callback = (error: Error | null, result: Unpacked) => void
interface Codec {
  now: (body: Buffer, options: object) => Unpacked
  later: (body: Buffer, options: object, done: Callback) => void
}

// Node's types do not know `info`.
const GZIP = { now: gunzipSync, later: gunzip } as unknown as Codec
const ZLIB = { now: inflateSync, later: inflate } as unknown as Codec
const RAW = { now: inflateRawSync, later: inflateRaw } as unknown as Codec
const ZSTD = { now: zstdDecompressSync, later: zstdDecompress } as unknown as Codec

/** The size that the body itself states, if it is possible at all, otherwise a guess. Only a hint for allocation. */
function expectedSize(body: Buffer, encoding: Encoding): number {
  const guess = body.length * RATIO_GUESS
  if (encoding === 'zstd') return zstdContentSize(body) ?? guess
  // RFC 1952, section 2.3.1: the last four bytes are the size (of the last member).
  if (encoding !== 'gzip' || body.length < 18) return guess
  const stated = body.readUInt32LE(body.length - 4)
  return stated <= body.length * RATIO_MAX ? stated : guess
}

/** One byte more than expected: a full chunk makes zlib allocate the next one. */
function chunkSize(expected_bytes: number): number {
  return Math.max(expected_bytes + 1, 1024)
}

/** RFC 1950, section 2.2. Some clients send raw deflate under the name. */
function hasZlibHeader(body: Buffer): boolean {
  return body.length >= 2 && (body[0]! & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0
}

function runNow(codec: Codec, body: Buffer, options: ZlibOptions | ZstdOptions, limit_bytes: number): Unpacked {
  try {
    return codec.now(body, options)
  } catch (error) {
    throw explain(error, limit_bytes)
  }
}

function runLater(
  codec: Codec,
  body: Buffer,
  options: ZlibOptions | ZstdOptions,
  limit_bytes: number,
): Promise<Unpacked> {
  return new Promise((resolve, reject) => {
    codec.later(body, options, (error, result) =>
      error === null ? resolve(result) : reject(explain(error, limit_bytes)),
    )
  })
}

function explain(error: unknown, limit_bytes: number): unknown {
  if (!(error instanceof Error)) return error
  if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return tooLarge(limit_bytes)
  return new DecompressError('corrupt', `the compressed body cannot be read: ${error.message}`)
}

function tooLarge(limit_bytes: number): DecompressError {
  return new DecompressError('too_large', `the body is larger than ${limit_bytes} bytes after decompression`)
}

function whole(body: Buffer, result: Unpacked): Buffer {
  const used = result.engine.bytesWritten
  if (used === body.length) return result.buffer
  throw new DecompressError('corrupt', `${body.length - used} bytes follow the end of the compressed body`)
}

/** zlib's zstd stops after a frame and says nothing about what follows; more frames than this are no honest body. */
const FRAMES_MAX = 64

function unpackZstd(body: Buffer, limit: number, expected: number, small: boolean): Buffer | Promise<Buffer> {
  if (!small) return unpackZstdLater(body, limit, expected)
  const frames = new Frames(body, limit)
  do frames.add(runNow(ZSTD, frames.rest, zstdOptions(frames, expected, limit), limit))
  while (frames.rest.length > 0)
  return frames.joined()
}

async function unpackZstdLater(body: Buffer, limit: number, expected: number): Promise<Buffer> {
  const frames = new Frames(body, limit)
  do frames.add(await runLater(ZSTD, frames.rest, zstdOptions(frames, expected, limit), limit))
  while (frames.rest.length > 0)
  return frames.joined()
}

class Frames {
  rest: Buffer
  left_bytes: number
  #done: Buffer[] = []

  constructor(body: Buffer, limit_bytes: number) {
    this.rest = body
    this.left_bytes = limit_bytes
  }

  add(frame: Unpacked): void {
    if (this.#done.length === FRAMES_MAX) throw new DecompressError('corrupt', `more than ${FRAMES_MAX} zstd frames`)
    this.#done.push(frame.buffer)
    this.left_bytes -= frame.buffer.length
    this.rest = this.rest.subarray(frame.engine.bytesWritten)
    if (frame.engine.bytesWritten === 0) throw new DecompressError('corrupt', 'the zstd body does not go on')
  }

  joined(): Buffer {
    return this.#done.length === 1 ? this.#done[0]! : Buffer.concat(this.#done)
  }
}

function zstdOptions(frames: Frames, expected_bytes: number, limit_bytes: number): object {
  const left_bytes = frames.left_bytes
  // zlib takes no limit of 0 bytes: a frame after a full body is refused, even if it is empty.
  if (left_bytes < 1) throw tooLarge(limit_bytes)
  const window = Math.min(27, Math.max(23, Math.ceil(Math.log2(limit_bytes))))
  return {
    chunkSize: chunkSize(Math.min(expected_bytes, left_bytes)),
    maxOutputLength: left_bytes,
    info: true,
    params: { [constants.ZSTD_d_windowLogMax]: window },
  }
}

/** Frame_Content_Size of the first frame (RFC 8878, section 3.1.1.1); undefined if it is absent or absurd. */
function zstdContentSize(body: Buffer): number | undefined {
  if (body.length < 18 || body.readUInt32LE(0) !== 0xfd2fb528) return undefined
  const descriptor = body[4]!
  const singleSegment = (descriptor & 0x20) !== 0
  const at = 5 + (singleSegment ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]!
  switch (descriptor >> 6) {
    case 0:
      return singleSegment ? body[at]! : undefined
    case 1:
      return body.readUInt16LE(at) + 256
    case 2:
      return believable(body.readUInt32LE(at), body.length)
    default:
      return believable(body.length < at + 8 ? 0 : Number(body.readBigUInt64LE(at)), body.length)
  }
}

/** Zstd knows no greatest ratio; what claims more than this grows chunk by chunk instead. */
function believable(stated: number, body_bytes: number): number | undefined {
  return stated <= body_bytes * RATIO_MAX ? stated : undefined
}
