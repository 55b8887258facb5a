/** Standard output and error, written without ever waiting for whoever reads them. */
import { fstatSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'

/** What waits for a reader, in bytes (of a pipe the kernel holds 64 KiB more). Beyond it text is dropped. */
const WAITING_BYTES_MAX = 1 << 20
const FLUSH_MS = 1000

/** Whole lines to a file descriptor. Those that nobody takes are dropped and counted. */
export class Lines {
  readonly #fd: number
  readonly #stream: Writable | undefined
  #dropped = 0
  #untold = 0
  #tell: (dropped: number) => void = () => {}

  /** `stream`: what takes the lines in the place of the descriptor, for tests. */
  constructor(fd: number, stream: Writable | undefined = streamOf(fd)) {
    this.#fd = fd
    this.#stream = stream
    // Who read our output may go before us.
    stream?.on('error', () => {})
  }

  /** How often text was dropped since the start. */
  get dropped(): number {
    return this.#dropped
  }

  /** Never throws and never waits. */
  write(text: string): void {
    const written = this.#stream === undefined ? this.#writeNow(text) : this.#writeLater(text, this.#stream)
    if (!written) {
      this.#dropped++
      this.#untold++
    } else if (this.#stream === undefined) this.#flows()
  }

  /** Calls `tell` with how many were dropped, when lines flow again after some were. */
  onFlowing(tell: (dropped: number) => void): void {
    this.#tell = tell
    this.#stream?.on('drain', () => this.#flows())
  }

  /** Resolves when everything is out, or after a second: before the process ends. */
  async flush(): Promise<void> {
    const stream = this.#stream
    if (stream === undefined || stream.writableLength === 0 || stream.destroyed) return
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, FLUSH_MS)
      stream.write('', () => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #flows(): void {
    const dropped = this.#untold
    if (dropped === 0) return
    this.#untold = 0
    this.#tell(dropped)
  }

  #writeLater(text: string, stream: Writable): boolean {
    if (stream.destroyed || stream.writableLength + text.length > WAITING_BYTES_MAX) return false
    stream.write(text)
    return true
  }

  /** A file whose disk is full, a terminal that has gone: the line is lost, the daemon goes on. */
  #writeNow(text: string): boolean {
    const bytes = Buffer.from(text)
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at)
      return true
    } catch {
      return false
    }
  }
}

const standard = new Map<number, Lines>()

/**
 * The process's standard output (1) or error (2). `process.stdout` and `process.stderr` may not be used beside it: they
 * make the descriptor wait again.
 */
export function standardLines(fd: 1 | 2): Lines {
  const lines = standard.get(fd) ?? new Lines(fd)
  standard.set(fd, lines)
  return lines
}

/** Pipes and sockets have a reader that may stop; what goes to a file or a terminal is written at once. */
function streamOf(fd: number): Writable | undefined {
  try {
    const kind = fstatSync(fd)
    if (!kind.isFIFO() && !kind.isSocket()) return undefined
    const socket = new Socket({ fd, readable: false, writable: true })
    socket.unref()
    return socket
  } catch {
    return undefined
  }
}
