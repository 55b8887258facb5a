import type { Exchange } from './http_exchange.ts'

/** How long, and how much of it, an unwanted body is read and thrown away so that the client gets to read its 413. */
const LINGER_MS = 2_000
const LINGER_BYTES = 64 << 20

/**
 * Sends the whole answer, but closes the connection only when the client has stopped sending: closing on unread bytes
 * makes the kernel reset the connection, and the client may lose the answer.
 */
export function linger(exchange: Exchange, body: Buffer): void {
  const { request, response } = exchange
  let read_bytes = 0
  const end = () => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(end, LINGER_MS).unref()
  request.on('data', (chunk: Buffer) => {
    read_bytes += chunk.length
    if (read_bytes > LINGER_BYTES) end()
  })
  request.on('end', end)
  request.on('close', end)
  response.write(body)
}
