/** The live heap of another Node process: what is left after a full collection, asked of its inspector. */

export interface LiveMemory {
  /** Objects. */
  readonly heap_bytes: number
  /** Buffers and whatever else is outside of the heap. */
  readonly external_bytes: number
}

interface Usage {
  readonly heapUsed: number
  readonly external: number
}

/** One connection, one request after the other. */
export class Inspector {
  readonly #socket: WebSocket
  #id = 0
  readonly #waiting = new Map<number, (result: unknown) => void>()

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.onmessage = ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown }
      if (id === undefined) return
      this.#waiting.get(id)?.(result)
      this.#waiting.delete(id)
    }
  }

  /** `log` is what the process has written to its standard error; it was started with --inspect. */
  static async attach(log: string): Promise<Inspector> {
    const url = /Debugger listening on (ws:\S+)/.exec(log)?.[1]
    if (url === undefined) throw new Error('the process does not say where its inspector listens')
    const socket = new WebSocket(url)
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve()
      socket.onerror = () => reject(new Error(`no inspector at ${url}`))
    })
    return new Inspector(socket)
  }

  /** Collects all garbage first, twice: Buffers are given back by finalizers. */
  async liveMemory(): Promise<LiveMemory> {
    await this.#ask('HeapProfiler.collectGarbage')
    await this.#ask('HeapProfiler.collectGarbage')
    const { result } = (await this.#ask('Runtime.evaluate', {
      expression: 'process.memoryUsage()',
      returnByValue: true,
    })) as { result: { value: Usage } }
    return { heap_bytes: result.value.heapUsed, external_bytes: result.value.external }
  }

  close(): void {
    this.#socket.close()
  }

  #ask(method: string, params: object = {}): Promise<unknown> {
    const id = ++this.#id
    this.#socket.send(JSON.stringify({ id, method, params }))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`the inspector does not answer ${method}`)), 30_000)
      this.#waiting.set(id, (result) => {
        clearTimeout(timer)
        resolve(result)
      })
    })
  }
}
