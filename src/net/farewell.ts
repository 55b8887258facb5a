import type { Duplex } from 'node:stream'

/** How long a connection may take to carry its last words. */
const FAREWELL_MS = 1000

/**
 * Last words on a connection, which is then closed, also if they never get through: before the end of a TLS handshake
 * nothing does, and its descriptor would be kept for ever.
 */
export function farewell(socket: Duplex, words: string | Buffer): void {
  const timer = setTimeout(() => socket.destroy(), FAREWELL_MS).unref()
  socket.once('close', () => clearTimeout(timer))
  socket.end(words, () => socket.destroy())
}
