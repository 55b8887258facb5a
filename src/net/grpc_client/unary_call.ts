import { type ClientHttp2Session, type ClientHttp2Stream, constants, type IncomingHttpHeaders } from 'node:http2'
import { DecompressError, decompress } from '../decompress.ts'
import { GrpcMessageReader } from '../grpc/grpc_message.ts'
import { GrpcCode, GrpcStatus, percentDecode } from '../grpc/grpc_status.ts'
import { EMPTY } from '../incoming.ts'
import { failed, type GrpcOutcome, outcomeOfHttp, outcomeOfReset, overLimit } from './grpc_outcome.ts'

/** What goes out. */
export interface UnaryRequest {
  /** Names and values by turns, those that begin with a colon first. */
  readonly head: readonly string[]
  /** The five bytes before the message. */
  readonly prefix: Buffer
  readonly body: Buffer
  /** Limit of the answer, as it comes and after decompression. */
  readonly answer_bytes_max: number
}

/** What a call has to know of the connection it is on, and tell it. */
export interface CallHost {
  readonly session: ClientHttp2Session
  /** Something has come for the call. */
  heard(): void
  /** Why the connection is gone, and whether the peer can have looked at a stream; undefined: it is not gone. */
  lostReason(stream: number | undefined): { readonly text: string; readonly isUnseen: boolean } | undefined
  /** The call's stream is closed. */
  closed(): void
}

const FLAG_END_STREAM = 1

/** One unary call on a connection. Tells its outcome once, as soon as it is known. */
export class UnaryCall {
  readonly #host: CallHost
  readonly #answer_bytes_max: number
  readonly #stream: ClientHttp2Stream
  #done: ((outcome: GrpcOutcome) => void) | undefined
  #encoding: string | undefined
  /** An answer of no bytes, which is the usual one, needs no reader. */
  #isEmpty = false
  #reader: GrpcMessageReader | undefined

  /** Throws what `session.request` throws. */
  constructor(host: CallHost, request: UnaryRequest, done: (outcome: GrpcOutcome) => void) {
    this.#host = host
    this.#answer_bytes_max = request.answer_bytes_max
    this.#done = done
    const stream = host.session.request(request.head)
    this.#stream = stream
    stream.on('response', (headers, flags) => this.#onResponse(headers, flags))
    stream.on('data', (chunk: Buffer) => this.#onData(chunk))
    stream.on('trailers', (headers) => this.#onTrailers(headers))
    stream.on('error', ignore)
    stream.on('close', () => this.#onClose())
    stream.cork()
    stream.write(request.prefix)
    if (request.body.length === 0) stream.end()
    else stream.end(request.body)
  }

  /** Ends the call, if it has not ended. */
  cancel(): void {
    this.#settle(failed(GrpcCode.CANCELLED, 'broken off'))
  }

  #onResponse(headers: IncomingHttpHeaders, flags: number): void {
    this.#host.heard()
    this.#encoding = headers['grpc-encoding'] as string | undefined
    const isOver = (flags & FLAG_END_STREAM) !== 0
    if (isOver && headers['grpc-status'] !== undefined) return this.#answered(headers)
    const status = Number(headers[':status'])
    if (status !== 200) return this.#settle(outcomeOfHttp(status))
    if (!isGrpc(headers['content-type'])) {
      this.#settle(failed(GrpcCode.UNKNOWN, 'the answer is not gRPC: another content-type'))
    } else if (isOver) this.#settle(NO_STATUS)
  }

  #onData(chunk: Buffer): void {
    if (this.#done === undefined) return
    if (this.#reader === undefined && !this.#isEmpty && isEmptyMessage(chunk)) {
      this.#isEmpty = true
      return
    }
    try {
      this.#readerOf().add(chunk)
    } catch (error) {
      this.#settle(this.#unreadable(error))
    }
  }

  #readerOf(): GrpcMessageReader {
    if (this.#reader !== undefined) return this.#reader
    this.#reader = new GrpcMessageReader(this.#answer_bytes_max)
    if (this.#isEmpty) this.#reader.add(EMPTY_MESSAGE)
    return this.#reader
  }

  #onTrailers(headers: IncomingHttpHeaders): void {
    this.#host.heard()
    if (headers['grpc-status'] === undefined) this.#settle(NO_STATUS)
    else this.#answered(headers)
  }

  #onClose(): void {
    this.#host.closed()
    if (this.#done === undefined) return
    const lost = this.#host.lostReason(this.#stream.id)
    if (lost !== undefined) return this.#settle(failed(GrpcCode.UNAVAILABLE, lost.text, lost.isUnseen))
    this.#settle(outcomeOfReset(this.#stream.rstCode))
  }

  /** The peer's own status has come. */
  #answered(headers: IncomingHttpHeaders): void {
    if (this.#done === undefined) return
    const code = codeOf(headers['grpc-status'] as string)
    const details = headers['grpc-status-details-bin']
    const outcome: GrpcOutcome = {
      code,
      from: 'peer',
      text: percentDecode((headers['grpc-message'] as string | undefined) ?? ''),
      details: typeof details === 'string' ? Buffer.from(details, 'base64') : EMPTY,
      message: EMPTY,
      isUnseen: false,
    }
    if (code !== GrpcCode.OK || this.#reader === undefined) this.#settle(outcome)
    else this.#settleWith(outcome, this.#reader)
  }

  /** The status decides: a message that cannot be read is as good as none, if only it is not too large. */
  #settleWith(outcome: GrpcOutcome, reader: GrpcMessageReader): void {
    const settle = (message: Buffer) => this.#settle({ ...outcome, message })
    const fail = (error: unknown) =>
      error instanceof DecompressError && error.kind === 'too_large'
        ? this.#settle(this.#unreadable(error))
        : settle(EMPTY)
    try {
      const { message, encoding } = reader.end(this.#encoding)
      const unpacked = encoding === 'identity' ? message : decompress(message, encoding, this.#answer_bytes_max)
      if (unpacked instanceof Promise) unpacked.then(settle, fail)
      else settle(unpacked)
    } catch (error) {
      fail(error)
    }
  }

  #unreadable(error: unknown): GrpcOutcome {
    const isTooLarge = error instanceof DecompressError || (error as GrpcStatus).code === GrpcCode.RESOURCE_EXHAUSTED
    if (isTooLarge) return overLimit(`the response is over ${this.#answer_bytes_max} bytes`)
    if (error instanceof GrpcStatus) return failed(GrpcCode.INTERNAL, 'the answer is not one gRPC message')
    throw error
  }

  /** Whatever is still under way in either direction is not wanted any more. */
  #settle(outcome: GrpcOutcome): void {
    const done = this.#done
    if (done === undefined) return
    this.#done = undefined
    this.#reader = undefined
    if (!this.#stream.writableFinished || outcome.from !== 'peer') this.#stream.close(constants.NGHTTP2_CANCEL)
    done(outcome)
  }
}

const NO_STATUS = failed(GrpcCode.INTERNAL, 'the answer has no grpc-status')
const EMPTY_MESSAGE = Buffer.alloc(5)

function isEmptyMessage(chunk: Buffer): boolean {
  return chunk.length === EMPTY_MESSAGE.length && chunk.readUInt32LE(0) === 0 && chunk[4] === 0
}

function isGrpc(type: string | undefined): boolean {
  return type !== undefined && /^application\/grpc(?:[+; ]|$)/i.test(type)
}

/** What is no number is UNKNOWN, and so are numbers that gRPC does not have. */
function codeOf(text: string): number {
  const code = /^\d{1,2}$/.test(text) ? Number(text) : GrpcCode.UNKNOWN
  return code <= GrpcCode.UNAUTHENTICATED ? code : GrpcCode.UNKNOWN
}

function ignore(): void {
  // 'close' follows, and that is where it is dealt with.
}
