/** The requests that a batch is sent in, and what is known of each. */
import { uncompress } from 'snappyjs'
import type { Clock } from '../../self/clock.ts'
import type { SendResult } from '../../sending/sender.ts'
import type { Push, PushedStream } from './push.ts'
import { judgePush, type LineRefusal, type PushAnswer, readRefusal } from './push_answer.ts'
import { compressInPieces } from './snappy.ts'

interface Request {
  /** A Snappy block, once it `isPacked`. */
  body: Buffer
  isPacked: boolean
  readonly lines: number
  /** Where the streams are in what the body unpacks to. */
  readonly streams: readonly Pick<PushedStream, 'start' | 'end' | 'entries'>[]
  isAnswered: boolean
}

/**
 * Of a request with several streams Loki's ingester tells only what became of the last one: if lines of another are too
 * far behind, it answers with 204 or with a text that hides them. So a stream with late lines has a request of its own,
 * and where an answer may hide something, the streams are sent again one by one: Loki knows the lines that it has.
 */
export class PushRequests {
  readonly #requests: Request[]
  readonly #refused = new Map<LineRefusal, number>()

  /** A line is late if it is so much older than now or than another line of its stream. */
  constructor({ bytes, streams }: Push, now_ms: number, lateAfter_ms: number) {
    const isLate = ({ oldest_s, newest_s }: PushedStream) =>
      oldest_s * 1000 < Math.max(now_ms, newest_s * 1000) - lateAfter_ms
    const punctual = streams.filter((stream) => !isLate(stream))
    const late = streams.filter(isLate).map((stream) => [stream])
    this.#requests = [punctual, ...late].filter((some) => some.length > 0).map((some) => requestOf(bytes, some))
  }

  /** Lines that Loki refused so far, by reason. */
  get refused(): ReadonlyMap<LineRefusal, number> {
    return this.#refused
  }

  /** Sends what has not been answered. Rejects with the network's error. */
  async send(post: (body: Buffer) => Promise<PushAnswer>, clock: Clock): Promise<SendResult> {
    for (let at = 0; at < this.#requests.length; at++) {
      const request = this.#requests[at]!
      if (request.isAnswered) continue
      await pack(request)
      const answer = await post(request.body)
      if (answer.status === 400) {
        const inPieces = this.#refuse(request, answer.text)
        if (inPieces !== undefined) this.#requests.splice(at--, 1, ...inPieces)
      } else {
        const result = judgePush(answer, clock.now_ms())
        if (result.outcome !== 'sent') return result
      }
      request.isAnswered = true
    }
    return this.#outcome()
  }

  /** Counts what a 400 says was refused; or, if it does not say all, gives the requests that will tell. */
  #refuse({ lines, streams, body }: Request, text: string): Request[] | undefined {
    const { refused, isExact } = readRefusal(text, lines)
    if (!isExact && streams.length > 1) {
      const bytes = uncompress(body)
      return streams.map((stream) => requestOf(bytes, [stream]))
    }
    for (const [reason, count] of refused.size === 0 ? [['other', lines] as const] : refused) {
      this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + Math.min(count, lines))
    }
    return undefined
  }

  #outcome(): SendResult {
    const rejected = [...this.#refused.values()].reduce((total, lines) => total + lines, 0)
    const lines = this.#requests.reduce((total, request) => total + request.lines, 0)
    if (rejected < lines) return { outcome: 'sent', rejected }
    const message = `HTTP 400 (${[...this.#refused.keys()].join(', ')})`
    return { outcome: 'permanent', reason: 'rejected_by_backend', message }
  }
}

function requestOf(bytes: Buffer, streams: readonly Pick<PushedStream, 'start' | 'end' | 'entries'>[]): Request {
  // A copy: the converter writes the next batch to the same memory.
  const body = Buffer.concat(streams.map(({ start, end }) => bytes.subarray(start, end)))
  let at = 0
  const moved = streams.map(({ start, end, entries }) => ({ start: at, end: (at += end - start), entries }))
  const lines = streams.reduce((total, { entries }) => total + entries, 0)
  return { body, isPacked: false, lines, streams: moved, isAnswered: false }
}

/** When its turn has come; once, as it may be sent again. */
async function pack(request: Request): Promise<void> {
  if (request.isPacked) return
  request.body = await compressInPieces(request.body)
  request.isPacked = true
}
