/**
 * `npm run demo`: three applications with real OpenTelemetry SDKs send a minute of traffic to the running daemon; then
 * it says what came of it.
 */
import { parseArgs } from 'node:util'
import { report } from './report.ts'
import { APPLICATIONS, runScenario } from './scenarios.ts'
import { Service } from './services.ts'

const { values: flags } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    rate: { type: 'string', default: '10' },
    host: { type: 'string', default: '127.0.0.1' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
const TICK_MS = 100

async function run(): Promise<number> {
  const { host } = flags
  if (!(await isRunning(host))) {
    process.stderr.write(`Nothing answers at http://${host}:8890. Start Sluice in another terminal first: npm start\n`)
    return 1
  }
  const endpoints = { grpc: `http://${host}:4317`, http: `http://${host}:4318` }
  const applications = APPLICATIONS.map(({ name, protocol, instrumentation, write }) => {
    const service = new Service(name, protocol, endpoints)
    return { service, tracer: service.tracer(instrumentation), write }
  })
  process.stdout.write(INTRODUCTION)
  const counts = await send(applications)
  for (const { service } of applications) await service.close()
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0)
  process.stdout.write(
    `\n\nSent ${all} requests: ${[...counts].map(([name, count]) => `${count} ${name}`).join(', ')}.\n`,
  )
  await report(host)
  return 0
}

const INTRODUCTION = `Three applications send a minute of traffic: chats, streams, retrieval, agents with tools, errors, refusals,
and personal data in prompts. Meanwhile, in another terminal:

  curl -s http://127.0.0.1:8889/metrics | grep -E '^llm_(cost_usd_sum|tokens)'   tokens and USD by model
  curl -s 'http://127.0.0.1:8890/api/traces?limit=5'                             kept traces, and why
  curl -s 'http://127.0.0.1:8890/api/traces?signal=refusal'                      only refused answers
  curl -s 'http://127.0.0.1:8890/api/logs?event=sluice.gen_ai.summary&limit=5'   a line for every model call

`

/** How many requests of each kind were sent. */
async function send(applications: Parameters<typeof runScenario>[0]): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const random = randomFrom(Number(flags.seed))
  const length_ms = Number(flags.seconds) * 1000
  const start_ms = Date.now()
  for (let sent = 0; Date.now() - start_ms < length_ms; ) {
    const due = ((Date.now() - start_ms) / 1000) * Number(flags.rate)
    for (; sent < due; sent++) {
      const name = runScenario(applications, random, Date.now())
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    showProgress((Date.now() - start_ms) / length_ms, sent)
    await new Promise((resolve) => setTimeout(resolve, TICK_MS))
  }
  showProgress(
    1,
    [...counts.values()].reduce((sum, count) => sum + count, 0),
  )
  return counts
}

let shown = -1

/** A bar that moves; where output is no terminal, a line every quarter. */
function showProgress(part: number, sent: number): void {
  const done = Math.min(1, part)
  if (process.stdout.isTTY) {
    const bar = '█'.repeat(Math.round(done * 40)).padEnd(40, '░')
    process.stdout.write(`\r${bar} ${sent} requests`)
  } else if (Math.floor(done * 4) > shown) {
    shown = Math.floor(done * 4)
    process.stdout.write(`${shown * 25} %: ${sent} requests\n`)
  }
}

async function isRunning(host: string): Promise<boolean> {
  try {
    return (await fetch(`http://${host}:8890/api/health`, { signal: AbortSignal.timeout(2000) })).ok
  } catch {
    return false
  }
}

/** The same traffic for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

if (flags.help) {
  process.stdout.write(
    'npm run demo -- [--seconds 60] [--rate 10: requests a second] [--host 127.0.0.1] [--seed 1]\n' +
      'Sends traffic of three made-up applications to a running Sluice (npm start).\n',
  )
} else process.exitCode = await run()
