/** The shipped config with a Tempo and a Loki that can be told to misbehave; all traces are kept, so that books are exact. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Backend, fakeLoki, fakeTempo, type Mood } from './backends.ts'
import { Subject, type SubjectOptions } from './contained_daemon.ts'
import { type Sender, sendGoodTraffic } from './good_traffic.ts'
import { edgesOf, heldItems, mistakesIn, parseMetrics, sumOf } from './readings.ts'

/** Repeats in tenths of a second instead of five seconds, attempts of a second. */
const EXPORTER = {
  timeout: '1s',
  retry_on_failure: { initial_interval: '100ms', max_interval: '300ms', max_elapsed_time: '0s' },
}
export const KEEP_ALL = { processors: { tail_sampling: { policies: [{ name: 'all', type: 'always_sample' }] } } }
export const OVERLAY = { ...KEEP_ALL, exporters: { 'otlp_grpc/tempo': EXPORTER, loki: EXPORTER } }
/** A slow machine that runs other things gets so long for what takes a second. */
const PATIENCE_ms = 60_000

export interface Drill {
  readonly subject: Subject
  readonly tempo: Backend
  readonly loki: Backend
  /** Honest traffic for so long; everything has been answered when it resolves. */
  send(duration_ms: number): Promise<Sender>
  close(): Promise<void>
}

export interface DrillOptions extends SubjectOptions {
  readonly tempo?: Mood
  readonly loki?: Mood
  readonly endpoints?: Readonly<Record<string, string>>
}

export async function startDrill(options: DrillOptions = {}): Promise<Drill> {
  const [tempo, loki] = [await fakeTempo(options.tempo), await fakeLoki(options.loki)]
  const endpoints = {
    TEMPO_ENDPOINT: `127.0.0.1:${tempo.port}`,
    LOKI_ENDPOINT: `http://127.0.0.1:${loki.port}`,
    ...options.endpoints,
  }
  const subject = await Subject.start({ overlay: OVERLAY, ...options, variables: endpoints })
  return {
    subject,
    tempo,
    loki,
    async send(duration_ms) {
      const sender = sendGoodTraffic(subject.ports.http, 10)
      await sleep(duration_ms)
      await sender.stop()
      return sender
    },
    async close() {
      await subject.destroy()
      await Promise.all([tempo.close(), loki.close()])
    },
  }
}

/** Tries until nothing is wrong any more; what is wrong at the end. */
export async function complaints(find: () => Promise<string[]>, patience_ms = PATIENCE_ms): Promise<string[]> {
  const end_ms = performance.now() + patience_ms
  for (;;) {
    const found = await find()
    if (found.length === 0 || performance.now() > end_ms) return found
    await sleep(100)
  }
}

/** Calls that Prometheus would see. */
export async function callsCounted({ ports }: Subject): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${ports.metrics}/metrics`, { headers: { connection: 'close' } })
  return sumOf(parseMetrics(await answer.text()), 'llm_requests_total')
}

export function differs(what: string, found: number, expected: number): string[] {
  return found === expected ? [] : [`${what}: ${found} instead of ${expected}`]
}

/** Senders felt nothing, and every call is counted: whatever backends do. */
export async function everythingCounted({ subject }: Drill, sender: Sender): Promise<string[]> {
  const calls = sender.taken
  return [
    ...differs('requests refused', sender.refused, 0),
    ...[...sender.faults].map(([what, count]) => `${count} × ${what}`),
    ...(await complaints(async () => differs('calls counted', await callsCounted(subject), calls))),
  ]
}

/** Nothing is held, the books balance. */
export async function booksClosed({ subject }: Drill): Promise<string[]> {
  return complaints(async () => {
    const ledger = await subject.ledger()
    return [...mistakesIn(ledger), ...differs('items held', heldItems(ledger), 0)]
  })
}

/** What was dropped on the way to an exporter, by reason. */
export async function droppedBefore({ subject }: Drill, exporter: string): Promise<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const { edge, dropped } of await subject.ledger()) {
    if (!edge.endsWith(`exporter/${exporter}`)) continue
    for (const [reason, items] of Object.entries(dropped)) sums[reason] = (sums[reason] ?? 0) + items
  }
  return sums
}

export async function delivered({ subject }: Drill, exporter: string): Promise<number> {
  const edges = edgesOf(await subject.ledger(), new RegExp(`exporter/${exporter}$`))
  return edges.reduce((sum, edge) => sum + edge.delivered, 0)
}
