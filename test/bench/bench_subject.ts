import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export type SubjectName = 'collector' | 'sluice'

const root = fileURLToPath(new URL('../../', import.meta.url))
export const outDirectory = `${root}out`

/** A command that runs on one core; as it is where `taskset` is missing. */
export function pinned(cpu: number, command: readonly string[]): string[] {
  return existsSync('/usr/bin/taskset') ? ['/usr/bin/taskset', '-c', String(cpu), ...command] : [...command]
}

/** The Collector's binary, or undefined (with a loud line) where the packed one is not there. */
export function unpackCollector(): string | undefined {
  const script = `${root}../shared/backends/unpack.sh`
  if (!existsSync(script)) {
    console.error('!!! ../shared/backends is missing: the Collector is NOT measured, only Sluice')
    return undefined
  }
  mkdirSync(`${outDirectory}/backends`, { recursive: true })
  const directory = execFileSync(script, [`${outDirectory}/backends`, 'otelcol'], { encoding: 'utf8' }).trim()
  return `${directory}/otelcol`
}

export interface SubjectOptions {
  /** Command without the config. */
  readonly command: readonly string[]
  /** Name of a file in configs/. */
  readonly config: string
  readonly cpu: number
  /** Where the subject sends to. */
  readonly sink: { readonly http_port: number; readonly grpc_port: number }
  readonly log: string
}

export interface Usage {
  /** User and system time of the process and its descendants, seconds. */
  readonly cpu_s: number
  /** Resident memory now and at its highest, bytes. */
  readonly rss_bytes: number
  readonly rss_peak_bytes: number
  /** Of the resident memory of the process what belongs to no file. */
  readonly anonymous_bytes: number
}

/** A daemon under test: started on one core with ports of its own, measured through /proc, stopped by SIGTERM. */
export class Subject {
  readonly http_port: number
  readonly grpc_port: number
  readonly #child: ChildProcess
  readonly #log: string

  private constructor(child: ChildProcess, log: string, ports: { http_port: number; grpc_port: number }) {
    this.#child = child
    this.#log = log
    this.http_port = ports.http_port
    this.grpc_port = ports.grpc_port
  }

  /** Resolves when both receivers accept connections. */
  static async start(options: SubjectOptions): Promise<Subject> {
    const [http_port, grpc_port, prometheus_port, self_port] = await freePorts(4)
    const config = fileURLToPath(new URL(`configs/${options.config}`, import.meta.url))
    const [command, ...args] = pinned(options.cpu, [...options.command, '--config', config])
    mkdirSync(outDirectory, { recursive: true })
    const log = openSync(options.log, 'w')
    const data = mkdtempSync(`${outDirectory}/data-`)
    const child = spawn(command!, args, {
      stdio: ['ignore', log, log],
      env: {
        ...process.env,
        GOMAXPROCS: '1',
        BENCH_HTTP_PORT: String(http_port),
        BENCH_GRPC_PORT: String(grpc_port),
        BENCH_PROMETHEUS_PORT: String(prometheus_port),
        BENCH_SELF_PORT: String(self_port),
        BENCH_SINK_HTTP_PORT: String(options.sink.http_port),
        BENCH_SINK_GRPC_PORT: String(options.sink.grpc_port),
        BENCH_DATA_DIRECTORY: data,
      },
    })
    closeSync(log)
    child.once('exit', () => rmSync(data, { recursive: true, force: true }))
    const subject = new Subject(child, options.log, { http_port: http_port!, grpc_port: grpc_port! })
    await subject.#waitUntilReady()
    return subject
  }

  usage(): Usage {
    return usageOf(this.#child.pid!)
  }

  get hasExited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** SIGTERM, and SIGKILL with a warning after 30 s. Returns what was odd about the end. */
  async stop(): Promise<string[]> {
    if (!this.hasExited) {
      this.#child.kill('SIGTERM')
      for (let i = 0; i < 300 && !this.hasExited; i++) await sleep(100)
    }
    if (!this.hasExited) {
      this.#child.kill('SIGKILL')
      return ['did not stop within 30 s of SIGTERM']
    }
    return this.#child.exitCode === 0 ? [] : [`exit code ${this.#child.exitCode ?? this.#child.signalCode}`]
  }

  async #waitUntilReady(): Promise<void> {
    for (let i = 0; i < 200; i++) {
      if (this.hasExited) break
      if ((await accepts(this.http_port)) && (await accepts(this.grpc_port))) return
      await sleep(50)
    }
    await this.stop()
    throw new Error(`the subject did not start, see ${this.#log}:\n${readFileSync(this.#log, 'utf8').slice(-2000)}`)
  }
}

/** Of a process that runs, and its descendants. */
export function usageOf(pid: number): Usage {
  const pids = withDescendants(pid)
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const kilobytes = (name: string, text = status) =>
    Number(new RegExp(`${name}:\\s+(\\d+)`).exec(text)?.[1] ?? 0) * 1024
  const rss = pids.map((pid) => kilobytes('VmRSS', readFileSync(`/proc/${pid}/status`, 'utf8')))
  return {
    cpu_s: pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    rss_bytes: rss.reduce((sum, bytes) => sum + bytes, 0),
    rss_peak_bytes: kilobytes('VmHWM'),
    anonymous_bytes: kilobytes('RssAnon'),
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}

function withDescendants(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(withDescendants)]
}

/** User and system time that a core has spent on whatever ran there, seconds since boot (proc(5), /proc/stat). */
export function coreSeconds(cpu: number): number {
  const line = new RegExp(`^cpu${cpu} (\\d+) (\\d+) (\\d+)`, 'm').exec(readFileSync('/proc/stat', 'utf8'))
  return line === null ? 0 : (Number(line[1]) + Number(line[2]) + Number(line[3])) / TICKS_PER_SECOND
}

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Fields 14 and 15 of /proc/PID/stat (proc(5)); the second field may contain spaces, so count from its closing bracket. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}
