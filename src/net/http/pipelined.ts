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

  /** True for a request that is one too many. */
  add(socket: Socket): boolean {
    const { bytesRead } = socket
    if (socket !== this.#socket || bytesRead !== this.#bytesRead) {
      this.#socket = socket
      this.#bytesRead = bytesRead
      this.#count = 0
    }
    return ++this.#count > PIPELINED_MAX
  }
}
