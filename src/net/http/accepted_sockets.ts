import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { HttpServerOptions } from './http_options.ts'

/** The open connections of a server, which are bounded in number. */
export class AcceptedSockets {
  readonly #server: Server
  readonly #options: HttpServerOptions
  readonly #sockets = new Set<Socket>()

  constructor(server: Server, options: HttpServerOptions) {
    this.#server = server
    this.#options = options
  }

  /** Takes a new connection up, or sends it away if there is no room. */
  add(socket: Socket): void {
    const { max_connections = 10_000, onConnected, onCrowded } = this.#options
    onConnected?.()
    // Idle ones make room, before somebody is sent away.
    if (this.#sockets.size >= max_connections) {
      this.closeIdle()
      for (const other of this.#sockets) if (other.destroyed) this.#sockets.delete(other)
    }
    if (this.#sockets.size >= max_connections) {
      onCrowded?.()
      return void socket.destroy()
    }
    this.#sockets.add(socket)
    socket.on('error', closeFollows)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  /** Closes those on which no request is under way. */
  closeIdle(): void {
    this.#server.closeIdleConnections()
  }

  /** Closes those on which nothing has come yet: Node does not count them as idle. */
  closeSilent(): void {
    for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy()
  }

  closeAll(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.closeAllConnections()
  }
}

/** For errors of a connection or of what runs on it: it is gone, 'close' follows, and that is where it is dealt with. */
export function closeFollows(): void {
  // Without a listener the error would end the process.
}
