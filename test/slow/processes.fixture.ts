/** Real programs for tests: the daemon itself and the backends beside it, each stopped by whoever started it. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const unpack = fileURLToPath(new URL('../../../shared/backends/unpack.sh', import.meta.url))
const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'sluice-backends')
const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

/** Captured telemetry of real instrumentations. */
export const captures = new URL('../../../shared/data/captures/', import.meta.url)

/** Are the backends and the captures at hand? Says so loudly if not. */
export function haveShared(): boolean {
  const there = existsSync(unpack) && existsSync(captures)
  if (!there) process.stderr.write('SKIPPED: the tests with real backends need ../shared\n')
  return there
}

export interface Running {
  readonly pid: number
  /** What it wrote to its standard error. */
  log(): string
  /** Asks it to end, and after ten seconds ends it. Resolves to its exit code. */
  stop(): Promise<number | null>
}

type Variables = Readonly<Record<string, string>>

/** Starts a backend with these arguments, and with these environment variables besides the own ones. */
export function startBackend(name: string, args: readonly string[], variables: Variables = {}): Running {
  execFileSync(unpack, [cache, name])
  return startProgram(join(cache, name), args, variables)
}

/** Starts the daemon with a config, written to `path`. */
export function startDaemon(path: string, config: object): Running {
  writeFileSync(path, JSON.stringify(config))
  return startProgram(process.execPath, [main, '--config', path])
}

/** Starts any program. */
export function startProgram(path: string, args: readonly string[], variables: Variables = {}): Running {
  const env = { ...process.env, ...variables }
  return running(spawn(path, args, { stdio: ['ignore', 'ignore', 'pipe'], env }))
}

/** Sends an OTLP body, again and again until somebody listens there. */
export async function post(port: number, signal: string, body: Uint8Array, type = 'x-protobuf'): Promise<void> {
  await eventually(async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/${signal}`, {
      method: 'POST',
      headers: { 'content-type': `application/${type}` },
      body: new Uint8Array(body),
    })
    await answer.arrayBuffer()
    if (answer.status !== 200) throw new Error(`a body was answered with ${answer.status}`)
  })
}

/** Tries until it does not throw. */
export async function eventually<T>(attempt: () => Promise<T>, wait_ms = 30_000, pause_ms = 50): Promise<T> {
  const end_ms = Date.now() + wait_ms
  for (;;) {
    try {
      return await attempt()
    } catch (error) {
      if (Date.now() > end_ms) throw error
      await new Promise((resolve) => setTimeout(resolve, pause_ms))
    }
  }
}

function running(child: ChildProcess): Running {
  let log = ''
  child.stderr?.on('data', (text: Buffer) => {
    log = (log + text.toString()).slice(-20_000)
  })
  const exited = once(child, 'exit')
  return {
    pid: child.pid!,
    log: () => log,
    async stop() {
      if (child.exitCode !== null) return child.exitCode
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await exited
      clearTimeout(timer)
      return child.exitCode
    },
  }
}
