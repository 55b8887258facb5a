/** The real daemon in a container, with ports and a directory of its own, and what can be seen of it from outside. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { pinned } from '../bench/bench_subject.ts'
import { freePort } from '../support/ports.ts'
import { type Container, containerOf } from './container.ts'
import { Inspector, type LiveMemory } from './inspector.ts'
import { type Edge, type Metrics, readLedger, readMetrics } from './readings.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const PORTS = ['grpc', 'http', 'metrics', 'api', 'health', 'self'] as const
export type Ports = Record<(typeof PORTS)[number], number>

export interface SubjectOptions {
  /** Memory of its container; without, it has the machine's. */
  readonly memory_mib?: number
  /** Laid over the shipped config, after the ports and short times of a test. */
  readonly overlay?: object
  /** Instead of the shipped config; gets the ports. */
  readonly config?: (ports: Ports, directory: string) => object
  readonly variables?: Readonly<Record<string, string>>
  /** Of another life of it: its ports, its store, its config. */
  readonly after?: Subject
  /** Core to run on, where `taskset` is there. */
  readonly cpu?: number
  /** The log goes to a pipe that nobody reads. */
  readonly logUnread?: boolean
  /** File descriptors at most. */
  readonly descriptors?: number
  /** Times as shipped, instead of short ones. */
  readonly shippedTimes?: boolean
}

export class Subject {
  readonly ports: Ports
  readonly directory: string
  readonly container: Container
  readonly #child: ChildProcess
  /** Its first words, where the inspector's address stands. */
  #head = ''
  #log = ''
  #inspector: Inspector | undefined

  private constructor(child: ChildProcess, ports: Ports, directory: string, container: Container) {
    this.#child = child
    this.ports = ports
    this.directory = directory
    this.container = container
    running.add(this)
  }

  /** Resolves when it takes data. */
  static async start(options: SubjectOptions = {}): Promise<Subject> {
    const ports = options.after?.ports ?? (await freePorts())
    const directory = options.after?.directory ?? mkdtempSync(join(tmpdir(), 'sluice-chaos-'))
    const container = containerOf(options.memory_mib)
    writeConfig(options, ports, directory)
    const node = [process.execPath, '--inspect=127.0.0.1:0', join(root, 'src/main.ts')]
    const configs = options.config ? [] : ['--config', join(root, 'collector.yaml')]
    const descriptors = options.descriptors ? ['sh', '-c', `ulimit -n ${options.descriptors} && exec "$@"`, 'sh'] : []
    const command = [
      ...container.prefix,
      ...descriptors,
      ...node,
      ...configs,
      '--config',
      join(directory, 'overlay.json'),
    ]
    const [program, ...args] = options.cpu === undefined ? command : pinned(options.cpu, command)
    const env = { ...process.env, SLUICE_DATA: directory, ...options.variables }
    const child = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'], env })
    const subject = new Subject(child, ports, directory, container)
    child.stderr!.on('data', (text: Buffer) => subject.#hear(text, options.logUnread ?? false))
    await subject.#ready()
    return subject
  }

  get pid(): number {
    return this.#child.pid!
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The end of what it wrote to its standard error. */
  get log(): string {
    return this.#log
  }

  metrics(): Promise<Metrics> {
    return readMetrics(this.ports.self)
  }

  ledger(): Promise<Edge[]> {
    return readLedger(this.ports.api)
  }

  /** After a full collection. */
  async liveMemory(): Promise<LiveMemory> {
    this.#inspector ??= await Inspector.attach(this.#head)
    return this.#inspector.liveMemory()
  }

  signal(name: NodeJS.Signals): void {
    // Node waits at its end for whoever inspects it.
    if (name !== 'SIGHUP') this.#detach()
    this.#child.kill(name)
  }

  /** Writes the overlay again; the daemon reads it on SIGHUP. */
  writeOverlay(text: string): void {
    writeFileSync(join(this.directory, 'overlay.json'), text)
  }

  /** Resolves to the exit code, or to the signal that ended it. */
  async ended(wait_ms = 60_000): Promise<number | NodeJS.Signals | null> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), wait_ms)
    if (this.alive) await once(this.#child, 'exit')
    clearTimeout(timer)
    this.#detach()
    running.delete(this)
    return this.#child.exitCode ?? this.#child.signalCode
  }

  /** Ends it at once and takes everything away, the store too unless it is still needed. */
  async destroy(keep = false): Promise<void> {
    if (this.alive) this.signal('SIGKILL')
    await this.ended()
    this.container.remove()
    if (!keep) rmSync(this.directory, { recursive: true, force: true })
  }

  /** For the end of this process: what still runs must not outlive it. */
  abandon(): void {
    this.#child.kill('SIGKILL')
    this.container.remove()
  }

  #detach(): void {
    this.#inspector?.close()
    this.#inspector = undefined
  }

  #hear(text: Buffer, onlyOnce: boolean): void {
    if (this.#head.length < 20_000) this.#head += text
    this.#log = (this.#log + text).slice(-200_000)
    if (onlyOnce && /\bready\b/.test(this.#log)) this.#child.stderr!.pause()
  }

  async #ready(): Promise<void> {
    for (let i = 0; i < 1200 && this.alive; i++) {
      if (/\bready\b/.test(this.#log)) return
      await sleep(25)
    }
    await this.destroy()
    throw new Error(`the daemon did not start:\n${this.#log.slice(-3000)}`)
  }
}

const running = new Set<Subject>()
process.on('exit', () => {
  for (const subject of running) subject.abandon()
})

async function freePorts(): Promise<Ports> {
  const ports = {} as Ports
  for (const name of PORTS) ports[name] = await freePort()
  return ports
}

function writeConfig(options: SubjectOptions, ports: Ports, directory: string): void {
  const config = options.config?.(ports, directory) ?? overlayOf(ports, options)
  writeFileSync(join(directory, 'overlay.json'), JSON.stringify(config))
}

/** What is laid over the shipped config: ports, and times of a test. */
export function overlayOf(ports: Ports, { overlay, shippedTimes }: SubjectOptions = {}): object {
  return merged(merged(portsOf(ports), shippedTimes ? {} : SHORT_TIMES), overlay ?? {})
}

const SHORT_TIMES = {
  processors: { tail_sampling: { decision_wait: '1s' } },
  connectors: {
    gen_ai_metrics: { settle_after: '300ms', settle_max: '1s', metrics_flush_interval: '500ms' },
    gen_ai_logs: { settle_after: '300ms', settle_max: '1s' },
  },
}

function portsOf(ports: Ports): object {
  const here = (port: number) => `127.0.0.1:${port}`
  return {
    receivers: { otlp: { protocols: { grpc: { endpoint: here(ports.grpc) }, http: { endpoint: here(ports.http) } } } },
    exporters: { prometheus: { endpoint: here(ports.metrics) } },
    extensions: { api: { endpoint: here(ports.api) }, health_check: { endpoint: here(ports.health) } },
    service: {
      telemetry: {
        metrics: { readers: [{ pull: { exporter: { prometheus: { host: '127.0.0.1', port: ports.self } } } }] },
      },
    },
  }
}

type Tree = { readonly [key: string]: unknown }

function merged(under: object, over: object): Tree {
  const result: Record<string, unknown> = { ...under }
  for (const [key, value] of Object.entries(over)) {
    result[key] = isTree(value) && isTree(result[key]) ? merged(result[key], value) : value
  }
  return result
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
