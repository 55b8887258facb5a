/** What was promised of a run under overload, against what was measured. */
import { schema } from '../../src/processors/memory_limiter/config.ts'
import { limitsOf } from '../../src/processors/memory_limiter/memory_limits.ts'
import { type Edge, edgesOf, heldItems, mistakesIn } from '../chaos/readings.ts'
import type { Sent } from './soak_load.ts'
import type { Options } from './soak_options.ts'
import type { Peaks } from './watch.ts'

export interface Outcome {
  readonly alive: boolean
  readonly kills: number
  readonly limit_bytes: number
  readonly peak_bytes: number
  readonly peaks: Peaks
  readonly sent: Sent
  readonly seconds: number
  /** Spans a second at capacity. */
  readonly capacity: number
  /** While Tempo was as the options say. */
  readonly before: Books
  /** When everything was quiet, Tempo well. */
  readonly after: Books
  readonly exitCode: number | string | null
}

export interface Books {
  readonly ledger: readonly Edge[]
  /** `llm_requests_total` */
  readonly calls: number
  /** Spans that Tempo took, summaries that Loki took. */
  readonly tempo: number
  /** Of these, spans whose sender did not wait for the answer: they come again. */
  readonly twice: number
  readonly loki: number
}

export interface Check {
  readonly promise: string
  readonly found: string
  /** undefined: only reported. */
  readonly holds: boolean | undefined
}

const GOODPUT_SHARE = 0.8
/** What the daemon keeps to in a container, as the shipped config says it. */
const SHIPPED = schema.parse({ limit_percentage: 75 })

export function judge(options: Options, outcome: Outcome): Check[] {
  return [
    ...processChecks(outcome),
    ...memoryChecks(outcome),
    ...answerChecks(options, outcome),
    ...bookChecks(outcome),
  ]
}

function processChecks({ alive, kills, exitCode }: Outcome): Check[] {
  return [
    { promise: 'C02 the process lives', found: alive ? 'it does' : 'it died', holds: alive },
    { promise: 'C02 nothing is killed for want of memory', found: `${kills} killed`, holds: kills === 0 },
    { promise: 'G01 a stop hands everything on: exit code 0', found: `exit code ${exitCode}`, holds: exitCode === 0 },
  ]
}

function memoryChecks({ limit_bytes, peak_bytes, peaks }: Outcome): Check[] {
  const own_bytes = limitsOf(SHIPPED, limit_bytes).hard_bytes
  const below = (bytes: number) => (limit_bytes === 0 ? undefined : bytes > 0 && bytes < own_bytes)
  const of = (bytes: number) => `${mib(bytes)} of ${limit_bytes === 0 ? 'unlimited' : mib(own_bytes)} MiB`
  return [
    {
      promise: 'C02 live heap and buffers are below the limit',
      found: of(peaks.live_bytes),
      holds: below(peaks.live_bytes),
    },
    { promise: 'C02 bytes held are below the limit', found: of(peaks.held_bytes), holds: below(peaks.held_bytes) },
    { promise: 'resident memory at most', found: `${mib(peaks.rss_bytes)} MiB`, holds: undefined },
    {
      promise: 'memory of the container at most',
      found: `${mib(peak_bytes)} of ${mib(limit_bytes)} MiB`,
      holds: undefined,
    },
    { promise: 'own metrics unanswered at most', found: `${Math.round(peaks.silent_ms)} ms`, holds: undefined },
  ]
}

function answerChecks(options: Options, { sent, seconds, capacity }: Outcome): Check[] {
  const goodput = sent.takenSpans / seconds
  const share = goodput / capacity
  const wrong = Object.entries(sent.wrong).map(([what, count]) => `${count} × ${what}`)
  return [
    {
      promise: 'offered',
      found: `${whole(sent.spansOffered / seconds)} spans/s, ${sent.unsent} requests unsent`,
      holds: undefined,
    },
    {
      promise: 'D01 D07 what is refused can be repeated',
      found: `${sent.taken} requests taken, ${sent.refused} refused, wrong: ${wrong.join(', ') || 'none'}`,
      holds: wrong.length === 0,
    },
    { promise: 'requests without an answer', found: String(sent.unknown), holds: undefined },
    {
      promise: `goodput is at least ${GOODPUT_SHARE * 100} % of the run at capacity`,
      found: `${whole(goodput)} of ${whole(capacity)} spans/s: ${Math.round(share * 100)} %`,
      holds: options.short ? undefined : share >= GOODPUT_SHARE,
    },
    { promise: 'time until taken, p50 and p99', found: `${sent.p50_ms} ms, ${sent.p99_ms} ms`, holds: undefined },
  ]
}

/** What a client did not hear of may have been taken or not; everything else is exact. */
function bookChecks({ sent, before, after }: Outcome): Check[] {
  const entered = edgesOf(after.ledger, /^receiver\/otlp → traces/).reduce((sum, edge) => sum + edge.entered, 0)
  const tempo = edgesOf(after.ledger, /exporter\/otlp_grpc\/tempo$/)
  const delivered = tempo.reduce((sum, edge) => sum + edge.delivered, 0)
  const mistakes = [...mistakesIn(before.ledger), ...mistakesIn(after.ledger)]
  const held = heldItems(after.ledger)
  return [
    { promise: 'C0 the books balance', found: mistakes.join('; ') || 'they do', holds: mistakes.length === 0 },
    within('C0 every acknowledged span is in the books', entered, sent.takenSpans, sent.unknownSpans),
    within('D04 every acknowledged call is counted', before.calls, sent.takenCalls, sent.unknownCalls),
    within('D04 every acknowledged call has its summary in Loki', before.loki, sent.takenCalls, sent.unknownCalls),
    { promise: 'E02 the queues drain', found: `${held} items held`, holds: held === 0 },
    { promise: 'dropped, by edge and reason', found: dropsIn(after.ledger), holds: undefined },
    {
      promise: 'E02 only what was under way reaches Tempo twice',
      found: `${after.tempo} spans there, ${delivered} delivered, ${after.twice} unheard`,
      holds: after.tempo >= delivered && after.tempo <= delivered + after.twice,
    },
  ]
}

function dropsIn(ledger: readonly Edge[]): string {
  const drops = ledger.filter(({ dropped }) => Object.keys(dropped).length > 0)
  return (
    drops.map(({ edge, signal, dropped }) => `${edge} (${signal}): ${JSON.stringify(dropped)}`).join('; ') || 'nothing'
  )
}

function within(promise: string, found: number, known: number, unknown: number): Check {
  const expected = unknown === 0 ? `${known}` : `${known} to ${known + unknown}`
  return { promise, found: `${found} of ${expected}`, holds: found >= known && found <= known + unknown }
}

function mib(bytes: number): string {
  return String(Math.round(bytes / 1024 / 1024))
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en')
}
