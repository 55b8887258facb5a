import { OVERLOAD, type Share } from '../budget.ts'
import { decompress, type Encoding, encodingOf } from '../decompress.ts'
import { Incoming } from '../incoming.ts'
import type { Exchange } from './http_exchange.ts'
import { HttpFailure } from './http_failure.ts'

/** What is asked of an upload while memory is short: 16 KiB a second, once it is five seconds old. */
const GRACE_MS = 5_000
const RATE_BYTES_PER_MS = 16.384

/** So slow that it has to go while others wait for its bytes. */
export function isTooSlow(received_bytes: number, age_ms: number): boolean {
  return age_ms > GRACE_MS && received_bytes < age_ms * RATE_BYTES_PER_MS
}

/**
 * Reads a body of at most `limit_bytes`, as sent and after decompression, and calls `done` once with it or `fail` with
 * what is wrong. What it takes is in the exchange's share before it is there. Throws what is known from the headers.
 */
export function readBody(
  exchange: Exchange,
  limit_bytes: number,
  done: (body: Buffer) => void,
  fail: (error: unknown) => void,
): void {
  const { request, headers, share } = exchange
  const encoding = encodingOf(headers['content-encoding'])
  if (encoding === undefined) {
    const accepted = { 'accept-encoding': 'gzip, deflate, zstd' }
    throw new HttpFailure(415, 'the Content-Encoding is none of gzip, deflate, zstd', accepted)
  }
  const length = Number(headers['content-length'] ?? 0)
  if (length > limit_bytes) throw tooLarge(limit_bytes)
  if (!share.fits(length)) throw OVERLOAD
  if (exchange.waits) exchange.response.writeContinue()
  exchange.told = true
  if (length === 0 && headers['transfer-encoding'] === undefined) return done(exchange.body)
  const body = new Incoming(length)
  exchange.upload = body
  request.on('data', (chunk: Buffer) => {
    if (exchange.answered || exchange.upload === undefined) return
    if (body.size_bytes + chunk.length > limit_bytes) return stop(exchange, fail, tooLarge(limit_bytes))
    if (!share.take(chunk.length)) return stop(exchange, fail, OVERLOAD)
    body.add(chunk)
  })
  request.on('end', () => {
    if (exchange.answered || exchange.upload === undefined) return
    exchange.upload = undefined
    const bytes = body.take()
    if (encoding === 'identity') done(bytes)
    else unpack(bytes, encoding, limit_bytes, share, done, fail)
  })
}

/** What has come so far goes at once, not when the client has read its answer. */
function stop(exchange: Exchange, fail: (error: unknown) => void, error: unknown): void {
  exchange.upload = undefined
  exchange.share.give(exchange.share.taken_bytes)
  fail(error)
}

/** While it is unpacked its bytes are in use, also if the client goes away. */
export function unpack(
  packed: Buffer,
  encoding: Encoding,
  limit_bytes: number,
  share: Share,
  done: (body: Buffer) => void,
  fail: (error: unknown) => void,
): void {
  const proceed = (body: Buffer) => {
    share.give(packed.length)
    done(body)
  }
  // Both are there for a moment: what does not fit beside its packed form would never fit.
  const fitting_bytes = Math.min(limit_bytes, share.size_bytes - packed.length)
  share.enter()
  try {
    const unpacked = decompress(packed, encoding, fitting_bytes, share)
    if (!(unpacked instanceof Promise)) proceed(unpacked)
    else
      return void unpacked
        .then(proceed)
        .catch(fail)
        .finally(() => share.leave())
  } catch (error) {
    fail(error)
  }
  share.leave()
}

function tooLarge(limit_bytes: number): HttpFailure {
  return new HttpFailure(413, `the body is larger than ${limit_bytes} bytes`)
}
