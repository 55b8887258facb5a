import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pinned } from './bench_subject.ts'
import type { LoadAnswer, LoadRequest } from './load_process.ts'

/** The load process, as its driver sees it. One request at a time. */
export class Load {
  readonly #child: ChildProcess

  constructor(cpu: number) {
    const [command, ...args] = pinned(cpu, [
      process.execPath,
      fileURLToPath(new URL('load_process.ts', import.meta.url)),
    ])
    this.#child = spawn(command!, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  }

  ask<R extends LoadRequest>(request: R): Promise<LoadAnswer[R['kind']]> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null) => reject(new Error(`the load process ended with code ${code}`))
      this.#child.once('exit', onExit)
      this.#child.once('message', (message: { value: LoadAnswer[R['kind']]; error?: string }) => {
        this.#child.off('exit', onExit)
        if (message.error === undefined) resolve(message.value)
        else reject(new Error(message.error))
      })
      this.#child.send(request)
    })
  }

  close(): void {
    this.#child.disconnect()
  }
}
