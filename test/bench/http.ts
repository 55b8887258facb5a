import type { Socket } from 'node:net'

/** Reads HTTP/1.1 messages off a connection: just enough framing for a load generator and a sink on loopback. */
export class MessageReader {
  readonly #onMessage: (startLine: string, body: Buffer) => void
  #head = Buffer.alloc(0)
  #startLine = ''
  #body = Buffer.alloc(0)
  /** Body length of the message being read, -1 while its head is being read. */
  #length = -1
  #filled = 0

  /** `onMessage` gets a body that is overwritten after it returns. */
  constructor(onMessage: (startLine: string, body: Buffer) => void) {
    this.#onMessage = onMessage
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      if (this.#length < 0) at = this.#readHead(chunk, at)
      if (this.#length >= 0) at = this.#readBody(chunk, at)
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    const before = this.#head.length
    const text = before === 0 ? chunk.subarray(at) : Buffer.concat([this.#head, chunk.subarray(at)])
    const end = text.indexOf('\r\n\r\n')
    if (end < 0) {
      this.#head = Buffer.from(text)
      return chunk.length
    }
    const head = text.toString('latin1', 0, end)
    this.#startLine = head.slice(0, head.indexOf('\r\n'))
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)
    if (length === null && !this.#startLine.startsWith('HTTP/1.1 204')) {
      throw new Error(`message without content-length, starting "${this.#startLine}"`)
    }
    this.#head = Buffer.alloc(0)
    this.#length = Number(length?.[1] ?? 0)
    this.#filled = 0
    if (this.#body.length < this.#length) this.#body = Buffer.allocUnsafe(this.#length * 2)
    return at + end + 4 - before
  }

  #readBody(chunk: Buffer, at: number): number {
    const count = Math.min(chunk.length - at, this.#length - this.#filled)
    chunk.copy(this.#body, this.#filled, at, at + count)
    this.#filled += count
    if (this.#filled === this.#length) {
      this.#length = -1
      this.#onMessage(this.#startLine, this.#body.subarray(0, this.#filled))
    }
    return at + count
  }
}

/** Sends one OTLP request after the other on a connection and waits for each answer. */
export class HttpClient {
  readonly #socket: Socket
  readonly #host: string
  #done: ((taken: boolean) => void) | undefined

  constructor(socket: Socket, host: string) {
    this.#socket = socket
    this.#host = host
    const reader = new MessageReader((startLine) => this.#settle(startLine.startsWith('HTTP/1.1 200')))
    socket.on('data', (chunk) => reader.push(chunk))
    socket.on('close', () => this.#settle(false))
  }

  /** `done` tells whether the answer was 200. */
  send(body: Buffer, done: (taken: boolean) => void): void {
    this.#done = done
    if (this.#socket.destroyed) return this.#settle(false)
    this.#socket.cork()
    this.#socket.write(
      `POST /v1/traces HTTP/1.1\r\nhost: ${this.#host}\r\ncontent-type: application/x-protobuf\r\ncontent-length: ${body.length}\r\n\r\n`,
    )
    this.#socket.write(body)
    this.#socket.uncork()
  }

  close(): void {
    this.#socket.destroy()
  }

  #settle(taken: boolean): void {
    const done = this.#done
    this.#done = undefined
    done?.(taken)
  }
}

const OK = 'HTTP/1.1 200 OK\r\ncontent-type: application/x-protobuf\r\ncontent-length: 0\r\n\r\n'

/** Answers every request on a connection with 200. */
export function serveHttp(socket: Socket, onBody: (body: Buffer) => void): void {
  const reader = new MessageReader((_, body) => {
    onBody(body)
    socket.write(OK)
  })
  socket.on('data', (chunk) => reader.push(chunk))
}
