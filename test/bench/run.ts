import { setTimeout as sleep } from 'node:timers/promises'
import { coreSeconds, Subject, type SubjectName, type Usage } from './bench_subject.ts'
import { sameChecksum } from './checksum.ts'
import type { Counts, Transport } from './load_process.ts'
import type { Load } from './peer.ts'
import type { Shape } from './shapes.ts'
import { CPU, KEPT_PERCENT, MEMORY_CONFIG, type Work } from './works.ts'

/** One run of one subject. */
export interface Run {
  readonly subject: SubjectName
  readonly cpu_s_per_million: number
  readonly cpu_s_per_gb: number
  readonly spans_per_s: number
  /** Resident memory at the end of the measured window, and the highest of the run. */
  readonly rss_bytes: number
  readonly rss_peak_bytes: number
  /** Share of the other core that the load process used: near 1, the subject could have taken more. */
  readonly load_busy: number
  /** Share of the subject's core that it used. */
  readonly subject_busy: number
  /** Spans out of the subject / spans into it, over the whole run. */
  readonly passed: number
  /** What makes the figure doubtful. */
  readonly warnings: readonly string[]
}

export interface RunSetting {
  readonly load: Load
  readonly sink: { readonly http_port: number; readonly grpc_port: number }
  readonly command: readonly string[]
  readonly log: string
  readonly shape: Shape
  readonly transport: Transport
}

/** Starts the subject, warms it up, measures for `seconds`, stops it and checks what came out. */
export async function measureRun(
  subjectName: SubjectName,
  work: Work,
  setting: RunSetting,
  options: { readonly seconds: number; readonly inFlight: number; readonly rate: number },
): Promise<Run> {
  const { load, transport } = setting
  return withSubject(setting, work.config(subjectName, transport), async (subject) => {
    const port = transport === 'http' ? subject.http_port : subject.grpc_port
    await load.ask({ kind: 'start', transport, port, in_flight: options.inFlight, rate: options.rate, limit: 0 })
    await sleep(work.warmUp_s * 1000)
    const begin = await observe(subject, load)
    await sleep(options.seconds * 1000)
    const end = await observe(subject, load)
    await load.ask({ kind: 'stop' })
    const oddEnd = await subject.stop()
    await sleep(200)
    const total = await load.ask({ kind: 'count' })
    const warnings = [...oddEnd, ...checkQuiet(begin, end), ...checkDelivery(work, total)]
    return { subject: subjectName, ...figures(begin, end), passed: total.received.spans / total.sent.spans, warnings }
  })
}

function figures(begin: Observation, end: Observation): Omit<Run, 'subject' | 'passed' | 'warnings'> {
  const spans = end.counts.sent.spans - begin.counts.sent.spans
  const bytes = end.counts.sent.bytes - begin.counts.sent.bytes
  const cpu_s = end.usage.cpu_s - begin.usage.cpu_s
  const elapsed_s = (end.at_ms - begin.at_ms) / 1000
  return {
    cpu_s_per_million: (cpu_s / spans) * 1e6,
    cpu_s_per_gb: (cpu_s / bytes) * 1e9,
    spans_per_s: spans / elapsed_s,
    rss_bytes: end.usage.rss_bytes,
    rss_peak_bytes: end.usage.rss_peak_bytes,
    load_busy: (end.counts.cpu_s - begin.counts.cpu_s) / elapsed_s,
    subject_busy: cpu_s / elapsed_s,
  }
}

/** What held spans cost: resident memory per span beside their size on the wire. */
export interface Held {
  readonly subject: SubjectName
  readonly held_bytes_per_span: number
  readonly wire_bytes_per_span: number
  readonly warnings: readonly string[]
}

/** Points at which resident memory is read while the sampler fills. */
const HOLD_STEPS = 5

/** Fills the sampler in steps and takes the slope of resident memory over spans held, the first step left out. */
export async function measureHeld(subjectName: SubjectName, setting: RunSetting): Promise<Held> {
  const { load, shape } = setting
  return withSubject(setting, MEMORY_CONFIG, async (subject) => {
    const points: { spans: number; bytes: number }[] = []
    for (let step = 1; step <= HOLD_STEPS; step++) {
      const limit = Math.ceil(shape.heldSpans / HOLD_STEPS)
      await load.ask({ kind: 'start', transport: 'http', port: subject.http_port, in_flight: 4, rate: 0, limit })
      await load.ask({ kind: 'finish' })
      await sleep(1500)
      points.push({ spans: (await load.ask({ kind: 'count' })).sent.spans, bytes: subject.usage().rss_bytes })
    }
    const total = await load.ask({ kind: 'count' })
    const warnings = await subject.stop()
    if (total.received.spans > 0) warnings.push(`${total.received.spans} spans left the sampler before the end`)
    if (total.refused > 0) warnings.push(`${total.refused} requests refused`)
    const wire_bytes_per_span = total.sent.bytes / total.sent.spans
    return { subject: subjectName, held_bytes_per_span: slope(points.slice(1)), wire_bytes_per_span, warnings }
  })
}

/** A subject that is stopped, and a load that is quiet, however `use` ends. */
async function withSubject<T>(setting: RunSetting, config: string, use: (subject: Subject) => Promise<T>): Promise<T> {
  const { command, sink, log, load } = setting
  await load.ask({ kind: 'reset' })
  const subject = await Subject.start({ command, config, cpu: CPU.subject, sink, log })
  try {
    return await use(subject)
  } finally {
    await load.ask({ kind: 'stop' })
    await subject.stop()
  }
}

interface Observation {
  readonly at_ms: number
  readonly usage: Usage
  readonly counts: Counts
  /** Time spent on the two cores by anybody. */
  readonly cores: { readonly subject_s: number; readonly load_s: number }
}

async function observe(subject: Subject, load: Load): Promise<Observation> {
  if (subject.hasExited) throw new Error('the subject ended during the run')
  const counts = await load.ask({ kind: 'count' })
  const cores = { subject_s: coreSeconds(CPU.subject), load_s: coreSeconds(CPU.load) }
  return { at_ms: performance.now(), usage: subject.usage(), counts, cores }
}

/** Others on the same cores make the figures worse: caches, and waiting that looks like a slow subject. */
function checkQuiet(begin: Observation, end: Observation): string[] {
  const elapsed_s = (end.at_ms - begin.at_ms) / 1000
  const own_s = end.usage.cpu_s - begin.usage.cpu_s
  const load_s = end.counts.cpu_s - begin.counts.cpu_s
  const others = {
    subject: (end.cores.subject_s - begin.cores.subject_s - own_s) / elapsed_s,
    load: (end.cores.load_s - begin.cores.load_s - load_s) / elapsed_s,
  }
  return (['subject', 'load'] as const)
    .filter((core) => others[core] > 0.15)
    .map((core) => `other processes used ${Math.round(others[core] * 100)} % of the ${core}'s core`)
}

function checkDelivery(work: Work, total: Counts): string[] {
  const warnings: string[] = []
  if (total.unreadable > 0) {
    warnings.push(`the sink could not read ${total.unreadable} requests, the first: ${total.unreadableBecause}`)
  }
  if (total.refused > 0) warnings.push(`${total.refused} requests refused`)
  const { sent, received } = total
  if (work.keepsAll) {
    if (received.spans !== sent.spans) warnings.push(`sent ${sent.spans} spans, received ${received.spans}`)
    else if (!sameChecksum(sent, received)) warnings.push('as many spans received as sent, but not the same ones')
    return warnings
  }
  const expected = total.mustKeepSpans + ((sent.spans - total.mustKeepSpans) * KEPT_PERCENT) / 100
  if (Math.abs(received.spans / expected - 1) > 0.1) {
    warnings.push(`the policies keep about ${Math.round(expected)} of ${sent.spans} spans, received ${received.spans}`)
  }
  return warnings
}

/** Least squares. */
function slope(points: readonly { spans: number; bytes: number }[]): number {
  const meanSpans = points.reduce((sum, point) => sum + point.spans, 0) / points.length
  const meanBytes = points.reduce((sum, point) => sum + point.bytes, 0) / points.length
  const above = points.reduce((sum, point) => sum + (point.spans - meanSpans) * (point.bytes - meanBytes), 0)
  return above / points.reduce((sum, point) => sum + (point.spans - meanSpans) ** 2, 0)
}
