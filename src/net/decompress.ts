import {
  constants,
  gunzip,
  gunzipSync,
  inflate,
  inflateRaw,
  inflateRawSync,
  inflateSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'
import { type BytesRoom, OVERLOAD } from './budget.ts'
import { compact } from './incoming.ts'

export type Encoding = 'gzip' | 'deflate' | 'zstd'

/** Why a compressed body was not taken. The message says nothing about its content. */
export class DecompressError extends Error {
  override readonly name = 'DecompressError'
  readonly kind: 'too_large' | 'corrupt'

  constructor(kind: DecompressError['kind'], message: string) {
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
 * frames in a row are one body; anything else after the end is an error. Throws or rejects with DecompressError, or with
 * a Refusal where there is no room.
 * What will probably be small is done at once (a job for the thread pool costs 80 µs), the rest on the thread pool.
 *
 * The bytes of the result are taken from `room` before they are made: as many as the body says it holds, or a guess;
 * four times as many again, with the work done anew, as long as that is too little. After an error they are given back.
 */
export function decompress(
  body: Buffer,
  encoding: Encoding,
  limit_bytes: number,
  room: BytesRoom = BOUNDLESS,
): Buffer | Promise<Buffer> {
  if (encoding === 'zstd') return unpackZstd(body, limit_bytes, room)
  const codec = encoding === 'gzip' ? GZIP : hasZlibHeader(body) ? ZLIB : RAW
  const job = new Job(codec, body, expectedSize(body, encoding), limit_bytes, room)
  if (!job.isSmall) return job.later().then((result) => whole(body, result, room))
  const result = job.now()
  return result === undefined ? job.later().then((late) => whole(body, late, room)) : whole(body, result, room)
}

const BOUNDLESS: BytesRoom = { take: () => true, give: () => undefined }

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

/** The size that the body itself states, if it is possible at all, otherwise a guess. */
function expectedSize(body: Buffer, encoding: Encoding): number {
  const guess = body.length * RATIO_GUESS
  // RFC 1952, section 2.3.1: the last four bytes are the size (of the last member).
  if (encoding !== 'gzip' || body.length < 18) return guess
  const stated = body.readUInt32LE(body.length - 4)
  return stated <= body.length * RATIO_MAX ? stated : guess
}

/** RFC 1950, section 2.2. Some clients send raw deflate under the name. */
function hasZlibHeader(body: Buffer): boolean {
  return body.length >= 2 && (body[0]! & 0x0f) === 8 && body.readUInt16BE(0) % 31 === 0
}

const GROWTH = 4

/** One stream to unpack. Its room is taken in steps. */
class Job {
  readonly #codec: Codec
  readonly #body: Buffer
  readonly #limit_bytes: number
  readonly #room: BytesRoom
  #size_bytes: number
  #taken_bytes = 0

  constructor(codec: Codec, body: Buffer, expected_bytes: number, limit_bytes: number, room: BytesRoom) {
    this.#codec = codec
    this.#body = body
    this.#limit_bytes = limit_bytes
    this.#room = room
    this.#size_bytes = Math.min(Math.max(1, expected_bytes), limit_bytes)
  }

  get isSmall(): boolean {
    return this.#size_bytes <= AT_ONCE_BYTES && this.#body.length <= AT_ONCE_BYTES
  }

  /** Undefined if it is larger than was thought. */
  now(): Unpacked | undefined {
    this.#take()
    try {
      return this.#kept(this.#codec.now(this.#body, this.#options()))
    } catch (error) {
      return this.#grow(error)
    }
  }

  async later(): Promise<Unpacked> {
    for (;;) {
      this.#take()
      try {
        return this.#kept(await runLater(this.#codec, this.#body, this.#options()))
      } catch (error) {
        this.#grow(error)
      }
    }
  }

  #take(): void {
    const more_bytes = this.#size_bytes - this.#taken_bytes
    if (!this.#room.take(more_bytes)) throw this.#failed(OVERLOAD)
    this.#taken_bytes = this.#size_bytes
  }

  /** One byte more than may come: a full chunk makes zlib allocate the next one. */
  #options(): object {
    const window = Math.min(27, Math.max(23, Math.ceil(Math.log2(this.#limit_bytes))))
    const params = this.#codec === ZSTD && { params: { [constants.ZSTD_d_windowLogMax]: window } }
    const chunkSize = Math.max(this.#size_bytes + 1, 1024)
    return { chunkSize, maxOutputLength: this.#size_bytes, info: true, ...params }
  }

  #kept(result: Unpacked): Unpacked {
    const buffer = compact(result.buffer)
    this.#room.give(this.#taken_bytes - buffer.length)
    return { buffer, engine: result.engine }
  }

  /** Makes room for the next try. Throws if there will be none. */
  #grow(error: unknown): undefined {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw this.#failed(explain(error))
    if (this.#size_bytes >= this.#limit_bytes) throw this.#failed(tooLarge(this.#limit_bytes))
    this.#size_bytes = Math.min(this.#size_bytes * GROWTH, this.#limit_bytes)
    return undefined
  }

  #failed(error: unknown): unknown {
    this.#room.give(this.#taken_bytes)
    this.#taken_bytes = 0
    return error
  }
}

function runLater(codec: Codec, body: Buffer, options: object): Promise<Unpacked> {
  return new Promise((resolve, reject) => {
    codec.later(body, options, (error, result) => (error === null ? resolve(result) : reject(error)))
  })
}

function explain(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  return new DecompressError('corrupt', `the compressed body cannot be read: ${error.message}`)
}

function tooLarge(limit_bytes: number): DecompressError {
  return new DecompressError('too_large', `the body is larger than ${limit_bytes} bytes after decompression`)
}

function whole(body: Buffer, result: Unpacked, room: BytesRoom): Buffer {
  const used = result.engine.bytesWritten
  if (used === body.length) return result.buffer
  room.give(result.buffer.length)
  throw new DecompressError('corrupt', `${body.length - used} bytes follow the end of the compressed body`)
}

/** zlib's zstd stops after a frame and says nothing about what follows; more frames than this are no honest body. */
const FRAMES_MAX = 64

function unpackZstd(body: Buffer, limit_bytes: number, room: BytesRoom): Buffer | Promise<Buffer> {
  const frames = new Frames(body, limit_bytes, room)
  try {
    while (!frames.isDone) {
      const job = frames.nextJob()
      const frame = job.isSmall ? job.now() : undefined
      if (frame === undefined) return unpackZstdLater(frames, job)
      frames.add(frame)
    }
    return frames.joined()
  } catch (error) {
    throw frames.failed(error)
  }
}

async function unpackZstdLater(frames: Frames, first: Job): Promise<Buffer> {
  try {
    for (let job = first; ; job = frames.nextJob()) {
      frames.add(await job.later())
      if (frames.isDone) return frames.joined()
    }
  } catch (error) {
    throw frames.failed(error)
  }
}

class Frames {
  isDone = false
  #rest: Buffer
  #left_bytes: number
  readonly #limit_bytes: number
  readonly #room: BytesRoom
  readonly #done: Buffer[] = []

  constructor(body: Buffer, limit_bytes: number, room: BytesRoom) {
    this.#rest = body
    this.#limit_bytes = limit_bytes
    this.#left_bytes = limit_bytes
    this.#room = room
  }

  nextJob(): Job {
    // zlib takes no limit of 0 bytes: a frame after a full body is refused, even if it is empty.
    if (this.#left_bytes < 1) throw tooLarge(this.#limit_bytes)
    const expected_bytes = zstdContentSize(this.#rest) ?? this.#rest.length * RATIO_GUESS
    return new Job(ZSTD, this.#rest, expected_bytes, this.#left_bytes, this.#room)
  }

  add({ buffer, engine }: Unpacked): void {
    this.#done.push(buffer)
    this.#left_bytes -= buffer.length
    this.#rest = this.#rest.subarray(engine.bytesWritten)
    this.isDone = this.#rest.length === 0
    if (engine.bytesWritten === 0) throw new DecompressError('corrupt', 'the zstd body does not go on')
    if (this.#done.length === FRAMES_MAX && !this.isDone)
      throw new DecompressError('corrupt', `more than ${FRAMES_MAX} zstd frames`)
  }

  joined(): Buffer {
    return this.#done.length === 1 ? this.#done[0]! : Buffer.concat(this.#done)
  }

  /** What was unpacked is given back. */
  failed(error: unknown): unknown {
    for (const { length } of this.#done.splice(0)) this.#room.give(length)
    return error
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
