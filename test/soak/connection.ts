/** One HTTP/1.1 connection with one request at a time, and as little work for it as possible. */
import type { Socket } from 'node:net'

/** What became of a request; `retry_ms`: when to come again. */
export interface HttpAnswer {
  readonly kind: 'taken' | 'refused' | 'wrong' | 'unknown'
  readonly what: string
  readonly retry_ms: number
}

export interface Owner {
  idle(connection: Connection): void
  closed(connection: Connection): void
}

const UNKNOWN: HttpAnswer = { kind: 'unknown', what: 'no answer', retry_ms: 100 }
const TAKEN: HttpAnswer = { kind: 'taken', what: '200', retry_ms: 0 }

export class Connection {
  readonly #socket: Socket
  readonly #owner: Owner
  #done: ((answer: HttpAnswer) => void) | undefined
  #received = ''

  constructor(socket: Socket, timeout_ms: number, owner: Owner) {
    this.#socket = socket
    this.#owner = owner
    socket.setTimeout(timeout_ms, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('close', () => this.#close())
  }

  send(body: Buffer, done: (answer: HttpAnswer) => void): void {
    this.#done = done
    this.#received = ''
    const head = `POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-protobuf\r\nContent-Length: ${body.length}\r\n\r\n`
    this.#socket.cork()
    this.#socket.write(head, 'latin1')
    this.#socket.write(body)
    this.#socket.uncork()
  }

  /** Answers are small: they are kept as text until they are whole. */
  #read(chunk: Buffer): void {
    this.#received += chunk.toString('latin1')
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return
    const head = this.#received.slice(0, end).toLowerCase()
    const length = Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? 0)
    if (this.#received.length < end + 4 + length) return
    this.#settle(answerOf(head), head.includes('\r\nconnection: close'))
  }

  /** A body of which a part was never sent ends the connection: it is renewed for the next request. */
  #settle(answer: HttpAnswer, isLast: boolean): void {
    const done = this.#done
    this.#done = undefined
    if (isLast || this.#socket.writableLength > 0) this.#socket.destroy()
    else this.#owner.idle(this)
    done?.(answer)
  }

  #close(): void {
    this.#owner.closed(this)
    const done = this.#done
    this.#done = undefined
    done?.(UNKNOWN)
  }
}

/** `head` is in small letters. */
function answerOf(head: string): HttpAnswer {
  const status = head.slice(9, 12)
  if (status === '200') return TAKEN
  const after = /\r\nretry-after: *(\d+)/.exec(head)?.[1]
  if ((status === '429' || status === '503') && after !== undefined) {
    return { kind: 'refused', what: status, retry_ms: Number(after) * 1000 }
  }
  return { kind: 'wrong', what: after === undefined ? `${status} without Retry-After` : status, retry_ms: 1000 }
}
