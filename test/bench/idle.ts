/**
 * `npm run bench:idle`: what a daemon takes that has nothing to do, as most nodes of a cluster have most of the time, and
 * how long it takes to begin. The shipped config, nothing sent, no backend there. See docs/benchmarks.md.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { imageCommand } from '../support/image.ts'
import { type ShippedPorts, shippedArguments, shippedPorts } from '../support/shipped_config.ts'
import { formatTable, renewSection } from './bench_report.ts'
import { outDirectory, unpackCollector, usageOf } from './bench_subject.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Between two looks whether a subject is ready. */
const LOOK_MS = 5
const START_MAX_MS = 30_000

const USAGE = `npm run bench:idle -- [options]
  --settle N      seconds between the start and the measurement (60)
  --seconds N     length of the measurement (60)
  --starts N      starts of which the fastest counts (5)
  --only NAMES    of ${['node', 'collector', 'sources', 'image'].join(',')}
  --write-docs    renews the figures in docs/benchmarks.md`

interface Subject {
  readonly name: string
  readonly label: string
  readonly command: (ports: ShippedPorts) => readonly string[]
  readonly variables: Readonly<Record<string, string>>
  /** Answers at the health port. */
  readonly hasHealth: boolean
}

interface Figures {
  readonly rss_bytes: number
  /** Of that what is no file's: what the kernel cannot take back. */
  readonly anonymous_bytes: number
  /** Share of a core. */
  readonly cpu: number
  readonly ready_ms: number | undefined
}

async function main(): Promise<void> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    options: {
      settle: text,
      seconds: text,
      starts: text,
      only: text,
      'write-docs': { type: 'boolean' },
      help: { type: 'boolean' },
    },
  })
  if (values.help) return console.log(USAGE)
  const only = values.only?.split(',')
  const rows: string[][] = []
  for (const subject of subjects().filter(({ name }) => only?.includes(name) ?? true)) {
    const figures = await measure(subject, {
      settle_ms: Number(values.settle ?? 60) * 1000,
      window_ms: Number(values.seconds ?? 60) * 1000,
      starts: Number(values.starts ?? 5),
    })
    rows.push(cellsOf(subject.label, figures))
    console.log(rows.at(-1)!.join('  '))
  }
  const table = formatTable(['idle', 'resident MB', 'of it no file', '% of a core', 'ready after s'], rows)
  console.log(`\n${table}`)
  if (!values['write-docs']) return
  const measured = `Measured ${new Date().toISOString().slice(0, 10)}: Node ${process.version}, ${cpus()[0]?.model.trim() ?? 'an unknown machine'}.`
  renewSection(`${root}docs/benchmarks.md`, 'idle', `${measured}\n\n${table}`)
}

function subjects(): Subject[] {
  const all: Subject[] = [
    {
      name: 'node',
      label: 'Node, doing nothing',
      command: () => [process.execPath, '-e', 'setInterval(() => {}, 1 << 30)'],
      variables: {},
      hasHealth: false,
    },
  ]
  const collector = unpackCollector()
  if (collector !== undefined) {
    const config = fileURLToPath(new URL('configs/idle.collector.yaml', import.meta.url))
    const command = () => [collector, '--config', config]
    all.push({ name: 'collector', label: 'Collector, same stages', command, variables: {}, hasHealth: true })
  }
  const sources = (ports: ShippedPorts) => [process.execPath, `${root}src/main.ts`, ...shippedArguments(ports)]
  all.push({ name: 'sources', label: 'Sluice from its sources', command: sources, variables: {}, hasHealth: true })
  if (!existsSync(`${root}dist`)) {
    console.error('!!! there is no dist: what the image runs is NOT measured; make it with npm run bundle')
    return all
  }
  const { command, variables } = imageCommand()
  const image = (ports: ShippedPorts) => [...command, ...shippedArguments(ports)]
  all.push({ name: 'image', label: 'Sluice as in its image', command: image, variables, hasHealth: true })
  return all
}

/** The fastest of some starts, and the last of them watched while it does nothing. */
async function measure(
  subject: Subject,
  { settle_ms, window_ms, starts }: { settle_ms: number; window_ms: number; starts: number },
): Promise<Figures> {
  let ready_ms = Number.POSITIVE_INFINITY
  for (let start = 1; ; start++) {
    const { child, took_ms, end } = await begin(subject)
    ready_ms = Math.min(ready_ms, took_ms)
    try {
      if (start < starts && subject.hasHealth) continue
      await sleep(settle_ms)
      const before = usageOf(child.pid!)
      const since_ms = performance.now()
      await sleep(window_ms)
      const { cpu_s, rss_bytes, anonymous_bytes } = usageOf(child.pid!)
      const cpu = ((cpu_s - before.cpu_s) * 1000) / (performance.now() - since_ms)
      return { rss_bytes, anonymous_bytes, cpu, ready_ms: subject.hasHealth ? ready_ms : undefined }
    } finally {
      await end()
    }
  }
}

interface Begun {
  readonly child: ChildProcess
  readonly took_ms: number
  readonly end: () => Promise<void>
}

async function begin(subject: Subject): Promise<Begun> {
  const ports = await shippedPorts()
  mkdirSync(outDirectory, { recursive: true })
  const data = mkdtempSync(`${outDirectory}/idle-`)
  const [program, ...args] = subject.command(ports)
  const began_ms = performance.now()
  const child = spawn(program!, args, {
    cwd: root,
    stdio: ['ignore', 'ignore', 'ignore'],
    env: {
      ...process.env,
      ...subject.variables,
      SLUICE_DATA: data,
      BENCH_GRPC_PORT: String(ports.grpc),
      BENCH_HTTP_PORT: String(ports.http),
      BENCH_PROMETHEUS_PORT: String(ports.prometheus),
      BENCH_SELF_PORT: String(ports.self),
      BENCH_HEALTH_PORT: String(ports.health),
      BENCH_DATA_DIRECTORY: data,
    },
  })
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const end = async () => {
    child.kill('SIGTERM')
    await exited
    rmSync(data, { recursive: true, force: true })
  }
  while (subject.hasHealth && !(await isWell(ports.health))) {
    if (child.exitCode !== null || performance.now() - began_ms > START_MAX_MS) {
      await end()
      throw new Error(`${subject.label} did not become ready: ${[program, ...args].join(' ')}`)
    }
    await sleep(LOOK_MS)
  }
  return { child, took_ms: performance.now() - began_ms, end }
}

function isWell(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: '127.0.0.1', port, path: '/', agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    request.on('error', () => resolve(false))
  })
}

function cellsOf(label: string, { rss_bytes, anonymous_bytes, cpu, ready_ms }: Figures): string[] {
  const mb = (bytes: number) => (bytes / 1e6).toFixed(0)
  const ready = ready_ms === undefined ? '–' : (ready_ms / 1000).toFixed(2)
  return [label, mb(rss_bytes), mb(anonymous_bytes), (cpu * 100).toFixed(2), ready]
}

main().catch((error) => {
  console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
  process.exitCode = 1
})
