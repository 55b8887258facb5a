import type { Socket } from 'node:net'

/** Who sends telemetry does not pipeline at all; proxies that do have a handful of requests under way. */
const PIPELINED_MAX = 64

/**
 * Counts the requests that came with one read of one connection. Node parses all of them before anybody else has a turn:
 * two thousand small ones in 64 KiB would keep everybody waiting, so who sends so many is cut off.
 */
export class Pipelined {
  #socket: Socket | undefined
  #bytesRead = 0
  #count = 0

  /** False for a request that is one too many: the connection is gone, and what else came is not looked at. */
  admit(socket: Socket): boolean {
    const { bytesRead } = socket
    if (socket !== this.#socket || bytesRead !== this.#bytesRead) {
      this.#socket = socket
      this.#bytesRead = bytesRead
      this.#count = 0
    }
    if (++this.#count <= PIPELINED_MAX) return true
    stopParsing(socket)
    socket.destroy()
    return false
  }
}

/**
 * Node's parser goes on to the end of what was read even if the connection is gone by then. It stops where it is told that
 * what follows is another protocol (2, as for an upgrade). That is not documented: without it the rest is parsed for nothing.
 */
function stopParsing(socket: Socket & { parser?: { onIncoming?: () => number } | null }): void {
  if (socket.parser?.onIncoming) socket.parser.onIncoming = () => 2
}
