/** `npm run bench`: Sluice beside the OpenTelemetry Collector, one core each in turn. See docs/benchmarks.md. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { imageCommand } from '../support/image.ts'
import { type Options, parseOptions, USAGE } from './bench_options.ts'
import { formatResults, type HeldRow, type Results, type Row, renewDocs } from './bench_report.ts'
import { outDirectory, type SubjectName, unpackCollector } from './bench_subject.ts'
import type { Transport } from './load_process.ts'
import { Load } from './peer.ts'
import { measureHeld, measureRun, type RunSetting } from './run.ts'
import type { Shape } from './shapes.ts'
import { CPU, type Work } from './works.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

async function main(): Promise<void> {
  if (process.argv.includes('--help')) return console.log(USAGE)
  const options = parseOptions(process.argv.slice(2))
  const collector = options.subjects.includes('collector') ? unpackCollector() : undefined
  const commands = new Map<SubjectName, readonly string[]>()
  if (collector !== undefined) commands.set('collector', [collector])
  const sluice = options.image ? imageCommand().command : [process.execPath, `${root}src/main.ts`]
  if (options.subjects.includes('sluice')) commands.set('sluice', sluice)
  mkdirSync(outDirectory, { recursive: true })
  const load = new Load(CPU.load)
  const results: Results & { rows: Row[]; held: HeldRow[] } = {
    date: new Date().toISOString(),
    node: process.version,
    collector: collector ? execFileSync(collector, ['--version'], { encoding: 'utf8' }).trim() : 'no Collector',
    rows: [],
    held: [],
  }
  try {
    await runAll({ options, commands, load, sink: await load.ask({ kind: 'listen' }) }, results)
  } finally {
    load.close()
    writeFileSync(`${outDirectory}/bench.json`, `${JSON.stringify(results, null, 2)}\n`)
  }
  console.log(`\n${formatResults(results)}\n\nAlso in out/bench.json. * the load was the limit, not the subject.\n`)
  if (options.writeDocs) renewDocs(`${root}docs/benchmarks.md`, results)
}

interface Bench {
  readonly options: Options
  readonly commands: ReadonlyMap<SubjectName, readonly string[]>
  readonly load: Load
  readonly sink: RunSetting['sink']
}

async function runAll(bench: Bench, results: { rows: Row[]; held: HeldRow[] }): Promise<void> {
  const { options, load } = bench
  for (const shape of options.shapes) {
    const { span_bytes, modelCalls, zstd_ratio } = await load.ask({
      kind: 'prepare',
      shape: shape.name,
      seed: options.seed,
    })
    console.log(
      `# ${shape.name}: ${shape.spans} spans of ${span_bytes.toFixed(0)} B, ${(modelCalls * 100).toFixed(0)} % model calls, zstd ${zstd_ratio.toFixed(1)} : 1, seed ${options.seed}`,
    )
    for (const work of options.works) {
      for (const transport of options.transports ?? work.transports) {
        const row: Row = { work: work.name, transport, shape: shape.name, runs: [], failures: [] }
        results.rows.push(row)
        await fillRow(bench, work, shape, row)
      }
    }
    if (!options.memory) continue
    const row: HeldRow = { shape: shape.name, runs: [], failures: [] }
    results.held.push(row)
    await fillHeldRow(bench, shape, row)
  }
}

async function fillRow(bench: Bench, work: Work, shape: Shape, row: Row): Promise<void> {
  const label = `${row.work}-${row.transport}-${row.shape}`
  const order = Array.from({ length: bench.options.blocks }, () => work.order).flat()
  for (const subject of order.filter((name) => bench.commands.has(name))) {
    const setting = settingOf(bench, subject, shape, row.transport, label)
    await attempt(`${label} ${subject}`, row, async () => {
      const run = await measureRun(subject, work, setting, bench.options)
      row.runs.push(run)
      console.log(
        `${label} ${subject}: ${run.cpu_s_per_million.toFixed(2)} CPU-s/M, ${run.spans_per_s.toFixed(0)} spans/s, ${(run.rss_bytes / 1e6).toFixed(0)} MB (peak ${(run.rss_peak_bytes / 1e6).toFixed(0)}), ${(run.passed * 100).toFixed(1)} % out, core ${(run.subject_busy * 100).toFixed(0)} %, load ${(run.load_busy * 100).toFixed(0)} %`,
      )
      for (const warning of run.warnings) console.error(`!!! ${label} ${subject}: ${warning}`)
    })
  }
}

async function fillHeldRow(bench: Bench, shape: Shape, row: HeldRow): Promise<void> {
  const label = `memory-${shape.name}`
  for (const subject of bench.commands.keys()) {
    await attempt(`${label} ${subject}`, row, async () => {
      const held = await measureHeld(subject, settingOf(bench, subject, shape, 'http', label))
      row.runs.push(held)
      console.log(`${label} ${subject}: ${held.held_bytes_per_span.toFixed(0)} B held per span`)
      for (const warning of held.warnings) console.error(`!!! ${label} ${subject}: ${warning}`)
    })
  }
}

/** A run that fails is said loudly and kept in the results; the others go on. */
async function attempt(label: string, row: { failures: string[] }, run: () => Promise<void>): Promise<void> {
  try {
    await run()
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    row.failures.push(`${label.split(' ').at(-1)} failed: ${text.split('\n')[0]}`)
    console.error(`!!! ${label} failed: ${text}`)
  }
}

function settingOf(bench: Bench, subject: SubjectName, shape: Shape, transport: Transport, label: string): RunSetting {
  const command = withProfile(bench.commands.get(subject)!, subject, bench.options, label)
  return { load: bench.load, sink: bench.sink, command, log: `${outDirectory}/bench-${subject}.log`, shape, transport }
}

/** Sluice with `--cpu-prof`, one file a run named after the row. */
function withProfile(
  command: readonly string[],
  subject: SubjectName,
  options: Options,
  label: string,
): readonly string[] {
  if (options.profiles === undefined || subject !== 'sluice') return command
  const directory = resolve(options.profiles)
  mkdirSync(directory, { recursive: true })
  const [node, ...rest] = command
  return [
    node!,
    '--cpu-prof',
    `--cpu-prof-dir=${directory}`,
    `--cpu-prof-name=${label}-${Date.now()}.cpuprofile`,
    ...rest,
  ]
}

main().catch((error) => {
  console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`)
  process.exitCode = 1
})
