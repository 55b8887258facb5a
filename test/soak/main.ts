/** npm run soak: see USAGE. Prints a table, leaves it in out/soak_*.json, ends with 1 if a promise does not hold. */
import { execFileSync, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type Backend, fakeLoki, fakeTempo, type Mood } from '../chaos/backends.ts'
import { Subject } from '../chaos/contained_daemon.ts'
import { report } from '../chaos/form.ts'
import { heldItems, parseMetrics, sumOf } from '../chaos/readings.ts'
import { type Books, judge, type Outcome } from './promises.ts'
import type { LoadSetting, Sent } from './soak_load.ts'
import { type Options, parseOptions, USAGE } from './soak_options.ts'
import { Watch } from './watch.ts'

/** Cores of the daemon and of everything else. */
const CPU = { daemon: 0, load: 1 }
const CONNECTIONS = { closed: 32, open: 1000 }
/** After the load: what waits for its time must go, and at the latest then. */
const QUIET_MAX_ms = { short: 80_000, shipped: 180_000 }

const NOTHING: Books = { ledger: [], calls: 0, tempo: 0, twice: 0, loki: 0 }

interface Rig {
  readonly subject: Subject
  readonly tempo: Backend
  readonly loki: Backend
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const options = parseOptions(process.argv.slice(2))
if (options === undefined) console.log(USAGE)
// At once: what still hangs on a connection or a child would keep this process for as long as it likes.
else process.exit(await soak(options))

async function soak(options: Options): Promise<number> {
  pinItself()
  const requests_s = options.rate || (await capacityOf(options))
  const rate = Math.ceil(requests_s * options.times)
  console.log(`one core takes ${Math.round(requests_s)} requests/s; offered are ${rate} for ${options.minutes} min`)
  const outcome = await overload(options, requests_s, rate)
  const checks = judge(options, outcome)
  const name = `soak_${options.memory_mib}_${options.shape}_${options.tempo}`
  const mark = (holds: boolean | undefined) => (holds === undefined ? '' : holds ? 'holds' : 'BROKEN')
  console.log(`measured in ${Math.round(performance.now() / 1000)} s`)
  report(
    name,
    checks.map(({ promise, found, holds }) => ({ promise, found, '': mark(holds) })),
  )
  return checks.some(({ holds }) => holds === false) ? 1 : 0
}

/** Requests a second that a daemon under the same limit takes when it is never offered more than it answers. */
async function capacityOf(options: Options): Promise<number> {
  const rig = await started(options, 'well')
  try {
    const sent = await load(rig.subject, options, 0, options.capacity_s)
    if (!rig.subject.alive) throw new Error(`it died in the run at capacity:\n${rig.subject.log.slice(-2000)}`)
    if (sent.taken === 0) throw new Error(`it took nothing in the run at capacity: ${JSON.stringify(sent)}`)
    return sent.taken / options.capacity_s
  } finally {
    await ended(rig)
  }
}

async function overload(options: Options, requests_s: number, rate: number): Promise<Outcome> {
  const seconds = options.minutes * 60
  const rig = await started(options, options.tempo)
  const { subject } = rig
  try {
    const watch = new Watch(subject)
    const sent = await load(subject, options, rate, seconds)
    const before = await settled(rig, options, sent, options.tempo === 'well')
    await rig.tempo.become('well')
    const after = await settled(rig, options, sent, true)
    const peaks = await watch.stop()
    const { alive } = subject
    if (!alive) console.log(`the daemon is dead; the end of its log:\n${subject.log.slice(-3000)}`)
    const container = { limit_bytes: subject.container.limit_bytes, peak_bytes: subject.container.peak_bytes() }
    subject.signal('SIGTERM')
    const exitCode = await subject.ended()
    const spansPerRequest = sent.taken > 0 ? sent.takenSpans / sent.taken : 0
    const capacity = requests_s * spansPerRequest
    return {
      alive,
      kills: subject.container.kills(),
      ...container,
      peaks,
      sent,
      seconds,
      capacity,
      before,
      after,
      exitCode,
    }
  } finally {
    await ended(rig)
  }
}

async function started(options: Options, tempoMood: Mood): Promise<Rig> {
  const [tempo, loki] = [await fakeTempo(tempoMood), await fakeLoki()]
  const subject = await Subject.start({
    memory_mib: options.memory_mib,
    shippedTimes: !options.short,
    cpu: CPU.daemon,
    variables: {
      TEMPO_ENDPOINT: `127.0.0.1:${tempo.port}`,
      LOKI_ENDPOINT: `http://127.0.0.1:${loki.port}`,
      SLUICE_CONTENT: options.content,
    },
  })
  return { subject, tempo, loki }
}

async function ended({ subject, tempo, loki }: Rig): Promise<void> {
  await subject.destroy()
  await Promise.all([tempo.close(), loki.close()])
}

function load(subject: Subject, { shape }: Options, rate: number, seconds: number): Promise<Sent> {
  const { http: http_port, grpc: grpc_port } = subject.ports
  const connections = rate === 0 ? CONNECTIONS.closed : CONNECTIONS.open
  const setting: LoadSetting = { http_port, grpc_port, shape, rate, connections, duration_ms: seconds * 1000 }
  const child = fork(fileURLToPath(new URL('soak_load.ts', import.meta.url)))
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the load ended with code ${code}`)))
    child.once('message', (sent) => {
      child.removeAllListeners('exit')
      child.kill()
      resolve(sent as Sent)
    })
    child.send(setting)
  })
}

/** Waits until all calls are counted and told of, and, if `all`, until nothing is held any more. */
async function settled(rig: Rig, { short }: Options, sent: Sent, all: boolean): Promise<Books> {
  const end_ms = Date.now() + QUIET_MAX_ms[short ? 'short' : 'shipped']
  for (;;) {
    const books = rig.subject.alive ? await booksOf(rig) : NOTHING
    const told = books.calls >= sent.takenCalls && books.loki >= sent.takenCalls
    if (!rig.subject.alive || Date.now() > end_ms) return books
    if (told && (!all || heldItems(books.ledger) === 0)) return books
    await sleep(500)
  }
}

async function booksOf({ subject, tempo, loki }: Rig): Promise<Books> {
  const answer = await fetch(`http://127.0.0.1:${subject.ports.metrics}/metrics`)
  const calls = sumOf(parseMetrics(await answer.text()), 'llm_requests_total')
  const ledger = await subject.ledger()
  return { ledger, calls, tempo: tempo.items, twice: tempo.unheard, loki: loki.items - loki.unheard }
}

/** The daemon has a core for itself. */
function pinItself(): void {
  if (availableParallelism() < 2) return console.log('SKIPPED: one core only: daemon and load share it')
  try {
    execFileSync('taskset', ['-cp', String(CPU.load), String(process.pid)], { stdio: 'ignore' })
  } catch {
    console.log('SKIPPED: no taskset: daemon and load may share a core')
  }
}
