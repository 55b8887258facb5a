/**
 * node test/fuzz/run.ts [--inputs 100000] [--seed N] [--decoder name] [--first 0]
 *
 * Damaged captured bodies and random bytes for every decoder. Prints the seed; with it, `--decoder` and `--first` a
 * failing input is made again. The decoders run in a worker, so that a hang is seen and named.
 */
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { decoders } from './decoders.ts'
import { fuzz, type Outcome } from './fuzz.ts'

interface Run {
  readonly inputs: number
  readonly seed: number
  readonly first: number
  readonly names: readonly string[]
  /** Number of the decoder and of its input. */
  readonly progress: Int32Array
}

interface Done extends Outcome {
  readonly name: string
  readonly elapsed_ms: number
}

const HANG_MS = 10_000

if (isMainThread) watch(readOptions())
else await work(workerData as Run)

function readOptions(): Run {
  const { values } = parseArgs({
    options: {
      inputs: { type: 'string', default: '100000' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      decoder: { type: 'string', multiple: true, default: decoders.map(({ name }) => name) },
      first: { type: 'string', default: '0' },
    },
  })
  return {
    inputs: Number(values.inputs),
    seed: Number(values.seed),
    first: Number(values.first),
    names: values.decoder,
    progress: new Int32Array(new SharedArrayBuffer(8)),
  }
}

function watch(run: Run): void {
  console.log(`seed ${run.seed}, ${run.inputs} inputs for each of ${run.names.join(', ')}`)
  const worker = new Worker(new URL(import.meta.url), { workerData: run })
  let last = ''
  const timer = setInterval(() => {
    const now = run.progress.join()
    if (now === last) {
      console.log(`hang: --seed ${run.seed} --decoder ${run.names[run.progress[0]!]} --first ${run.progress[1]}`)
      process.exit(1)
    }
    last = now
  }, HANG_MS)
  worker.on('message', (done: Done) => {
    report(done)
    if (done.failures.length > 0) process.exitCode = 1
  })
  worker.on('exit', () => clearInterval(timer))
}

async function work(run: Run): Promise<void> {
  for (const [at, name] of run.names.entries()) {
    const decoder = decoders.find((one) => one.name === name)
    if (decoder === undefined)
      throw new Error(`no decoder ${name}; there are ${decoders.map((one) => one.name).join(', ')}`)
    run.progress[0] = at
    const start = performance.now()
    const outcome = await fuzz(decoder, run.seed, run.first, run.inputs, run.progress)
    parentPort!.postMessage({ ...outcome, name, elapsed_ms: performance.now() - start } satisfies Done)
  }
}

function report({ name, accepted, refused, failures, elapsed_ms }: Done): void {
  console.log(
    `${name}: ${accepted} accepted, ${refused} refused, ${failures.length} failures, ${Math.round(elapsed_ms)} ms`,
  )
  for (const { input, problem, body } of failures) {
    console.log(`  input ${input}: ${problem}\n  ${Buffer.from(body).toString('hex')}`)
  }
}
