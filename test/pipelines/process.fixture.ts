/** The daemon as a process of its own, and a backend that counts. Tests only. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach } from 'vitest'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command to its end. */
export async function sluice(...words: string[]): Promise<Ended> {
  return node([main, ...words])
}

/** Runs Node with these arguments to its end. */
export async function node(args: readonly string[]): Promise<Ended> {
  return start(args).ended
}

/** A directory that goes with the test. */
export function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-process-'))
  cleanups.push(() => rmSync(directory, { recursive: true }))
  return directory
}

export function configFile(yaml: string, directory = scratch()): string {
  const path = join(directory, 'config.yaml')
  writeFileSync(path, yaml)
  return path
}

/** A running daemon that has said that it is ready. Its config has to log as JSON. `program`: Node's arguments before its own. */
export async function runDaemon(
  path: string,
  onStart: (child: ChildProcess) => void = () => {},
  program: readonly string[] = [main],
) {
  const { child, ended, lines } = start([...program, '--config', path])
  onStart(child)
  const line = async (msg: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const found = lines.find((one) => one.msg === msg)
      if (found !== undefined) {
        lines.splice(lines.indexOf(found), 1)
        return found
      }
      const over = await Promise.race([once(child.stderr!, 'data'), ended])
      if ('code' in over) throw new Error(`the daemon ended with ${over.code}: ${over.stderr}`)
    }
  }
  await line('ready')
  const listening = await line('listening for OTLP')
  return { child, ended, line, http: listening['http'] as number, grpc: listening['grpc'] as number }
}

interface Line {
  readonly msg?: string
  readonly [field: string]: unknown
}

function start(args: readonly string[]): { child: ChildProcess; ended: Promise<Ended>; lines: Line[] } {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [stdout, stderr, rest] = ['', '', '']
  const lines: Line[] = []
  child.stdout.on('data', (text: Buffer) => (stdout += text.toString()))
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString()
    const parts = (rest + text.toString()).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) if (part.startsWith('{')) lines.push(JSON.parse(part) as Line)
  })
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, stdout, stderr }) as Ended)
  cleanups.push(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await ended
  })
  return { child, ended, lines }
}

/** A backend that takes OTLP/HTTP, and says so after `wait_ms`. `answer` may take the answer out of its hands. */
export async function backend(
  take: (body: Buffer, url: string) => void,
  answer?: (request: IncomingMessage, response: ServerResponse) => boolean,
  wait_ms = 0,
): Promise<number> {
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      if (answer?.(request, response)) return
      take(Buffer.concat(parts), request.url ?? '')
      const success = () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
      if (wait_ms === 0) success()
      else setTimeout(success, wait_ms)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as { port: number }).port
}
